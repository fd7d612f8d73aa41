# SPDX-License-Identifier: Apache-2.0
"""What is said in the demo: customers of a shop for mountain gear, and the answers of its assistant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Fault = Literal["tool fails", "model times out"]


@dataclass(frozen=True, slots=True)
class Tool:
    """A call of a tool: its name, its arguments and its result, both JSON text."""

    name: str
    arguments: str
    result: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and its answer. `after_s` is how long the user thought before it, in seconds."""

    ask: str
    answer: str
    after_s: int = 0
    search: bool = False
    tools: tuple[Tool, ...] = ()
    agent: str = ""
    fault: Fault | None = None
    late_claim: bool = False
    """Only the root span carries the session id, and it is exported after all others."""


@dataclass(frozen=True, slots=True)
class Chat:
    """A session. `ago_s` is how long before now it began, in seconds."""

    topic: str
    user: str
    tags: tuple[str, ...]
    model: str
    ago_s: int
    turns: tuple[Turn, ...]


SYSTEM = "You are the assistant of Ridgeline, a shop for mountain gear. Be brief, be kind, and name your sources."

CHATS = (
    Chat(
        "sizing",
        "ada",
        ("presales", "footwear"),
        "gpt-4.1-mini",
        ago_s=700,
        turns=(
            Turn(
                "My feet are 26.4 cm long. Which size of the Talus boot should I take?",
                "Take EU 42. The Talus runs half a size small, and the chart puts 26.4 cm between 41.5 and 42.",
                search=True,
                late_claim=True,
            ),
            Turn(
                "I wear thick socks in winter. Does that change it?",
                "Yes, by half a size: EU 42.5 leaves room for a sock of 4 mm.",
                after_s=64,
            ),
            Turn(
                "Do you have 42.5 in grey?",
                "There are 3 pairs of the Talus in grey, size 42.5, ready to ship today.",
                after_s=47,
                tools=(Tool("check_stock", '{"sku": "TALUS-GREY-42.5"}', '{"in_stock": 3, "warehouse": "Innsbruck"}'),),
            ),
            Turn(
                "How do I keep the leather from cracking?",
                "Brush off the mud, let them dry away from the stove, and wax them every ten days of use.",
                after_s=118,
                search=True,
            ),
            Turn("Great, thank you!", "You are welcome. Enjoy the mountains!", after_s=25),
        ),
    ),
    Chat(
        "returns",
        "grace",
        ("support",),
        "gpt-4.1-mini",
        ago_s=560,
        turns=(
            Turn(
                "I ordered a rope last week and want to send it back. Is that possible?",
                "Yes, within 30 days of delivery, as long as the rope is unused and its seal is whole.",
                search=True,
            ),
            Turn(
                "The order is 1042.",
                "Order 1042 arrived 6 days ago: one Couloir rope, 60 m, for 189.00 EUR. You can send it back.",
                after_s=38,
                tools=(
                    Tool(
                        "get_order",
                        '{"order_id": 1042}',
                        '{"items": ["Couloir 60 m"], "total_eur": 189.0, "delivered_days_ago": 6}',
                    ),
                ),
            ),
            Turn(
                "Please make me a label.",
                "Here is your label: RL-1042-R. The refund comes within 5 days of its arrival.",
                after_s=31,
                tools=(
                    Tool("create_label", '{"order_id": 1042}', '{"label": "RL-1042-R", "carrier": "DHL"}'),
                    Tool("send_mail", '{"template": "return_label", "order_id": 1042}', '{"sent": true}'),
                ),
            ),
            Turn(
                "Could I exchange it for the 70 m one instead?",
                "Yes. The 70 m rope costs 30.00 EUR more, and it leaves when the other is on its way.",
                after_s=92,
                search=True,
            ),
        ),
    ),
    Chat(
        "hut-tour",
        "emmy",
        ("planning", "beta"),
        "claude-sonnet-4-5",
        ago_s=400,
        turns=(
            Turn(
                "Plan me a hut tour of three days in the Stubai Alps for early July.",
                "Day 1 Neustift to Innsbrucker Hut, day 2 to Bremer Hut, day 3 down to Gschnitz: 31 km, 2,650 m up.",
                agent="Tour Planner",
                tools=(
                    Tool("find_huts", '{"region": "Stubai", "month": 7}', '{"huts": ["Innsbrucker", "Bremer"]}'),
                    Tool("route_profile", '{"from": "Neustift", "to": "Gschnitz"}', '{"km": 31, "ascent_m": 2650}'),
                ),
            ),
            Turn(
                "Is there snow on the second day?",
                "Old snow lies at the Simmingjoechl until mid July. Take light crampons and start before 7.",
                after_s=41,
                tools=(Tool("snow_report", '{"place": "Simmingjoechl"}', '{"depth_cm": 40, "until": "07-15"}'),),
            ),
            Turn(
                "What must I carry?",
                "Light crampons, poles, a shell, a hut sleeping bag, 2 l of water and a first-aid kit: about 7 kg.",
                after_s=35,
                search=True,
            ),
            Turn(
                "Book both huts for two people.",
                "Both huts are booked for two: Innsbrucker on 4 July, Bremer on 5 July. Pay at the hut.",
                after_s=73,
                agent="Booking",
                tools=(
                    Tool("book_hut", '{"hut": "Innsbrucker", "people": 2}', '{"confirmed": "IN-4411"}'),
                    Tool("book_hut", '{"hut": "Bremer", "people": 2}', '{"confirmed": "BR-0972"}'),
                ),
            ),
            Turn(
                "And if the weather turns?",
                "From the Innsbrucker Hut you can go down to Neustift in 3 hours. Both huts cancel free of charge.",
                after_s=58,
                search=True,
            ),
            Turn("Perfect.", "Have a good tour, and mind the afternoon storms.", after_s=19),
        ),
    ),
    Chat(
        "invoice",
        "alan",
        ("support", "billing"),
        "gpt-4.1-mini",
        ago_s=245,
        turns=(
            Turn(
                "I need an invoice with my company's VAT number for order 987.",
                "Gladly. Which VAT number shall I put on it?",
                tools=(Tool("get_order", '{"order_id": 987}', '{"total_eur": 412.5, "invoice": "R-2207"}'),),
            ),
            Turn(
                "ATU12345678",
                "The registry does not answer right now. I have noted the number and will try again in a minute.",
                after_s=44,
                tools=(Tool("check_vat", '{"vat": "ATU12345678"}', '{"error": "registry unavailable"}'),),
                fault="tool fails",
            ),
            Turn(
                "Any news?",
                "The number is valid. The new invoice R-2207-B is in your mailbox.",
                after_s=81,
                tools=(
                    Tool("check_vat", '{"vat": "ATU12345678"}', '{"valid": true}'),
                    Tool("reissue_invoice", '{"invoice": "R-2207"}', '{"invoice": "R-2207-B"}'),
                ),
            ),
        ),
    ),
    Chat(
        "warranty",
        "katherine",
        ("support", "warranty"),
        "claude-sonnet-4-5",
        ago_s=105,
        turns=(
            Turn(
                "The zip of my Firn jacket broke after two winters. Is that covered?",
                "Zips are covered for five years. Send a photo, and we repair it or replace the jacket.",
                search=True,
            ),
            Turn(
                "Here it is. How long does the repair take?",
                "About 12 days with the way here and back. You get a mail when it leaves the workshop.",
                after_s=66,
                fault="model times out",
            ),
        ),
    ),
)
