# SPDX-License-Identifier: Apache-2.0
"""`sampling`: keeps some sessions whole, and of the others the figures.

1. Every `check_interval`, sessions that are idle and not decided on are: by the first rule that chooses them and a hash
   of their id, so that who decides again decides the same. What people have added to stays, as do sessions that share a
   trace. The decision is stored with the weight of the session.
2. What the spans of dropped sessions carry is removed. A process that dies before it is done goes on at its start.
3. What arrives for a dropped session later is counted, and what it carries is removed as well.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Final

from clickhouse_connect.driver.client import Client
from pydantic import AfterValidator, Field

from otel_sessions.clickhouse.client import Endpoint, endpoint_in_use, endpoint_needed
from otel_sessions.clickhouse.rounds import Rounds
from otel_sessions.component import ComponentId, Factory, Host, Settings, Used
from otel_sessions.errors import Fault
from otel_sessions.queries.language import LanguageError
from otel_sessions.queries.language.parse import parse
from otel_sessions.queries.listing import chosen_among
from otel_sessions.sessions import sampling
from otel_sessions.sessions.sampling import Decision
from otel_sessions.sessions.settling import settle
from otel_sessions.types import Duration

logger = logging.getLogger("otel_sessions.sampling")
A_ROUND: Final = 2000
"""Sessions that are decided on at a time: what they said is removed in one go, which rewrites the parts it is in."""
_OF_PEOPLE: Final = "is:bookmarked,shared OR has:label,comment"
_DAY: Final = 86_400.0


def _query(text: str) -> str:
    try:
        parse(text)
    except LanguageError as error:
        raise ValueError(str(error)) from error
    return text


class Rule(Settings):
    """Of the sessions that `query` chooses, those of no rule before it, the share `keep` stays whole: 0 to 1."""

    query: Annotated[str, AfterValidator(_query)] = ""
    keep: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Config(Settings):
    """The first of `rules` that chooses a session decides on it; what none chooses stays.

    A session that has been idle for more than `within`, in seconds, when it is first looked at is left as it is.
    """

    rules: Annotated[tuple[Rule, ...], Field(min_length=1, max_length=100)]
    projects: tuple[str, ...] = ()
    within: Annotated[Duration, Field(gt=0)] = 7 * _DAY
    check_interval: Annotated[Duration, Field(ge=0.1, le=_DAY)] = 3600.0

    def find_faults(self, used: Used) -> Iterator[Fault]:
        if endpoint_in_use(used["exporters"]) is None:
            yield Fault("", "samples the sessions of a clickhouse exporter, and none is in use")


class Sampling(Rounds):
    """One thread, from `start` to `shutdown`."""

    endpoints: Mapping[str, str] = {}

    def __init__(self, id_: ComponentId, config: Config, endpoint: Endpoint, host: Host) -> None:
        self._config = config
        self._dropped = host.metrics.sampled_out_sessions.labels(str(id_))
        every_s = config.check_interval
        super().__init__(str(id_), "sampling", endpoint, host, interval_s=every_s, act=self.act, long_parameters=True)

    def act(self, client: Client) -> bool:
        """Decides on some sessions; returns whether there may be more."""
        config, now_ns = self._config, time.time_ns()
        found = sampling.candidates(
            client, within_s=config.within, projects=config.projects, now_ns=now_ns, limit=A_ROUND
        )
        by_project: defaultdict[str, list[Decision]] = defaultdict(list)
        for each in found:
            by_project[each.project].append(each)
        decided = [each for of in by_project.values() for each in decide(client, config, of, now_ns)]
        sampling.note(client, decided)
        dropping = [each for each in decided if each.state == "dropping"]
        sampling.drop(client, [each.key for each in dropping])
        sampling.note(client, [replace(each, state="dropped") for each in dropping])
        fresh = sum(each.decided_at == now_ns // 10**6 for each in dropping)
        self._dropped.inc(fresh)
        if fresh:
            logger.info("%d of %d sessions are sampled out: their figures stay", fresh, len(found))
        return len(found) == A_ROUND


def decide(client: Client, config: Config, found: Sequence[Decision], now_ns: int) -> Iterator[Decision]:
    """What becomes of these sessions of one project; those that were dropped before are dropped again."""
    yield from (replace(each, state="dropping") for each in found if each.state is not None)
    undecided = {each.session_id: each for each in found if each.state is None}
    if not undecided:
        return
    project = found[0].project
    settle(client, [(project, id_) for id_ in undecided])
    stays = {id_ for _, id_ in sampling.shared(client, [(project, id_) for id_ in undecided])}
    stays |= chosen_among(client, project, list(undecided), _OF_PEOPLE, now_ns=now_ns)
    rules = dict.fromkeys(stays, 0)
    for number, rule in enumerate(config.rules, start=1):
        left = [id_ for id_ in undecided if id_ not in rules]
        if left:
            of_rule = chosen_among(client, project, left, rule.query, now_ns=now_ns) if rule.query else left
            rules |= dict.fromkeys(of_rule, number)
    for id_, each in undecided.items():
        number = rules.get(id_, 0)
        keep = config.rules[number - 1].keep if number else 1.0
        kept = share_of(project, id_) < keep
        yield replace(
            each,
            state="kept" if kept else "dropping",
            weight=1 / keep if kept else 0.0,
            rule=number,
            decided_at=now_ns // 10**6,
        )


def share_of(project: str, session_id: str) -> float:
    """Where a session stands among all, evenly from 0 to below 1, by a hash of its id."""
    digest = hashlib.blake2b(f"{project}\0{session_id}".encode("utf-8", "surrogatepass"), digest_size=6).digest()
    return int.from_bytes(digest, "big") / 2**48


def _create(component_id: ComponentId, config: Config, host: Host) -> Sampling:
    """Raises `ConfigError` where the service has no sessions."""
    endpoint = endpoint_needed(host, component_id, "samples the sessions")
    return Sampling(component_id, config, endpoint, host)


factory = Factory("sampling", Config, _create, "Keeps some sessions whole, and of the others the figures.")
