"""Chromium, driven by Playwright: a fresh profile a test, and everything that the browser complains of."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.extensions.web.conftest import Api
from tests.extensions.web.pages.stories import chat

playwright = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser that goes with its module: Playwright has an event loop on this thread for as long as it runs, in which
    no `asyncio.run` of another test can be.
    """
    if CHROMIUM is None:
        pytest.skip("there is no chromium here; `apt-get install chromium`, or name one in CHROMIUM")
    playwright.expect.set_options(timeout=60_000)  # as page.set_default_timeout below: machines may be busy
    with playwright.sync_playwright() as started:
        options = ["--no-sandbox", "--disable-gpu", "--disable-gpu-compositing"]  # there is none to be imitated
        browser = started.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


@dataclass
class Reader:
    """A person with a browser: pages of one project, and what went wrong in them."""

    chromium: Any
    api: Api
    complaints: list[str] = field(default_factory=list)
    contexts: list[Any] = field(default_factory=list)

    def profile(self, *, known: bool = True, **settings: Any) -> Any:
        """A page in a fresh profile; one that is not `known` says nothing of who it is."""
        headers = {"X-Project": self.api.project} if known else {}
        context = self.chromium.new_context(
            base_url=f"http://{self.api.address}", extra_http_headers=headers, **settings
        )
        context.set_default_timeout(60_000)
        self.contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", self._note)
        return page

    def _note(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.location}: {message.text}")


def until(page: Any, condition: str) -> None:
    """Waits for what a script says of a page. (`wait_for_function` has the page run text, which its policy forbids.)"""
    page.evaluate(
        f"""new Promise((done, fail) => {{
            const end = performance.now() + 30_000;
            const look = () => {{
                if ({condition}) done();
                else if (performance.now() > end) fail(new Error("in vain"));
                else requestAnimationFrame(look);
            }};
            look();
        }})"""
    )


@pytest.fixture
def reader(chromium: Any, api: Api) -> Iterator[Reader]:
    """For a project with a chat of two turns; fails the test for whatever the browser complained of."""
    chat(api)
    one = Reader(chromium, api)
    yield one
    for context in one.contexts:
        context.close()
    assert one.complaints == []


@pytest.fixture
def page(reader: Reader) -> Any:
    return reader.profile()
