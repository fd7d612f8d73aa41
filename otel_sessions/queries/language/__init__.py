# SPDX-License-Identifier: Apache-2.0
"""The language that chooses sessions: `user:ada cost>0.5 -has:error refund`; docs/language.md says what it means.

`parse.parse` makes a typed tree of it (`tree`) or raises `LanguageError`; `condition` makes of the tree one condition
of SQL over the view `sessions`, its values bound.
"""

from otel_sessions.queries.language.errors import LanguageError
from otel_sessions.queries.language.fields import FIELDS, Field
from otel_sessions.queries.language.sql import Condition, condition

__all__ = ["FIELDS", "Condition", "Field", "LanguageError", "condition"]
