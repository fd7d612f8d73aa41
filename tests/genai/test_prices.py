from __future__ import annotations

import socket
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import genai_prices
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from otel_sessions.genai import prices as prices_module
from otel_sessions.genai.config import ModelPrices, PriceTable
from otel_sessions.genai.prices import Catalog, Prices, Spent, as_costs

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
PRICES = Prices(PriceTable())
Call = tuple[str, str, tuple[int, int, int, int, int]]


def costs(*calls: Call, prices: Prices = PRICES, at: datetime = NOON) -> list[Decimal | None]:
    """Of calls given as provider, model and the tokens of input, output, cached, cache creation and reasoning."""
    providers, models, counts = zip(*calls, strict=True)
    start = np.full(len(calls), int(at.timestamp()) * 10**9, np.uint64)
    spent = Spent(pa.array(providers, pa.string()), pa.array(models, pa.string()), start, np.array(counts, np.int64).T)
    priced, found, _ = prices.costs(spent)
    column = as_costs(found)
    column.validate(full=True)
    values = iter(column.to_pylist())
    return [next(values) if known else None for known in priced]


def by_the_library(provider: str, model: str, tokens: tuple[int, ...], at: datetime = NOON) -> Decimal:
    names = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "output_reasoning_tokens")
    usage = genai_prices.Usage(**dict(zip(names, tokens, strict=True)))
    exact = genai_prices.calc_price(usage, model, provider_id=provider, genai_request_timestamp=at).total_price
    return exact.quantize(Decimal("1e-12"))


MODELS = [
    ("openai", "gpt-4o"),
    ("openai", "gpt-4o-mini-2024-07-18"),
    ("openai", "gpt-5.4-pro"),
    ("openai", "text-embedding-3-small"),
    ("anthropic", "claude-sonnet-4-5"),
    ("anthropic", "claude-3-5-haiku-latest"),
    ("google", "gemini-2.5-pro"),
    ("google", "gemini-2.5-flash"),
    ("mistral", "mistral-large-latest"),
    ("deepseek", "deepseek-chat"),
    ("perplexity", "sonar"),
    ("groq", "llama-3.3-70b-versatile"),
]


@settings(deadline=None)
@given(
    st.sampled_from(MODELS),
    st.integers(0, 10**7) | st.sampled_from([127_999, 128_000, 128_001, 200_000, 200_001, 272_000, 272_001]),
    st.integers(0, 10**6),
    st.tuples(st.floats(0, 0.5), st.floats(0, 0.5), st.floats(0, 1)),
    st.datetimes(datetime(2024, 1, 1), datetime(2026, 12, 31)),  # noqa: DTZ001 - hypothesis wants none
)
def test_costs_are_those_of_the_library(
    model: tuple[str, str], given_: int, made: int, shares: tuple[float, float, float], at: datetime
) -> None:
    at = at.replace(microsecond=0, tzinfo=UTC)
    tokens = (given_, made, int(given_ * shares[0]), int(given_ * shares[1]), int(made * shares[2]))
    assert costs((*model, tokens), at=at) == [by_the_library(*model, tokens, at)]


def test_many_calls_at_once_are_priced_each_for_itself() -> None:
    calls: list[Call] = [(*MODELS[n % 12], (n * 30_000, n, n * 10, n, n // 2)) for n in range(100)]
    unknown: Call = ("", "nobody-knows", (1, 1, 0, 0, 0))
    expected = [by_the_library(*call) for call in calls]
    assert costs(*calls, unknown) == [*expected, None]


def test_a_price_is_that_of_the_day_of_the_call() -> None:
    call: Call = ("openai", "o3", (1000, 0, 0, 0, 0))
    days = [datetime(2025, 5, 1, tzinfo=UTC), datetime(2025, 7, 1, tzinfo=UTC)]
    assert [costs(call, at=day) for day in days] == [[Decimal("0.01")], [Decimal("0.002")]]


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o"),
        ("OpenAI", "gpt-4o-2024-08-06"),
        ("azure.ai.openai", "gpt-4o"),
        ("azure.ai.inference", "gpt-4o"),
        ("openai.chat", "GPT-4o"),
        ("Langchain", "gpt-4o"),
        ("openrouter-by-us", "openai/gpt-4o"),
        ("", "gpt-4o"),
        ("", "openai/gpt-4o"),
    ],
)
def test_a_model_is_known_under_the_names_that_clients_give_it(provider: str, model: str) -> None:
    assert costs((provider, model, (1000, 0, 0, 0, 0))) == [Decimal("0.0025")]


@pytest.mark.parametrize(
    "provider", ["gcp.vertex_ai", "gcp.gemini", "gcp.gen_ai", "vertex_ai", "google", "gcp.vertex.agent", ""]
)
def test_gemini_is_known_whoever_serves_it(provider: str) -> None:
    models = ["gemini-2.5-pro", "models/gemini-2.5-pro"]
    assert costs(*[(provider, model, (1000, 0, 0, 0, 0)) for model in models]) == [Decimal("0.00125")] * 2


@pytest.mark.parametrize(("provider", "model"), [("x_ai", "grok-3"), ("mistral_ai", "mistral-large-latest")])
def test_providers_are_known_as_the_conventions_spell_them(provider: str, model: str) -> None:
    assert costs((provider, model, (1000, 1000, 0, 0, 0)))[0]


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("", ""),
        ("openai", ""),
        ("", "nobody-knows"),
        ("Ollama", "gpt-4o"),
        ("", "x" * 10_000),
        ("\x00", "/"),
        ("", "é/"),
    ],
)
def test_what_nobody_knows_and_what_is_free_has_no_price(provider: str, model: str) -> None:
    assert costs((provider, model, (1000, 1000, 0, 0, 0))) == [None]


def test_tokens_that_make_no_sense_have_no_price() -> None:
    most = 10**8
    calls: list[Call] = [
        ("openai", "o1-pro", (most, most, most, most, most)),
        ("openai", "o1-pro", (most + 1, 0, 0, 0, 0)),
    ]
    [cost, none] = costs(*calls)
    assert none is None
    assert cost is not None
    assert cost > 0


def test_parts_that_are_not_in_the_whole_are_added_to_it() -> None:
    # 300 at 1.25 instead of 2.50, and 50 at 10.00 dollars a million
    assert costs(("openai", "gpt-4o", (100, 10, 300, 0, 50))) == [Decimal("0.000875")]


def test_prices_of_the_configuration_come_first_by_the_exact_name() -> None:
    mine = {
        "gpt-4o": ModelPrices(input_per_million=Decimal(1), output_per_million=Decimal(2)),
        "ours": ModelPrices.model_validate(
            {
                "input_per_million": 1,
                "output_per_million": "2",
                "cached_input_per_million": 0.1,
                "cache_creation_input_per_million": 1.25,
                "reasoning_per_million": 4,
            }
        ),
        "free": ModelPrices(),
    }
    prices = Prices(PriceTable(prices=mine))
    tokens = (1000, 100, 200, 100, 50)
    calls: list[Call] = [
        (provider, model, tokens) for provider, model in (("ollama", "gpt-4o"), ("", "ours"), ("", "free"))
    ]
    assert costs(*calls, ("", "Ours", tokens), prices=prices) == [
        Decimal("0.0012"),
        # 700 at 1, 200 at 0.1, 100 at 1.25, 50 at 2, 50 at 4
        Decimal("0.001145"),
        Decimal(0),
        None,
    ]


@pytest.mark.parametrize("price", [-1, 10_001, "NaN", "1e-7", "x"])
def test_a_price_beyond_reason_is_a_fault(price: Any) -> None:
    with pytest.raises(ValidationError):
        ModelPrices.model_validate({"input_per_million": price})


def test_no_price_reaches_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a request")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    prices = Prices(PriceTable())
    assert costs(("openai", "gpt-4o", (1000, 0, 0, 0, 0)), ("", "unheard-of", (1, 0, 0, 0, 0)), prices=prices)[0]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prices_module, "_MAX_KNOWN", 10)
    known = Catalog(())
    for number in range(35):
        assert known.rates("", f"unheard-of-{number}", NOON) is None
        assert known.rates("openai", "gpt-4o", NOON) is not None
        assert len(known._models) <= 10
        assert len(known._snapshot._provider_misses) <= 20
