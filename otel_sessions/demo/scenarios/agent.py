# SPDX-License-Identifier: Apache-2.0
"""A team of agents: hand-overs, tools that run at once, reasoning, code, a model call that is made again."""

from __future__ import annotations

from contextlib import suppress

from otel_sessions.demo.script import Tool
from otel_sessions.demo.stage import Stage
from otel_sessions.demo.talk import Talk
from otel_sessions.demo.tracing import Story

TURNS = 5
_SYSTEM = "You lead a team that changes Ridgeline's shop. Split the work, hand it over, and check what comes back."
_CODE = '''The fix rounds once, at the end:

```python
from decimal import ROUND_HALF_UP, Decimal


def total(lines: list[Line], rate: Decimal) -> Decimal:
    """Sum of all lines with tax, in whole cents."""
    net = sum((line.price * line.count for line in lines), Decimal(0))
    return (net * (1 + rate)).quantize(Decimal("0.01"), ROUND_HALF_UP)
```

and the query that finds the orders to correct:

```sql
SELECT order_id, charged, round(net * 1.2, 2) AS right_total
FROM orders
WHERE charged != round(net * 1.2, 2)
ORDER BY order_id
```
'''
_FILE = '{"path": "shop/tax.py", "lines": 118, "symbols": ["Line", "total"], "tests": {"passed": 41, "failed": 2}}'
_DIFF = (
    '{"files": 2, "added": 14, "removed": 9, "checks": [{"name": "ruff", "ok": true}, {"name": "pytest", "ok": true}]}'
)


def play(stage: Stage) -> None:
    """A session of a coordinator with a researcher, a coder and a reviewer."""
    scene = stage.session(
        "tax-bug", "margaret", ago_s=1_100, service="dev-agents", model="claude-sonnet-4-5", system=_SYSTEM,
        tags=("agents", "beta"), metadata={"tenant": "ridgeline", "repository": "shop", "prompt_version": "v12"},
    )  # fmt: skip
    lead = scene.talk
    with (
        scene.turn("Customers in Austria are charged a cent too much. Find out why.") as story,
        lead.agent(story, "Coordinator") as inside,
    ):
        lead.answer(
            inside,
            "I hand this to the researcher: which code computes the total, and since when is it wrong?",
            thought="A cent too much on some orders sounds like rounding each line before summing. "
            "Before I say so, somebody has to read the code and count the orders that are wrong.",
        )
        _research(stage, inside, lead)
        lead.answer(inside, "Each line is rounded before the sum. 212 orders since build 871 are a cent too high.")
    with scene.turn("Fix it.", after_s=70) as story, lead.agent(story, "Coordinator") as inside:
        lead.answer(
            inside,
            "The coder writes the change, the reviewer reads it.",
            thought="Small change, but money: two pairs of eyes.",
        )
        _write(stage, inside)
        _review(stage, inside)
        lead.answer(inside, _CODE)
    with (
        scene.turn("Which orders have to be corrected?", after_s=95) as story,
        lead.agent(story, "Coordinator") as inside,
    ):
        with suppress(ConnectionError):  # the gateway tells the client to come back, and it does
            lead.fail(inside, ConnectionError("429 Too Many Requests: rate limit reached, try again in 2 s"), 180, 260)
        inside.clock.spend(2_000, 2_100)
        orders = ", ".join(f'{{"order_id": {number}, "over": 0.01}}' for number in range(10_412, 10_436))
        lead.use(
            inside,
            [
                Tool(
                    "query_orders",
                    '{"where": "charged != right_total", "limit": 500}',
                    f'{{"count": 212, "first": [{orders}]}}',
                )
            ],
        )
        lead.answer(
            inside, "212 orders, each by one cent: 2.12 EUR in all. The first 24 are in the result of `query_orders`."
        )
    with scene.turn("Refund them.", after_s=48) as story, lead.agent(story, "Coordinator") as inside:
        tools = [
            Tool("refund", f'{{"orders": {part}, "amount": 0.01}}', '{"queued": 53}')
            for part in ('"1-53"', '"54-106"', '"107-159"', '"160-212"')
        ]
        lead.use(
            inside, tools, together=True, thought="Four batches at once stay under the limit of the payment provider."
        )
        lead.answer(inside, "All 212 refunds are queued, in four batches.")
    with scene.turn("Thank you all!", after_s=22) as story:
        lead.answer(story, "You are welcome. The change goes out with tonight's build.")


def _research(stage: Stage, story: Story, lead: Talk) -> None:
    researcher = Talk(stage.service("dev-agents"), "gpt-4.1-mini", "You read code and data, and change nothing.")
    researcher.hear("Which code computes the total of an order, and since when is it wrong?")
    with researcher.agent(story, "Researcher") as inside:
        calls = [
            Tool(
                "search_code",
                '{"query": "round(", "path": "shop/"}',
                '{"matches": [{"path": "shop/tax.py", "line": 57}]}',
            ),
            Tool("read_file", '{"path": "shop/tax.py"}', _FILE),
            Tool("query_orders", '{"where": "charged != right_total"}', '{"count": 212, "since_build": 871}'),
        ]
        researcher.use(inside, calls, together=True, thought="These three do not need each other: run them at once.")
        researcher.answer(inside, "`shop/tax.py` line 57 rounds each line. Wrong since build 871, in 212 orders.")
    lead.hear("Researcher: shop/tax.py line 57 rounds each line; wrong since build 871, in 212 orders.", "user")


def _write(stage: Stage, story: Story) -> None:
    coder = Talk(stage.service("dev-agents"), "claude-sonnet-4-5", "You change code. Every change has a test.")
    coder.hear("Round once, at the end, in shop/tax.py.")
    with coder.agent(story, "Coder") as inside:
        coder.use(inside, [Tool("edit_file", '{"path": "shop/tax.py", "replace": "line 57"}', '{"ok": true}')])
        coder.use(
            inside,
            [Tool("run_checks", '{"only": "shop"}', _DIFF)],
            thought="The two tests that failed are the ones that held the fault fast.",
        )
        coder.answer(inside, "Done: two files, 14 lines more, 9 less. All checks pass.")


def _review(stage: Stage, story: Story) -> None:
    reviewer = Talk(stage.service("dev-agents"), "gpt-4.1-mini", "You read changes as if the money were yours.")
    reviewer.hear("Read the change of shop/tax.py.")
    with reviewer.agent(story, "Reviewer") as inside:
        reviewer.use(inside, [Tool("read_diff", '{"branch": "tax-cent"}', _DIFF)])
        reviewer.answer(inside, "Correct. `ROUND_HALF_UP` is what the law asks for here; say so in the docstring.")
