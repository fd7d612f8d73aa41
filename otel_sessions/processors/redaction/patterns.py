"""Values that are secret wherever they stand, by a name; and how patterns of a configuration are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

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
"""Regular expressions of RE2, whose time is linear in the text."""


def expression(text: str) -> str:
    """The regular expression of a name, or the text itself; ValueError when it is none of RE2's."""
    found = NAMED.get(text, text)
    try:
        pc.match_substring_regex(pa.array([""]), found)
    except pa.ArrowInvalid as error:
        names = ", ".join(NAMED)
        raise ValueError(f"{text!r} is not a regular expression of RE2, and not one of {names}: {error}") from error
    return found
