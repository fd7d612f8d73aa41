from __future__ import annotations

import pytest

from otel_sessions.component import ComponentId


@pytest.mark.parametrize("text", ["otlp", "otlp/2", "otlp/a.b/c", "a_1/ü"])
def test_a_component_id_is_its_text(text: str) -> None:
    assert str(ComponentId.parse(text)) == text


@pytest.mark.parametrize("text", ["", "/x", "otlp/", "9x", "a b", "otlp/a b", "otlp\n"])
def test_what_is_no_component_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a component id"):
        ComponentId.parse(text)
