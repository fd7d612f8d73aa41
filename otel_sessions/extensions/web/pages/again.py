# SPDX-License-Identifier: Apache-2.0
"""A form that was refused, shown again with what was typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

MENDABLE: Final = (400, 409, 413, 422)
"""The answers to a form that may be taken once it says something else."""
_TYPED: Final[Mapping[str, str]] = {
    "label": "Label", "name": "Name", "data_type": "Type", "value": "Value", "comment": "Comment", "text": "Comment",
}  # fmt: skip
_FIXED: Final = ("name", "data_type")
"""What a form that judges in place does not ask for."""


def again(path: str, form: Mapping[str, str]) -> dict[str, Any] | None:
    """The form of a path: what was `typed`, as (name, title, value), and what else is `kept`; None if nothing was."""
    asked = [name for name in _TYPED if name in form and not (form.get("action") == "judge" and name in _FIXED)]
    if not asked or form.get("action") in ("delete", "remove"):
        return None
    return {
        "path": path,
        "typed": [(name, _TYPED[name], form[name]) for name in asked],
        "kept": [(name, value) for name, value in form.items() if name not in asked],
    }
