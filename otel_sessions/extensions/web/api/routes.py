# SPDX-License-Identifier: Apache-2.0
"""All operations, in the order in which the document shows them."""

from __future__ import annotations

from typing import Final

from otel_sessions.extensions.web.api import (
    additions,
    deletions,
    events,
    exports,
    questions,
    score_configs,
    sessions,
    shares,
    users,
)
from otel_sessions.extensions.web.api.operation import Operation

OPERATIONS: Final[tuple[Operation, ...]] = (
    *sessions.OPERATIONS,
    *exports.OPERATIONS,
    *events.OPERATIONS,
    *users.OPERATIONS,
    *questions.OPERATIONS,
    *additions.OPERATIONS,
    *score_configs.OPERATIONS,
    *shares.OPERATIONS,
    *deletions.OPERATIONS,
)
