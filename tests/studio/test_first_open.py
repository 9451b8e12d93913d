"""From an empty home to the first candidates, led by the hand: vault, imports, token and sync, pairing, a training watched, a draft."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import keyring.backends.fail
import pytest

from fake_readwise import TOKEN, FakeReadwise
from notewright.importers import readwise_api
from notewright.library import Library
from notewright.sample import copy_sample
from notewright.server import create_app
from notewright.settings import Settings
from served import serve
from walks import WRITING, eventually

from .conftest import needs_browser, shorten
from .helpers import serious

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SMALL = {"max_steps": 300, "batch_size": 1, "lora_rank": 4, "checkpoint_seconds": 1, "rate_check": "off", "early_stop": "off"}


@pytest.fixture
def readwise(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeReadwise]:
    """Readwise with one book, which the server asks in place of the real one."""
    fake = FakeReadwise()
    fake.put(900, 1, "<img src=x onerror=alert(1)> Ink dries slowly.", "2025-01-01T00:00:00Z")
    monkeypatch.setitem(readwise_api.import_api.__kwdefaults__, "base_url", fake.url)
    monkeypatch.setattr(keyring, "get_keyring", keyring.backends.fail.Keyring)
    yield fake
    fake.close()


def start_small(route: Any) -> None:
    wish = route.request.post_data_json if route.request.method == "POST" else None
    route.continue_(**({"post_data": json.dumps(wish | {"overrides": SMALL})} if wish else {}))


def test_an_empty_library_leads_by_the_hand(browser: Any, tmp_path: Path, readwise: FakeReadwise) -> None:
    needs_browser()
    sample = copy_sample(tmp_path / "sample")
    settings = Settings(home=tmp_path / "home")
    app = create_app(settings)
    with serve(app) as address, browser.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(1000 * WRITING)
        alerts: list[str] = []
        page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
        page.route("**/api/runs", start_small)
        page.route("**/api/drafts", shorten)
        page.goto(f"{address}/login?token={app.state.context.token}")
        steps = page.get_by_role("list", name="First steps")
        jobs = page.get_by_role("list", name="Jobs")
        now = lambda: page.locator("[aria-current=step]").inner_text().splitlines()[0]  # noqa: E731
        steps.wait_for()
        assert serious(page) == []
        # the vault
        assert now() == "Name your vault"
        page.get_by_role("button", name="Name the folder").click()
        assert page.evaluate("() => document.activeElement.ariaLabel") == "Path of the vault"
        page.keyboard.type(str(tmp_path / "nothing there"))
        page.keyboard.press("Enter")
        page.get_by_text("There is no folder").wait_for()
        page.get_by_label("Path of the vault").fill(str(sample / "vault"))
        page.keyboard.press("Enter")
        steps.get_by_text("Name your vault ✓").wait_for()
        # imports: a file, one that is none, a path, Readwise itself
        assert now() == "Import your highlights"
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Choose an export file").click()
        chooser.value.set_files(sample / "readwise.csv")
        steps.get_by_text("Import your highlights ✓").wait_for()
        page.locator("input[type=file]").set_input_files(
            {"name": "<img src=x onerror=alert(1)>.csv", "mimeType": "", "buffer": b"%PDF-1.4"}
        )
        jobs.get_by_text("failed").wait_for()
        page.get_by_label("Path of an export on this machine").fill(str(sample / "readwise-api.json"))
        page.keyboard.press("Enter")
        jobs.get_by_text("Importing readwise-api.json").wait_for()
        page.get_by_label("Readwise token").fill(TOKEN)
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Ask Readwise").click()
        page.get_by_label("Search sources and highlights").fill("ink dries")
        page.get_by_role("list", name="Sources found").get_by_text("Book 900").wait_for()
        assert readwise.requests[0]["path"].endswith("/export/")
        page.get_by_role("button", name="Forget the token").click()
        page.get_by_label("Readwise token").wait_for()
        assert not (settings.home / "readwise-token").exists()
        # pairing
        assert now() == "Pair them with your notes"
        page.get_by_role("button", name="Pair now").click()
        steps.get_by_text("Pair them with your notes ✓").wait_for()
        # a training: watched, stopped, resumed, stopped again
        page.get_by_role("button", name="Go and train").click()
        page.get_by_role("button", name="Start", exact=True).click()
        page.get_by_role("img", name=re.compile("^Loss, from")).wait_for()
        runs = page.get_by_role("list", name="Trainings")
        training = page.get_by_role("region", name="Training now")
        training.get_by_text(re.compile("step .* of 300")).wait_for()
        assert serious(page) == []
        training.get_by_role("button", name="Stop").click()
        runs.get_by_text("interrupted").wait_for()
        steps_before = page.get_by_role("img", name=re.compile("^Loss, from")).get_attribute("aria-label")
        runs.get_by_role("button", name="Resume").click()
        training.wait_for()
        curve = page.get_by_role("img", name=re.compile("^Loss, from"))
        pause = lambda seconds: page.wait_for_timeout(1000 * seconds)  # noqa: E731
        eventually(lambda: curve.get_attribute("aria-label") != steps_before, seconds=WRITING, pause=pause)
        training.get_by_text("Log").click()
        training.get_by_role("button", name="Stop").click()
        runs.get_by_text("interrupted").wait_for()
        # the first draft, untaught
        page.goto(f"{address}/library")
        page.get_by_role("button", name="or draft untaught first").click()
        page.locator(".waiting").first.wait_for()
        page.keyboard.press("n")
        page.get_by_role("list", name="Highlights").get_by_role("listitem").first.wait_for()
        page.keyboard.press("g")
        page.wait_for_url(re.compile("batch="))
        page.goto(f"{address}/library")
        steps.get_by_text("Draft the first note ✓").wait_for()
        assert alerts == []
        assert page.locator("main script, main img[src='x']").count() == 0
    with Library.open(settings.home) as library:
        assert library.counts()["sources"] == 15
