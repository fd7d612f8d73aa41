"""`bearertokenauth` and `basicauth`: who is let in, to which project, and what nobody gets to see."""

from __future__ import annotations

import hashlib
import logging
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import bcrypt
import pytest

from otel_sessions.component import Authenticator, ComponentId, Host
from otel_sessions.config import load
from otel_sessions.errors import ConfigError, Retryable, Unauthenticated
from otel_sessions.extensions.auth import basic, bearer, hashes
from otel_sessions.telemetry import Metrics
from tests.receivers.secrets import authenticator, basic_of

SECRET = "hunter2-and-more"
BCRYPT = bcrypt.hashpw(SECRET.encode(), bcrypt.gensalt(4)).decode()
SHA = "{SHA}" + b64encode(hashlib.sha1(SECRET.encode()).digest()).decode()


def asked(known: Authenticator, value: str | None, header: str = "authorization") -> str:
    """The project, or the message of the refusal."""
    headers: Mapping[str, str] = {} if value is None else {header: value}
    try:
        return known.authenticate(headers)
    except Unauthenticated as error:
        return f"refused: {error}" if error.challenge else "refused without a challenge"


def test_a_token_opens_its_project_and_no_other_does() -> None:
    known = authenticator(
        "bearertokenauth", tokens=["one", "two"], credentials=[{"token": SECRET, "project": "shop"}, {"token": "three"}]
    )
    projects = [asked(known, f"Bearer {token}") for token in ("one", "two", "three", SECRET)]
    assert projects == ["default", "default", "default", "shop"]
    for wrong in (
        "Bearer One",
        "Bearer on",
        "Bearer onee",
        "Bearer",
        "Bearer ",
        "one",
        "Basic one",
        f"Bearer {SECRET}x",
    ):
        answer = asked(known, wrong)
        assert answer.startswith("refused: ")
        assert SECRET not in answer
    assert asked(known, None) == "refused: there is no header 'authorization' with a token"


@pytest.mark.parametrize("header", ["bearer one", "BEARER  one", " Bearer one "])
def test_a_scheme_is_read_in_any_case(header: str) -> None:
    assert asked(authenticator("bearertokenauth", token="one"), header) == "default"


def test_scheme_and_header_are_those_of_the_configuration() -> None:
    known = authenticator("bearertokenauth", token="one", header="X-Api-Key", scheme="", project="shop")
    assert asked(known, "one", "x-api-key") == "shop"
    assert asked(known, "Bearer one").startswith("refused: ")
    assert asked(authenticator("bearertokenauth", token="one", scheme="Key"), "Key one") == "default"


@pytest.mark.parametrize("stored", [BCRYPT, SHA, SECRET], ids=["bcrypt", "sha", "plain"])
def test_passwords_of_htpasswd_may_be_hashed(stored: str) -> None:
    known = authenticator("basicauth", htpasswd={"inline": f"# users\n\nann:{stored}\n"}, project="shop")
    assert [asked(known, basic_of("ann", SECRET)) for _ in range(2)] == ["shop", "shop"]
    for name, password in (("ann", "wrong"), ("ann", ""), ("bob", SECRET), ("ann", stored + "x"), ("", "")):
        assert asked(known, basic_of(name, password)) == "refused: the user is not known, or the password is wrong"


def test_a_user_belongs_to_a_project() -> None:
    known = authenticator(
        "basicauth",
        credentials=[
            {"username": "pk-1", "password": SECRET, "project": "shop"},
            {"username": "pk-2", "password": "päss:wörd", "project": "bank"},
        ],
        htpasswd={"inline": "pk-1:other\npk-3:x"},
    )
    assert asked(known, basic_of("pk-1", SECRET)) == "shop"
    assert asked(known, basic_of("pk-2", "päss:wörd")) == "bank"
    assert asked(known, basic_of("pk-3", "x")) == "default"
    assert asked(known, basic_of("pk-1", "other")).startswith("refused: ")
    assert asked(known, basic_of("pk-1", "päss:wörd")).startswith("refused: ")


@pytest.mark.parametrize("header", [None, "", "Basic", "Basic !!!", "Basic aGVsbG8=", "Bearer x", "Basic ä"])
def test_what_is_no_name_and_password_is_refused(header: str | None) -> None:
    assert asked(authenticator("basicauth", htpasswd={"inline": "a:b"}), header).startswith("refused: ")


def test_a_file_of_tokens_is_read_again_when_it_has_changed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "tokens"
    file.write_text("one\n\n two \n")
    known = authenticator("bearertokenauth", filename=str(file), credentials=[{"token": "mine", "project": "shop"}])
    assert [asked(known, f"Bearer {token}") for token in ("one", "two", "mine")] == ["default", "default", "shop"]
    file.write_text("three-and-more\n")
    assert asked(known, "Bearer three-and-more") == "default"
    assert asked(known, "Bearer one").startswith("refused: ")
    file.unlink()
    assert asked(known, "Bearer three-and-more") == "default"
    assert "stays in force" in caplog.text
    assert "three" not in caplog.text


def test_a_file_of_users_is_read_again_and_one_that_is_broken_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "htpasswd"
    file.write_text("ann:old")
    known = authenticator("basicauth", htpasswd={"file": str(file), "inline": f"bob:{SECRET}"})
    file.write_text("ann:newer\nbob:ignored")
    assert asked(known, basic_of("ann", "newer")) == "default"
    assert asked(known, basic_of("ann", "old")).startswith("refused: ")
    assert asked(known, basic_of("bob", SECRET)) == "default"
    file.write_text("hunter2 without a colon")
    assert asked(known, basic_of("ann", "newer")) == "default"
    assert "line 1: write name:password; what it said before stays in force" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("wrong", ["x", SECRET[:-1], SECRET + "x"])
def test_secrets_are_compared_as_hashes_in_constant_time(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr(bearer, "compare_digest", compare)
    monkeypatch.setattr(hashes, "compare_digest", compare)
    tokens = authenticator("bearertokenauth", tokens=["one", SECRET, "three"])
    for token in (wrong, SECRET, "one"):
        compared.clear()
        asked(tokens, f"Bearer {token}")
        assert len(compared) == 3  # whether the first is right or none
    users = authenticator("basicauth", credentials=[{"username": "ann", "password": SECRET}])
    for name, password in (("ann", wrong), ("ann", SECRET), ("bob", wrong)):
        compared.clear()
        asked(users, basic_of(name, password))
        assert len(compared) == 1
        assert {len(each) for pair in compared for each in pair} == {32}


def test_an_unknown_name_takes_as_long_as_a_wrong_password(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[bytes] = []
    real = bcrypt.checkpw
    monkeypatch.setattr(bcrypt, "checkpw", lambda word, stored: checked.append(stored) or real(word, stored))
    known = authenticator("basicauth", htpasswd={"inline": f"plain:x\nann:{BCRYPT}"})
    asked(known, basic_of("nobody", "x"))
    asked(known, basic_of("ann", "x"))
    assert checked == [BCRYPT.encode()] * 2


def test_a_password_that_was_right_is_not_hashed_slowly_again(monkeypatch: pytest.MonkeyPatch) -> None:
    known = authenticator("basicauth", htpasswd={"inline": f"ann:{BCRYPT}"})
    assert asked(known, basic_of("ann", SECRET)) == "default"
    monkeypatch.setattr(bcrypt, "checkpw", lambda *_: pytest.fail("asked again"))
    assert asked(known, basic_of("ann", SECRET)) == "default"


def test_while_too_many_passwords_are_checked_the_rest_may_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashes, "_ROOM", BoundedSemaphore(1))
    known = authenticator("basicauth", htpasswd={"inline": f"ann:{BCRYPT}\nbob:plain"})
    asked(known, basic_of("ann", SECRET))
    with hashes._ROOM:
        with pytest.raises(Retryable):
            known.authenticate({"authorization": basic_of("ann", "wrong")})
        assert asked(known, basic_of("ann", SECRET)) == "default"
        assert asked(known, basic_of("bob", "plain")) == "default"
    assert asked(known, basic_of("ann", "wrong")).startswith("refused: ")


def test_a_password_may_be_longer_than_bcrypt_reads() -> None:
    long = "x" * 100
    stored = bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(4)).decode()
    assert asked(authenticator("basicauth", htpasswd={"inline": f"ann:{stored}"}), basic_of("ann", long)) == "default"


SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("bearertokenauth", {"token": SECRET}),
    ("bearertokenauth", {"tokens": [SECRET], "credentials": [{"token": f"{SECRET}2"}]}),
    ("basicauth", {"htpasswd": {"inline": f"ann:{SECRET}"}, "credentials": [{"username": "bob", "password": SECRET}]}),
]


@pytest.mark.parametrize(("type_", "settings"), SETTINGS)
def test_no_repr_shows_a_secret(type_: str, settings: dict[str, Any]) -> None:
    known = authenticator(type_, **settings)
    config = (basic if type_ == "basicauth" else bearer).factory.config.model_validate(settings)
    host = Host(Metrics(), authenticators={ComponentId(type_): known})
    for text in (repr(known), repr(config), str(config), repr(host), config.model_dump_json()):
        assert SECRET not in text


BEARER, BASIC = "extensions.bearertokenauth", "extensions.basicauth"
FAULTS = [
    (f"{BEARER}={{}}", f"{BEARER}: write at least one of token, tokens, filename, credentials"),
    (f"{BEARER}={{token: {SECRET}, tokens: [x]}}", f"{BEARER}: write one of token, tokens and filename"),
    (f"{BEARER}={{token: ''}}", f"{BEARER}.token: is empty"),
    (f"{BEARER}={{token: ' {SECRET}'}}", f"{BEARER}.token: is no token"),
    (f"{BEARER}={{tokens: [1]}}", f"{BEARER}.tokens[0]: expected text, not a number"),
    (f"{BEARER}={{filename: /no/such/file}}", f"{BEARER}.filename: cannot be read: No such file"),
    (
        f"{BEARER}={{credentials: [{{token: a}}, {{token: a}}]}}",
        f"{BEARER}: credentials[1] is the same as credentials[0]",
    ),
    (f"{BASIC}=", f"{BASIC}: write at least one of htpasswd.file, htpasswd.inline, credentials"),
    (f"{BASIC}={{htpasswd: {{inline: '{SECRET}'}}}}", f"{BASIC}.htpasswd: line 1: write name:password"),
    (f"{BASIC}={{htpasswd: {{inline: 'a:$$apr1$${SECRET}'}}}}", f"{BASIC}.htpasswd: line 1: this kind of hash is not"),
    (f"{BASIC}={{htpasswd: {{inline: 'a:{{SHA}}{SECRET}'}}}}", f"{BASIC}.htpasswd: line 1: what follows {{SHA}} is"),
    (f"{BASIC}={{credentials: [{{username: 'a:b', password: x}}]}}", f"{BASIC}.credentials[0].username: write a name"),
    (f"{BASIC}={{credentials: [{{username: a, password: x, project: ''}}]}}", f"{BASIC}.credentials[0].project: write"),
    (f"{BASIC}={{client_auth: {{password: {SECRET}}}}}", f"{BASIC}.client_auth: is not a known key"),
]


@pytest.mark.parametrize(("setting", "message"), FAULTS)
def test_what_makes_no_sense_is_a_fault_that_tells_no_secret(setting: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load([], [setting])
    assert any(str(fault).startswith(message) for fault in caught.value.faults), str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("type_", "key", "content"), [("bearertokenauth", "filename", "\n"), ("basicauth", "htpasswd", f"{SECRET}\n")]
)
def test_a_file_without_credentials_is_a_fault_at_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, type_: str, key: str, content: str
) -> None:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "file").write_text(content)
    file = str(tmp_path / "file")
    with pytest.raises(
        ConfigError, match=rf"^extensions\.{type_}\.{key}.*: (has no token|line 1: write name:password)$"
    ):
        authenticator(type_, **{key: file if key == "filename" else {"file": file}})
    assert SECRET not in caplog.text
