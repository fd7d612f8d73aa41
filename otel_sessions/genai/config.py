# SPDX-License-Identifier: Apache-2.0
"""Configuration of what is read of model calls: every list of keys, first match first, and every bound."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from pydantic import Field, PositiveInt, StringConstraints

from otel_sessions.component import Settings
from otel_sessions.semconv import content, sessions, steps, usage

Keys = tuple[Annotated[str, StringConstraints(min_length=1)], ...]
ContentKeys = Annotated[Keys, Field(description="KEY, or PREFIX.N.* for messages flattened into many keys")]
EventKeys = Annotated[tuple[Annotated[str, StringConstraints(pattern=r"^.+#.+$")], ...], Field(description="EVENT#KEY")]
NumberKeys = Annotated[Keys, Field(description="KEY, KEY#MEMBER, KEY#*, KEY#*PART* or KEY+KEY")]
Marks = Annotated[Keys, Field(description="KEY or KEY=VALUE")]
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


class UsageSpan(Settings):
    """Spans that are the only ones to state the usage of the calls below them: by scope and name, `*` for any text."""

    scope: Annotated[str, StringConstraints(min_length=1)]
    name: Annotated[str, StringConstraints(min_length=1)] = "*"
    cache_beside: bool = False
    """Whether they count tokens of a cache beside the input, instead of within."""


class PriceTable(Settings):
    """The cost of calls that state none: by `prices`, under the exact name of the model, else by the list kept in
    genai-prices."""

    enabled: bool = True
    prices: Mapping[Annotated[str, StringConstraints(min_length=1)], ModelPrices] = {}
    free_providers: Keys = usage.FREE_PROVIDERS


class GenAiConfig(Settings):
    """An empty list of keys turns its column off."""

    json_encoded_prefixes: Keys = sessions.JSON_ENCODED_PREFIXES

    # Previews.
    input_keys: ContentKeys = content.INPUT_KEYS
    output_keys: ContentKeys = content.OUTPUT_KEYS
    trace_input_keys: ContentKeys = content.TRACE_INPUT_KEYS
    trace_output_keys: ContentKeys = content.TRACE_OUTPUT_KEYS
    input_events: EventKeys = content.INPUT_EVENTS
    output_events: EventKeys = content.OUTPUT_EVENTS
    max_preview_chars: PositiveInt = 1000

    # Names without a prefix, which mean something only where a mark or the scope says so.
    bare_keys: Keys = steps.BARE_KEYS
    bare_key_scopes: Annotated[Keys, Field(description="`*` for any text")] = steps.BARE_KEY_SCOPES
    bare_key_marks: Marks = steps.BARE_KEY_MARKS
    key_marks: Annotated[Mapping[str, Keys], Field(description="by key, the marks without which it says nothing")] = (
        steps.MODEL_KEY_MARKS
    )

    # Steps.
    step_kind_keys: Keys = steps.STEP_KIND_KEYS
    step_hint_keys: Keys = steps.STEP_HINT_KEYS
    step_kinds: Annotated[Mapping[steps.StepKind, Keys], Field(description="`*` for any text")] = steps.STEP_KINDS
    tool_name_keys: Keys = steps.TOOL_NAME_KEYS
    agent_name_keys: Keys = steps.AGENT_NAME_KEYS
    entity_name_keys: Annotated[Keys, Field(description="of a tool or an agent, whichever the span is")] = (
        steps.ENTITY_NAME_KEYS
    )
    response_id_keys: Keys = steps.RESPONSE_ID_KEYS
    previous_response_id_keys: Keys = steps.PREVIOUS_RESPONSE_ID_KEYS
    metadata_keys: Annotated[Keys, Field(description="PREFIX.*, or KEY of a JSON object")] = sessions.METADATA_KEYS
    max_metadata_keys: PositiveInt = 100
    max_metadata_chars: PositiveInt = 1000

    # Model calls.
    model_keys: Keys = usage.MODEL_KEYS
    provider_keys: Keys = usage.PROVIDER_KEYS
    model_call_kinds: Annotated[Keys, Field(description="`*` for any text")] = steps.MODEL_CALL_KINDS
    no_call_kinds: Annotated[Keys, Field(description="`*` for any text")] = steps.NO_CALL_KINDS
    usage_spans: tuple[UsageSpan, ...] = tuple(
        UsageSpan(scope=scope, name=name, cache_beside=beside) for scope, name, beside in usage.USAGE_SPANS
    )
    summary_marks: Marks = usage.SUMMARY_MARKS
    summary_spans: tuple[SummarySpan, ...] = tuple(
        SummarySpan(language=language, scope=scope, name=name, since=since)
        for language, scope, name, since in usage.SUMMARY_SPANS
    )
    input_token_keys: NumberKeys = usage.INPUT_TOKEN_KEYS
    output_token_keys: NumberKeys = usage.OUTPUT_TOKEN_KEYS
    total_token_keys: NumberKeys = usage.TOTAL_TOKEN_KEYS
    cached_input_token_keys: NumberKeys = usage.CACHED_INPUT_TOKEN_KEYS
    cache_creation_input_token_keys: NumberKeys = usage.CACHE_CREATION_INPUT_TOKEN_KEYS
    reasoning_token_keys: NumberKeys = usage.REASONING_TOKEN_KEYS
    cache_beside_keys: NumberKeys = usage.CACHE_BESIDE_KEYS
    cache_beside_marks: Marks = usage.CACHE_BESIDE_MARKS
    cost_keys: NumberKeys = usage.COST_KEYS
    price_table: PriceTable = PriceTable()
