"""Makes the pictures of the pages, light and dark, from the demo's data. Needs Chromium, and `pip install -e '.[dev]'`.

python docs/images/make_screenshots.py
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent
SCREEN = {"width": 1280, "height": 800}
SCENARIOS = ("agent", "chat", "errors", "media", "outlier")
"""What the demo sends; a session of the first is in the picture."""
_ADDRESS = re.compile(r"(http://[\d.]+:\d+)/sessions/(\S+)")


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as directory,
        subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-m", "otel_sessions", "demo", *(f"--scenario={name}" for name in SCENARIOS)],
            cwd=directory,
            stdout=(out := Path(directory, "out")).open("w"),
        ) as demo,
    ):
        try:
            base, session_id = _address(out)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
                for scheme in ("light", "dark"):
                    _picture(browser, scheme, f"{base}/sessions", "sessions")
                    _picture(browser, scheme, f"{base}/sessions/{session_id}", "session")
        finally:
            demo.terminate()


def _address(out: Path) -> tuple[str, str]:
    """What the demo prints of its pages: where they are, and the session to look at."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        if "Serving until" in (said := out.read_text()) and (found := _ADDRESS.search(said)):
            return found[1], found[2]
        time.sleep(0.2)
    raise TimeoutError(out.read_text())


def _picture(browser: Browser, scheme: str, url: str, name: str) -> None:
    page = browser.new_page(viewport=SCREEN, color_scheme=scheme, locale="en-GB", timezone_id="UTC")
    page.goto(url)
    page.locator(".chart:not(.wait) rect.bar").first.wait_for(state="attached")
    page.screenshot(path=HERE / f"{name}-{scheme}.png")
    page.close()


if __name__ == "__main__":
    main()
