# SPDX-License-Identifier: Apache-2.0
"""Loads a configuration: read, merged, expanded and checked, a `Config`, or every fault that was found in it, without
the passwords and tokens that stand in it."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path as File
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel

from otel_sessions.component import GROUPS, AuthenticatorSettings, AuthSettings, ComponentId, Kind, Settings, Used
from otel_sessions.config.document import DEFAULT_CONFIG, Path, dotted, given_by, merge, parse
from otel_sessions.config.expand import Expander
from otel_sessions.config.model import Config, Pipeline, Service, ServiceSettings
from otel_sessions.config.plugins import EntryPoints, Registry
from otel_sessions.config.typed import kind_of, unknown_key, validate
from otel_sessions.errors import ConfigError, Fault, hint
from otel_sessions.types import HostPort

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
_PIPELINE_KINDS: tuple[Kind, ...] = ("receivers", "processors", "exporters")
_LOCAL = {"localhost": "127.0.0.1"}
_SQL_PORT = "clickhouse_http"
_NOT_YET = {"metrics", "logs", "profiles"}
_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase)|secret|tokens?$|api[-_]?key|credential|authorization|private[-_]?key|headers", re.I
)
_USERINFO = re.compile(r"(?:(?<=://)|^)[^\s/]+:\S+(?=@)")
_SHORTEST = 3
_HIDDEN = "***"


def load(
    files: Sequence[File] = (),
    sets: Sequence[str] = (),
    *,
    registry: Registry | None = None,
    environ: Mapping[str, str] | None = None,
    to_serve: bool = False,
) -> Config:
    """The configuration of `files`, merged in their order, and of `sets` (`PATH=VALUE`) on top.

    Without files it is `DEFAULT_CONFIG` that `sets` change; `clickhouse_http` of it is for the embedded engine, and is
    left out where the endpoint is a server's and no set names it. `${env:...}` is expanded from `environ`, by default
    the process's; types of components come from `registry`, by default the installed plugins. With `to_serve` all is
    found that a service would refuse before it touches a database or a port.
    Raises `ConfigError` with every fault there is, and nothing else.
    """
    given = given_by(files, sets)
    expander = Expander(os.environ if environ is None else environ)
    default = {} if files else parse(DEFAULT_CONFIG, "default")
    tree = expander.expand(merge(default, given))
    if not files and _serves_no_sql(tree, given):
        del tree["extensions"][_SQL_PORT]
        tree["service"]["extensions"].remove(_SQL_PORT)
    checker = Checker(tree, expander.texts, registry or EntryPoints())
    config = checker.config()
    scrubber = Scrubber(tree)
    faults = [*expander.faults, *map(expander.explain, checker.faults)]
    if config is not None and to_serve and not expander.faults and config.is_whole():
        faults += map(expander.explain, service_faults(config))
    if faults or config is None:
        raise ConfigError(list(dict.fromkeys(map(scrubber.fault, faults))))
    warnings = tuple(map(scrubber.text, [*expander.warnings, *checker.warnings]))
    return replace(config, warnings=warnings)


def _serves_no_sql(tree: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    """Whether the default exporter's endpoint is that of a server, and the user has said nothing of `clickhouse_http`,
    or of which extensions run."""
    for section, name in ((given.get("extensions", {}), _SQL_PORT), (given.get("service", {}), "extensions")):
        if not isinstance(section, Mapping) or name in section:
            return False
    try:
        return str(tree["exporters"]["clickhouse"]["endpoint"]).startswith(("http://", "https://"))
    except (KeyError, TypeError):
        return False


class Checker:
    """Checks one tree; `faults` and `warnings` are complete after `config`."""

    def __init__(self, tree: Mapping[str, Any], texts: Mapping[Path, str], registry: Registry) -> None:
        self.faults: list[Fault] = []
        self.warnings: list[str] = []
        self._tree = tree
        self._texts = texts
        self._registry = registry
        self._named: dict[Kind, set[ComponentId]] = {kind: set() for kind in GROUPS}

    def config(self) -> Config | None:
        """The configuration; with faults, it may be None and must not be used."""
        known = [*GROUPS, "service"]
        for key in self._tree:
            if key not in known:
                self._fault((key,), unknown_key(key, known))
        receivers, processors, exporters, extensions = (self._components(kind) for kind in GROUPS)
        service = self._service()
        if service is None:
            return None
        config = Config(receivers, processors, exporters, extensions, service)
        for kind in GROUPS:
            for id_ in sorted(self._named[kind] - set(config.used(kind)), key=str):
                self.warnings.append(f"{dotted((kind, str(id_)))}: configured, but no part of the service uses it")
        self.faults += auth_faults(config, self._named["extensions"])
        self.faults += conflicts(list(listeners(config)))
        return config

    def _fault(self, path: Path, message: str) -> None:
        self.faults.append(Fault(dotted(path), message))

    def _map(self, value: Any, path: Path) -> Mapping[str, Any]:
        """The map at `path`, where nothing is an empty one; empty with a fault when something else is there."""
        if value is not None and not isinstance(value, Mapping):
            self._fault(path, f"expected a map, not {kind_of(value)}")
            return {}
        return value or {}

    def _id(self, text: str, path: Path) -> ComponentId | None:
        try:
            return ComponentId.parse(text)
        except ValueError as error:
            self._fault(path, str(error))
            return None

    def _validated(self, model: type[M], value: Any, path: Path) -> M | None:
        try:
            return validate(model, value, path, self._texts)
        except ConfigError as error:
            self.faults += [Fault(fault.path or dotted(path), fault.message) for fault in error.faults]
            return None

    # Components

    def _components(self, kind: Kind) -> dict[ComponentId, Settings]:
        found: dict[ComponentId, Settings] = {}
        for key, value in self._map(self._tree.get(kind), (kind,)).items():
            id_ = self._id(key, (kind, key))
            if id_ is None:
                continue
            self._named[kind].add(id_)
            path = (kind, str(id_))
            try:
                factory = self._registry.factory(kind, id_.type, dotted(path))
            except ConfigError as error:
                self.faults += error.faults
                continue
            if factory.replaced_by:
                self.warnings.append(
                    f"{dotted(path)}: this type is called {factory.replaced_by!r} now, as in the Collector; the old "
                    "name goes on working. A log of a new name is a new one: rename when none is waiting"
                )
            settings: Settings | None = self._validated(factory.config, value, path)
            if settings is not None:
                found[id_] = settings
        return found

    # The service

    def _service(self) -> Service | None:
        if self._tree.get("service") is None:
            self._fault(("service",), "is required, with at least one of its pipelines")
            return None
        section = self._map(self._tree["service"], ("service",))
        settings = self._validated(ServiceSettings, section, ("service",))
        pipelines = self._pipelines(section.get("pipelines"))
        extensions = self._references("extensions", section.get("extensions"), ("service", "extensions"))
        if settings is None:
            return None
        return Service(pipelines, extensions, settings.telemetry, settings.shutdown_timeout)

    def _pipelines(self, section: Any) -> dict[ComponentId, Pipeline]:
        path = ("service", "pipelines")
        if not section and (section is None or isinstance(section, Mapping)):
            self._fault(path, "at least one is needed, as in `traces: {receivers: [otlp], exporters: [clickhouse]}`")
        found: dict[ComponentId, Pipeline] = {}
        for key, value in self._map(section, path).items():
            id_ = self._id(key, (*path, key))
            if id_ is None:
                continue
            if id_.type in _NOT_YET:
                self._fault((*path, key), f"{id_.type} are not supported; pipelines are `traces` or `traces/name`")
            elif id_.type != "traces":
                self._fault((*path, key), f"{id_.type!r} is not a signal; pipelines are `traces` or `traces/name`")
            else:
                place, parts = (*path, key), self._map(value, (*path, key))
                for name in parts:
                    if name not in _PIPELINE_KINDS:
                        self._fault((*place, name), unknown_key(name, list(_PIPELINE_KINDS)))
                for kind in ("receivers", "exporters"):
                    if parts.get(kind) in (None, []):
                        self._fault((*place, kind), "at least one is needed")
                lists = (self._references(kind, parts.get(kind), (*place, kind)) for kind in _PIPELINE_KINDS)
                found[id_] = Pipeline(*lists)
        return found

    def _references(self, kind: Kind, names: Any, path: Path) -> tuple[ComponentId, ...]:
        if names is not None and not isinstance(names, list):
            self._fault(path, f"expected a list, not {kind_of(names)}")
            return ()
        found: list[ComponentId] = []
        for index, name in enumerate(names or []):
            if not isinstance(name, str):
                self._fault((*path, index), f"expected the id of one of the {kind}, not {kind_of(name)}")
                continue
            id_ = self._id(name, (*path, index))
            if id_ is not None and id_ not in self._named[kind]:
                known = sorted(map(str, self._named[kind]))
                self._fault((*path, index), f"{name!r} is not configured under `{kind}`{hint(name, known)}")
            if id_ in found:
                self._fault((*path, index), f"{name!r} stands here a second time")
            elif id_ is not None:
                found.append(id_)
        return tuple(found)


def listeners(config: Config) -> Iterator[tuple[Path, HostPort]]:
    """Every address that a service of this configuration listens on, by its path."""
    for kind in ("receivers", "extensions"):
        for id_ in config.used(kind):
            yield from within(HostPort, config.settings(kind).get(id_), (kind, str(id_)))
    if config.service.telemetry.metrics.level != "none":
        yield from within(HostPort, config.service.telemetry, ("service", "telemetry"))


def service_faults(config: Config) -> Iterator[Fault]:
    """What the components in use have against each other, and against the machine."""
    used: Used = {kind: {id_: config.settings(kind)[id_] for id_ in config.used(kind)} for kind in GROUPS}
    for kind, components in used.items():
        for id_, settings in components.items():
            for fault in settings.find_faults(used):
                path = dotted((kind, str(id_)))
                yield Fault(f"{path}.{fault.path}" if fault.path else path, fault.message)
    # own telemetry that the service would receive, trace, and send again, for ever
    own = {address.port: dotted(path) for path, address in listeners(config) if address.port}
    here = {"localhost", "127.0.0.1", "::1", "0.0.0.0", "::", socket.gethostname().lower()}  # noqa: S104 - compared
    here |= {address.host for _, address in listeners(config)}
    telemetry = config.service.telemetry
    for signal, processors in (("traces", telemetry.traces.processors), ("logs", telemetry.logs.processors)):
        for number, each in enumerate(processors):
            url = urlsplit(each.batch.exporter.otlp.endpoint)
            port = url.port or (443 if url.scheme == "https" else 80)
            if (url.hostname or "").lower() in here and port in own:
                path = f"service.telemetry.{signal}.processors[{number}].batch.exporter.otlp.endpoint"
                yield Fault(path, f"is this service itself, {own[port]}; send what it tells of itself elsewhere")


def auth_faults(config: Config, named: Collection[ComponentId]) -> Iterator[Fault]:
    """A fault for each `auth` of what runs whose authenticator is none, or does not run.

    `named` are all extensions of the configuration; `config` has only those without faults.
    """
    auths = [
        (dotted((*path, "authenticator")), auth.authenticator)
        for kind in ("receivers", "extensions")
        for id_ in config.used(kind)
        for path, auth in within(AuthSettings, config.settings(kind).get(id_), (kind, str(id_)))
    ]
    for path, wanted in auths:
        settings = config.extensions.get(wanted)
        if wanted not in named:
            known = sorted(map(str, named))
            yield Fault(path, f"'{wanted}' is not configured under `extensions`{hint(str(wanted), known)}")
        elif settings is not None and not isinstance(settings, AuthenticatorSettings):
            yield Fault(path, f"'{wanted}' is no authenticator; basicauth and bearertokenauth are")
        elif wanted not in config.used("extensions"):
            yield Fault(path, f"'{wanted}' does not run; name it in `service.extensions` too")


def conflicts(found: list[tuple[Path, HostPort]]) -> list[Fault]:
    """A fault for each address that one before it in the list has taken."""
    faults = []
    for index, (path, address) in enumerate(found):
        for other_path, other in found[:index]:
            if _clash(address, other):
                faults.append(Fault(dotted(path), f"{address} is taken by {dotted(other_path)} ({other})"))
                break
    return faults


def _clash(one: HostPort, other: HostPort) -> bool:
    if one.port != other.port or one.port == 0:
        return False
    hosts = {_LOCAL.get(address.host.lower(), address.host.lower()) for address in (one, other)}
    every_v4 = "0.0.0.0" in hosts and not any(":" in host for host in hosts)  # noqa: S104
    return len(hosts) == 1 or "::" in hosts or every_v4


def within(wanted: type[T], value: Any, path: Path) -> Iterator[tuple[Path, T]]:
    """Every value of the class `wanted` in settings that stand at `path`, each with its own path."""
    if isinstance(value, wanted):
        yield path, value
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from within(wanted, getattr(value, name), (*path, field.alias or name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from within(wanted, item, (*path, str(key)))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from within(wanted, item, (*path, index))


# Secrets


class Scrubber:
    """Hides the secrets of one configuration: values under keys that sound like it, and the user part of URLs."""

    def __init__(self, tree: Any) -> None:
        found = {secret for path, value in walk(tree) for secret in _secrets(path, value)}
        spelled = found | {repr(text)[1:-1] for text in found} | {unquote(text) for text in found}
        self._secrets = sorted((text for text in spelled if len(text) >= _SHORTEST), key=len, reverse=True)

    def text(self, message: str) -> str:
        for secret in self._secrets:
            message = message.replace(secret, _HIDDEN)
        return message

    def fault(self, fault: Fault) -> Fault:
        """The fault with its message on one line and without secrets."""
        return Fault(fault.path, " ".join(self.text(fault.message).split()))


def _secrets(path: Path, value: Any) -> Iterator[str]:
    if value is None:
        return
    if any(isinstance(step, str) and _SECRET_KEY.search(step) for step in path):
        yield str(value)
    for userinfo in _USERINFO.findall(str(value)):
        yield userinfo
        yield userinfo.partition(":")[2]


def walk(tree: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every scalar of a tree of maps and lists, with its path."""
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from walk(value, (*path, key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from walk(value, (*path, index))
    else:
        yield path, tree
