# SPDX-License-Identifier: Apache-2.0
"""Configuration of the processor `redaction`; names as in the Collector's processor where it has them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AfterValidator, Field, SecretStr, model_validator

from otel_sessions.component import Settings
from otel_sessions.semconv import sessions

NAMED: Final[Mapping[str, str]] = {
    "email": r"\b[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.[A-Za-z]{2,24}\b",
    # By the first digits of the issuers: Visa, Mastercard, American Express, Discover, JCB; in groups or not.
    "card_number": r"\b(?:4\d{3}|5[1-5]\d{2}|2[2-7]\d{2}|6011|65\d{2}|35\d{2})[ -]?\d{4}[ -]?\d{4}[ -]?\d{1,4}\b"
    r"|\b3[47]\d{2}[ -]?\d{6}[ -]?\d{5}\b",
    # OpenAI, Anthropic, Langfuse; Stripe; GitHub; GitLab; Slack; AWS; Google; JSON web tokens.
    "api_key": r"\b(?:sk|pk|rk)-(?:[A-Za-z]{2,8}-)*[A-Za-z0-9_-]{16,200}"
    r"|\b(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{10,200}"
    r"|\bgh[pousr]_[A-Za-z0-9]{30,255}|\bgithub_pat_[A-Za-z0-9_]{30,255}|\bglpat-[A-Za-z0-9_-]{20,200}"
    r"|\bxox[abeoprs]-[A-Za-z0-9-]{10,250}|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[A-Za-z0-9_-]{35}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
    "bearer_token": r"(?i)\bbearer +[A-Za-z0-9._~+/-]{8,}=*",
    "ssn": r"\b\d{3}-\d{2}-\d{4}\b",
    "ipv4": r"\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b",
}
"""Values that are secret wherever they stand: regular expressions of RE2, whose time is linear in the text."""


def has_luhn_digit(text: str) -> bool:
    """Whether the last digit is the check digit of those before it (ISO/IEC 7812-1), as that of every card is."""
    digits = [int(digit) for digit in re.sub(r"\D", "", text)][::-1]
    return sum(digits[::2]) % 10 == -sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2]) % 10


CHECKED: Final[Mapping[str, Callable[[str], bool]]] = {NAMED["card_number"]: has_luhn_digit}
"""What else must hold of what these expressions find."""


def expression(text: str) -> str:
    """The regular expression of a name, or the text itself; ValueError when it is none of RE2's."""
    found = NAMED.get(text, text)
    try:
        pc.match_substring_regex(pa.array([""]), found)
    except pa.ArrowInvalid as error:
        names = ", ".join(NAMED)
        raise ValueError(f"{text!r} is not a regular expression of RE2, and not one of {names}: {error}") from error
    return found


Patterns = tuple[Annotated[str, Field(min_length=1), AfterValidator(expression)], ...]


class RedactionConfig(Settings):
    """What becomes of attributes, in this order.

    Keys in `ignored_keys` stay as they are. Others are dropped unless they are in `allowed_keys`, if that has any;
    those that match one of `dropped_key_patterns` are dropped too. Of those that match `blocked_key_patterns` the value
    is replaced whole; in all other text what matches one of `blocked_values` is, and with a `hash_function` the whole
    of an id in which something matches.
    """

    allow_all_keys: bool | None = None
    allowed_keys: tuple[str, ...] = ()
    ignored_keys: tuple[str, ...] = ()
    dropped_key_patterns: Patterns = ()
    blocked_key_patterns: Patterns = ()
    blocked_values: Patterns = ()
    id_keys: tuple[str, ...] = (*sessions.SESSION_KEYS, *sessions.CONVERSATION_KEYS, *sessions.USER_KEYS)
    """Under these stand ids of sessions, conversations and users."""
    mask: str = "****"
    hash_function: Literal["none", "sha256", "hmac-sha256"] = "none"
    hash_secret: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def _keyed(self) -> RedactionConfig:
        if self.hash_function == "hmac-sha256" and not self.hash_secret.get_secret_value():
            raise ValueError("hmac-sha256 needs a hash_secret, as in ${env:REDACTION_SECRET}")
        return self

    @model_validator(mode="after")
    def _masked(self) -> RedactionConfig:
        if "\\" in self.mask:
            raise ValueError("a mask has no backslash")
        return self

    @property
    def keeps_all_keys(self) -> bool:
        """`allow_all_keys`; by default whether there are no `allowed_keys`."""
        return not self.allowed_keys if self.allow_all_keys is None else self.allow_all_keys
