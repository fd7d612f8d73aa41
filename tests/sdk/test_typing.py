"""What a type checker makes of decorated functions."""

from __future__ import annotations

import re
from pathlib import Path

from mypy import api

ROOT = Path(__file__).parent.parent.parent
SNIPPET = """
from collections.abc import AsyncIterator
from otel_sessions import get_client, observe, session

@observe
def bare(question: str, *, top: int = 3) -> list[str]: ...
@observe(as_type="generation", model="m")
async def called(question: str) -> float: ...
@session("s")
async def stream(question: str) -> AsyncIterator[str]:
    yield ""
class Bot:
    @observe()
    def method(self, word: str) -> bytes: ...

reveal_type(bare)
reveal_type(called)
reveal_type(stream)
reveal_type(Bot().method)
with get_client().start_as_current_span(name="x") as span:
    reveal_type(span.update(output=1))
bare(1)
observe(as_type="nonsense")
"""


def test_a_decorated_function_keeps_its_signature(tmp_path: Path) -> None:
    file = tmp_path / "snippet.py"
    file.write_text(SNIPPET)
    options = ["--strict", "--disable-error-code=empty-body", "--cache-dir", str(ROOT / ".mypy_cache/snippets")]
    out, errors, _ = api.run([*options, "--config-file", str(ROOT / "pyproject.toml"), str(file)])
    revealed = re.findall(r'Revealed type is "(.*)"', out)
    assert [text.replace("builtins.", "").replace("collections.abc.", "typing.") for text in revealed] == [
        "def (question: str, *, top: int =) -> list[str]",
        "def (question: str) -> typing.Coroutine[Any, Any, float]",
        "def (question: str) -> typing.AsyncIterator[str]",
        "def (word: str) -> bytes",
        "otel_sessions.sdk.client.Observation",
    ], out + errors
    assert len(re.findall("error:", out)) == 2, out
