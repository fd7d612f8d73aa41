"""Configuration of the processor `redaction`; names as in the Collector's processor where it has them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from otel_sessions.component import Settings
from otel_sessions.processors.redaction.patterns import expression

Patterns = tuple[Annotated[str, Field(min_length=1), AfterValidator(expression)], ...]


class RedactionConfig(Settings):
    """What becomes of attributes, in this order.

    Keys in `ignored_keys` stay as they are. Others are dropped unless they are in `allowed_keys`, if that has any;
    those that match one of `dropped_key_patterns` are dropped too. Of those that match `blocked_key_patterns` the value
    is replaced whole; in all other text what matches one of `blocked_values` is.
    """

    allow_all_keys: bool | None = None
    allowed_keys: tuple[str, ...] = ()
    ignored_keys: tuple[str, ...] = ()
    dropped_key_patterns: Patterns = ()
    blocked_key_patterns: Patterns = ()
    blocked_values: Patterns = ()
    mask: str = "****"
    hash_function: Literal["none", "sha256", "hmac-sha256"] = "none"
    hash_secret: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def _keyed(self) -> RedactionConfig:
        if self.hash_function == "hmac-sha256" and not self.hash_secret.get_secret_value():
            raise ValueError("hmac-sha256 needs a hash_secret, as in ${env:REDACTION_SECRET}")
        if "\\" in self.mask:
            raise ValueError("a mask has no backslash")
        return self

    @property
    def keeps_all_keys(self) -> bool:
        """`allow_all_keys`; by default whether there are no `allowed_keys`."""
        return not self.allowed_keys if self.allow_all_keys is None else self.allow_all_keys
