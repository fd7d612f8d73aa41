from __future__ import annotations

import pytest

from tests.extensions.web.conftest import Api
from tests.extensions.web.pages.browsing import Browser


@pytest.fixture
def browser(api: Api) -> Browser:
    """A reader of a project of their own."""
    return Browser(api)
