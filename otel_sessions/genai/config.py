"""Configuration of what is read of model calls: every list of keys, first match first, and every bound."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from pydantic import Field, PositiveInt, StringConstraints

from otel_sessions import semconv
from otel_sessions.component import Settings

Keys = tuple[Annotated[str, StringConstraints(min_length=1)], ...]
ContentKeys = Annotated[Keys, Field(description="KEY, or PREFIX.N.* for messages flattened into many keys")]
EventKeys = Annotated[tuple[Annotated[str, StringConstraints(pattern=r"^.+#.+$")], ...], Field(description="EVENT#KEY")]
NumberKeys = Annotated[Keys, Field(description="KEY, KEY#MEMBER, KEY#* or KEY#*PART*")]
Price = Annotated[Decimal, Field(ge=0, le=10_000, decimal_places=6)]


class ModelPrices(Settings):
    """US dollars for a million tokens. Parts without a price of their own cost what the whole costs."""

    input_per_million: Price = Decimal(0)
    output_per_million: Price = Decimal(0)
    cached_input_per_million: Price | None = None
    cache_creation_input_per_million: Price | None = None
    reasoning_per_million: Price | None = None


class SummarySpan(Settings):
    """Spans that a library writes around calls which have spans of their own: by scope and name."""

    language: str = ""
    """`telemetry.sdk.language` of the resource; empty: any."""
    scope: Annotated[str, StringConstraints(min_length=1)]
    name: Annotated[str, StringConstraints(min_length=1)]
    since: Annotated[str, StringConstraints(pattern=r"^(\d{1,9}(\.\d{1,9}){0,9})?$")] = ""
    """The version of the scope from which on it does; empty: every one."""


class PriceTable(Settings):
    """What calls cost that do not tell: by `prices`, under the exact name of the model, else by the list kept in
    genai-prices."""

    enabled: bool = True
    prices: Mapping[Annotated[str, StringConstraints(min_length=1)], ModelPrices] = {}
    free_providers: Keys = semconv.FREE_PROVIDERS


class GenAiConfig(Settings):
    """An empty list of keys turns its column off."""

    json_encoded_prefixes: Keys = semconv.JSON_ENCODED_PREFIXES

    # Previews.
    input_keys: ContentKeys = semconv.INPUT_KEYS
    output_keys: ContentKeys = semconv.OUTPUT_KEYS
    trace_input_keys: ContentKeys = semconv.TRACE_INPUT_KEYS
    trace_output_keys: ContentKeys = semconv.TRACE_OUTPUT_KEYS
    input_events: EventKeys = semconv.INPUT_EVENTS
    output_events: EventKeys = semconv.OUTPUT_EVENTS
    max_preview_chars: PositiveInt = 1000

    # Model calls.
    model_keys: Keys = semconv.MODEL_KEYS
    provider_keys: Keys = semconv.PROVIDER_KEYS
    step_kind_keys: Keys = semconv.STEP_KIND_KEYS
    model_call_kinds: Keys = semconv.MODEL_CALL_KINDS
    summary_marks: Annotated[Keys, Field(description="KEY or KEY=VALUE")] = semconv.SUMMARY_MARKS
    summary_spans: tuple[SummarySpan, ...] = tuple(
        SummarySpan(language=language, scope=scope, name=name, since=since)
        for language, scope, name, since in semconv.SUMMARY_SPANS
    )
    input_token_keys: NumberKeys = semconv.INPUT_TOKEN_KEYS
    output_token_keys: NumberKeys = semconv.OUTPUT_TOKEN_KEYS
    total_token_keys: NumberKeys = semconv.TOTAL_TOKEN_KEYS
    cached_input_token_keys: NumberKeys = semconv.CACHED_INPUT_TOKEN_KEYS
    cache_creation_input_token_keys: NumberKeys = semconv.CACHE_CREATION_INPUT_TOKEN_KEYS
    reasoning_token_keys: NumberKeys = semconv.REASONING_TOKEN_KEYS
    cost_keys: NumberKeys = semconv.COST_KEYS
    price_table: PriceTable = PriceTable()
