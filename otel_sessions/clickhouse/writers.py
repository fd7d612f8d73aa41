# SPDX-License-Identifier: Apache-2.0
"""Who may store spans in embedded data: of the one process that has them, each exporter, and who lets others in."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

_lock: Final = threading.Lock()
_writers: Final[dict[Path, list[Writer]]] = {}


class Writer:
    """One that may store spans in the data at `path` from now on until `leave`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with _lock:
            here = _writers.setdefault(path, [])
            here.append(self)
            self._alone = len(here) == 1
            for other in here if len(here) > 1 else ():
                other._alone = False

    @property
    def alone(self) -> bool:
        """Whether nobody else could store spans there at any time since this one may, and nobody can now."""
        with _lock:
            return self._alone

    def leave(self) -> None:
        """Says that this one stores nothing any more; a second call does nothing."""
        with _lock:
            here = _writers.get(self._path, [])
            if self in here:
                here.remove(self)
            if not here:
                _writers.pop(self._path, None)
