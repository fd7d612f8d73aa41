# SPDX-License-Identifier: Apache-2.0
"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

State: TypeAlias = Literal["well", "note", "act"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; `act` needs doing, and `advice` says what, `note` is good to know."""

    check: str
    state: State
    message: str
    advice: str = ""
