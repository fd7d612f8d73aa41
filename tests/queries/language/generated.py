"""Hypothesis strategies for sessions and for expressions; both draw from few words, so that they meet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from tests.queries.language.records import ScoreRecord, SessionRecord, SpanRecord

NOW = 1_780_000_000_000_000_000
DAY = 86_400 * 10**9
WORDS = [
    "ada",
    "Ada",
    "bob",
    "refund",
    "api",
    "api-2",
    "gpt-4o",
    "gpt-4.1",
    "日本",
    "猫",
    "ไทย",
    "über",
    "\u017ftra\u1e9ee",
    "stra\u00dfe",
    "\u212aelvin",
    "\u0130z",
    "x",
    "5",
    "0.5",
    "1e3",
    "true",
]
TEXTS = [
    *WORDS,
    "a b",
    'say "hi"',
    "back\\slash",
    "a*b",
    "100%",
    "under_score",
    "tab\there",
    "line\nend",
    "👩‍🚀",
    "(x)",
    "a'b",
    "\x00",
]
KEYS = ["tenant", "http.route", "odd key", "size", 'quo"te']
PIECES = [
    "STRASSE",
    "Stra\u00dfe",
    "kelvin",
    "iz",
    "\u0131z",
    "refund",
    "not",
    "working",
    "Refund",
    "ada",
    "日本",
    "語",
    "は",
    "ไทย",
    "gpt",
    "4o",
    "ΟΛΟΣ",
    "ολος",
    " ",
    " ",
    ", ",
    "-",
    "_",
    "e\u0301",
]

word = st.sampled_from(WORDS)
text = st.sampled_from(TEXTS)
some = st.lists(text, max_size=3, unique=True).map(lambda found: tuple(sorted(found)))
prose = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
mapping = st.dictionaries(
    st.sampled_from(KEYS), st.one_of(text, st.sampled_from(["", "-3", "7.", ".5", "1e400", "nan"])), max_size=3
)
span = st.builds(
    SpanRecord,
    st.sampled_from(["tool", "model", "other"]),
    st.one_of(st.just(""), text),
    st.one_of(st.just(""), text),
    mapping,
    mapping,
)
score = st.one_of(
    st.builds(ScoreRecord, word, st.just("NUMERIC"), st.sampled_from([0.0, 0.5, 1.0, -2.0, 1000.0])),
    st.builds(ScoreRecord, word, st.just("BOOLEAN"), st.sampled_from([0.0, 1.0])),
    st.builds(ScoreRecord, word, st.sampled_from(["CATEGORICAL", "TEXT"]), st.just(0.0), text),
)
moment = st.one_of(
    st.integers(-2, 2).map(lambda minutes: NOW - 1_800_000_000_000 + minutes),
    st.integers(-3, 3).flatmap(
        lambda day: st.sampled_from([-1, 0, 1, DAY // 2]).map(lambda ns: (NOW // DAY + day) * DAY + ns)
    ),
)


@st.composite
def sessions(draw: st.DrawFn) -> list[SessionRecord]:
    ids = draw(st.lists(st.one_of(text, prose.filter(bool)), min_size=1, max_size=6, unique=True))
    return [draw(_session(each)) for each in ids]


def _session(id_: str) -> st.SearchStrategy[SessionRecord]:
    count = st.sampled_from([0, 1, 2, 5, 1000, 10_000, 2**63])
    return st.builds(
        SessionRecord,
        st.just(id_),
        start=st.just(NOW - 5 * DAY),
        end=moment,
        turns=count,
        span_count=count,
        errors=count,
        users=some,
        services=some,
        environments=some,
        models=some,
        tags=some,
        labels=some,
        input_tokens=st.sampled_from([0, 5, 1000]),
        output_tokens=st.sampled_from([0, 5, 1000]),
        cost=st.sampled_from([0.0, 0.5, 0.1, 0.3, 5.0, 1000.0]),
        unpriced=st.sampled_from([0, 1]),
        metadata=mapping,
        texts=st.lists(st.tuples(prose, prose), max_size=2).map(tuple),
        spans=st.lists(span, max_size=2).map(tuple),
        scores=st.lists(score, max_size=2).map(tuple),
        commented=st.booleans(),
        bookmarked=st.booleans(),
        shared=st.booleans(),
    )


def quoted(raw: str) -> str:
    return '"' + raw.replace("\\", "\\\\").replace('"', '\\"') + '"'


bare = st.lists(st.one_of(word, st.just("*"), st.sampled_from("._-/:@+a")), min_size=1, max_size=3).map("".join)
value = st.one_of(word, text.map(quoted), bare)
values = st.lists(value, min_size=1, max_size=3).map(",".join)
key = st.one_of(st.sampled_from(["tenant", "http.route", "size"]), st.sampled_from(KEYS).map(quoted))
number = st.sampled_from(
    [
        "0",
        "0.5",
        ".1",
        "0.3",
        "1",
        "5",
        "1k",
        "0.001M",
        "-2",
        "1e3",
        "9223372036854775808",
        "99999999999999999999",
        "1.0",
    ]
)
compare = st.sampled_from([":", "=", ">", ">=", "<", "<="])
only_compare = st.sampled_from([">", ">=", "<", "<="])
days = st.integers(-3, 3).flatmap(
    lambda day: st.sampled_from(
        ["", "T00:00:00Z", "T00:00:00.000000001Z", "T12:00:00+00:00", "T01:30:00+01:30", "T23:59:59.999999999Z"]
    ).map(lambda time: _day(day) + time)
)
durations = st.sampled_from(["5d", "120h", "30s", "1.5m", "6d", "432000000ms", "7.25d", "1ns", "0us"])


def _day(offset: int) -> str:
    return f"{datetime.fromtimestamp(NOW // 10**9, UTC) + timedelta(days=offset):%Y-%m-%d}"


def _joined(
    strategy: st.SearchStrategy[str], operators: st.SearchStrategy[str], of: st.SearchStrategy[str]
) -> st.SearchStrategy[str]:
    several = st.lists(of, min_size=1, max_size=2).map(",".join)
    return st.tuples(strategy, operators).flatmap(
        lambda head: (several if head[1] in ":=" else of).map(lambda tail: head[0] + head[1] + tail)
    )


numeric = st.sampled_from(["cost", "tokens", "input_tokens", "output_tokens", "turns", "spans", "errors"])
is_letter_of_a_word = "abcdefghijklmnopqrstuvwxyz日本語ไทยüολσς0123456789"  # noqa: RUF001 - Greek
free = (
    st.one_of(st.sampled_from(PIECES), word)
    .map(str.strip)
    .filter(lambda w: any(c in is_letter_of_a_word for c in w.lower()))
)
TEXT_FIELDS = ["id", "user", "service", "environment", "model", "tag", "tool", "agent", "label"]
HAS = ["error", "score", "comment", "label", "user", "metadata"]
IS = ["bookmarked", "shared", "active", "unpriced"]
equal = st.sampled_from(":=")
keyed = st.sampled_from(["metadata", "attr"])


def _any_of(known: list[str]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(known), min_size=1, max_size=2).map(",".join)


terms = st.one_of(
    st.builds("{}{}{}".format, st.sampled_from(TEXT_FIELDS), equal, values),
    st.builds("{}.{}{}{}".format, keyed, key, equal, values),
    st.builds("score.{}:{}".format, word.map(quoted), values),
    st.builds("{}.{}{}{}".format, keyed, key, only_compare, st.one_of(number, value)),
    st.builds("score.{}{}{}".format, word.map(quoted), only_compare, number),
    _joined(numeric, compare, number),
    _joined(st.just("duration"), compare, durations),
    _joined(st.sampled_from(["start", "last_activity"]), compare, days),
    st.builds("has:{}".format, _any_of(HAS)),
    st.builds("is:{}".format, _any_of(IS)),
    st.builds("{}{}".format, free, st.sampled_from(["", "", "*"])),
    st.lists(free, min_size=1, max_size=3).map(lambda found: quoted(" ".join(found))),
)
expressions = st.recursive(
    terms,
    lambda inner: st.one_of(
        st.builds("{} {}".format, inner, inner),
        st.builds("{} AND {}".format, inner, inner),
        st.builds("{} OR {}".format, inner, inner),
        st.builds("({})".format, inner),
        st.builds("-({})".format, inner),
        terms.map("-{}".format),
    ),
    max_leaves=5,
)
