# SPDX-License-Identifier: Apache-2.0
"""Requests of OTLP sent to a running service, by commands that have spans."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import click

from otel_sessions.errors import Permanent

if TYPE_CHECKING:
    from otel_sessions.config import Config

target = click.option("--endpoint", metavar="URL", help="Where OTLP over HTTP is taken; by default the service's own.")
headers = click.option(
    "--header",
    multiple=True,
    metavar="NAME=VALUE",
    help="Sent along, as in authorization=Bearer TOKEN. Repeatable.",
)
_PATIENCE_S: Final = 60.0


class Sender:
    """Sends to the endpoint given, or to the service that runs with this configuration. `Permanent` where none does."""

    def __init__(self, endpoint: str | None, headers: Sequence[str], config: Config) -> None:
        from otel_sessions.cli.access import bypass_proxies  # noqa: PLC0415

        bypass_proxies()
        self._url = f"{(endpoint or _served(config)).rstrip('/')}/v1/traces"
        pairs = [each.partition("=") for each in headers]
        if any(not mark for _, mark, _ in pairs):
            raise click.BadParameter("write NAME=VALUE", param_hint="--header")
        self._headers = {"content-type": "application/x-protobuf", **{name: value for name, _, value in pairs}}

    def send(self, body: bytes) -> bytes:
        """The answer, when the spans are safe.

        Raises `Permanent` when nobody takes them, after some patience where somebody says to come back.
        """
        import urllib3  # noqa: PLC0415

        end = time.monotonic() + _PATIENCE_S
        while True:
            try:
                answer = urllib3.request(
                    "POST", self._url, body=body, headers=self._headers, timeout=30.0, retries=False
                )
            except urllib3.exceptions.HTTPError as error:
                raise Permanent(f"nobody takes spans at {self._url}: {error}") from error
            if answer.status == 200:
                return answer.data
            if answer.status not in (429, 503) or time.monotonic() > end:
                said = answer.data[:300].decode("utf-8", "replace")
                raise Permanent(f"{self._url} answered {answer.status}: {said}")
            time.sleep(1)


def _served(config: Config) -> str:
    """Where the service of this configuration takes OTLP over HTTP: as the owner of embedded data says, else as the
    configuration does."""
    from otel_sessions.cli.access import owner_of  # noqa: PLC0415
    from otel_sessions.clickhouse.client import endpoint_in_use  # noqa: PLC0415

    data = endpoint_in_use({id_: config.exporters[id_] for id_ in config.used("exporters")})
    owner = owner_of(data) if data else {}
    if "otlp/http" in owner:
        return f"http://{owner['otlp/http']}"
    for id_ in config.used("receivers") if data and not data.embedded else ():
        http = getattr(getattr(config.receivers[id_], "protocols", None), "http", None)
        if http is not None and http.endpoint.port and http.tls is None:
            return f"http://{http.endpoint}"
    raise Permanent("no service runs with this configuration on this machine; start it, or name one with --endpoint")
