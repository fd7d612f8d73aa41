"""What `auth` names must run, and know clients."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from otel_sessions.component import AuthenticatorSettings, AuthSettings, ComponentId, Settings
from otel_sessions.config.tree import Path, dotted
from otel_sessions.config.typed import hint
from otel_sessions.config.within import within
from otel_sessions.errors import Fault


class Authenticators:
    """`named` are the ids of extensions, `settings` those of them without faults, `running` those of the service."""

    def __init__(
        self,
        named: Collection[ComponentId],
        settings: Mapping[ComponentId, Settings],
        running: Collection[ComponentId],
    ) -> None:
        self._named = named
        self._settings = settings
        self._running = running

    def faults(self, settings: Settings | None, path: Path) -> Iterator[Fault]:
        """Of every `auth` in settings that stand at `path`."""
        for place, auth in within(AuthSettings, settings, path):
            message = self._problem(auth.authenticator)
            if message:
                yield Fault(dotted((*place, "authenticator")), message)

    def _problem(self, id_: ComponentId) -> str | None:
        if id_ not in self._named:
            return f"'{id_}' is not configured under `extensions`{hint(str(id_), sorted(map(str, self._named)))}"
        settings = self._settings.get(id_)
        if settings is not None and not isinstance(settings, AuthenticatorSettings):
            return f"'{id_}' is no authenticator; basicauth and bearertokenauth are"
        return None if id_ in self._running else f"'{id_}' does not run; name it in `service.extensions` too"
