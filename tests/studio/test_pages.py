"""The other pages' main paths, and a library full of scripts."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from notewright import importers, pairing
from notewright.importers.vault import import_vault
from notewright.library import Library
from notewright.settings import Settings, save_settings

from .conftest import Server, needs_browser, serve
from .helpers import ask, eventually, serious

pytestmark = pytest.mark.browser
COLUMNS = [
    "Highlight",
    "Book Title",
    "Book Author",
    "Amazon Book ID",
    "Note",
    "Color",
    "Tags",
    "Location Type",
    "Location",
    "Highlighted at",
    "Document tags",
]
SCRIPT = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"


def test_the_queue_goes_to_the_next_chapter_with_one_key(page: Any, server: Any) -> None:
    page.goto(f"{server.address}/queue")
    page.locator(".waiting").first.wait_for()
    assert serious(page) == []
    first = ask(server, "/api/queue?limit=1")["chapters"][0]
    page.keyboard.press("n")
    page.get_by_role("heading", level=1, name=first["source_title"]).wait_for()


def test_pairs_are_reviewed_by_keyboard(page: Any, server: Any) -> None:
    page.goto(f"{server.address}/pairs")
    page.get_by_role("region", name="Passage").locator(".reading > *").first.wait_for()
    assert serious(page) == []
    accepted = ask(server, "/api/pairs?status=accepted")["total"]
    page.keyboard.press("a")
    eventually(lambda: ask(server, "/api/pairs?status=accepted")["total"], accepted + 1)


def test_models_are_listed_and_a_refused_training_is_explained(page: Any, server: Any) -> None:
    page.goto(f"{server.address}/models")
    page.get_by_role("cell", name="model-1").first.wait_for()
    assert serious(page) == []
    page.get_by_label("Teach").select_option("dpo")
    page.get_by_role("button", name="Start").click()  # no choices were recorded in this library
    page.locator(".notice.wrong").wait_for()


def test_the_library_page_checks_health(page: Any, server: Any) -> None:
    page.goto(f"{server.address}/library")
    page.get_by_label("Path of the vault").wait_for()
    page.get_by_role("button", name="Check everything").click()
    page.get_by_role("region", name="Health").wait_for(timeout=90_000)  # torch is looked at
    assert serious(page) == []


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Server]:
    """Scripts in every field that a person or a website fills."""
    needs_browser()
    vault = tmp_path / "sample" / "vault"
    vault.mkdir(parents=True)
    quote = f"{SCRIPT} Nothing grows where nobody waters, said the third gardener."
    (vault / "Note.md").write_text(f"# {SCRIPT}\n\n## {SCRIPT}\n\n- {quote}\n", encoding="utf-8")
    with (tmp_path / "export.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerow([quote, SCRIPT, SCRIPT, "", SCRIPT, "", SCRIPT, "page", "1", "2024-01-01 00:00:00+00:00", SCRIPT])
    settings = Settings(home=tmp_path / "home", vault=vault)
    with Library.create(settings.home) as library:
        save_settings(settings)
        importers.import_readwise(library, path=tmp_path / "export.csv")
        import_vault(library, settings=settings)
        pairing.pair(library, settings=settings)
    yield from serve(tmp_path)


def test_no_script_of_a_source_or_note_runs(browser: Any, hostile: Server) -> None:
    page = browser.new_page()
    ran: list[str] = []
    page.on("dialog", lambda dialog: ran.append(dialog.message))
    page.goto(hostile.link)
    source = ask(hostile, "/api/sources")["sources"][0]
    for path in (f"draft?source={source['id']}", "queue", "pairs?status=", "models", "library"):
        page.goto(f"{hostile.address}/{path}")
        page.wait_for_timeout(600)
        assert page.title().endswith("notewright")
        assert page.locator("main script, main img[src='x']").count() == 0
    assert ran == []
    assert "onerror" in page.goto(f"{hostile.address}/api/sources").text()  # the strings did get there
    page.close()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Server]:
    needs_browser()
    yield from serve(tmp_path)


def test_an_empty_library_leads_by_the_hand(browser: Any, empty: Server, tmp_path: Path) -> None:
    page = browser.new_page()
    page.goto(empty.link)
    page.get_by_role("list", name="First steps").wait_for()
    vault = tmp_path / "Notes"
    vault.mkdir()
    (vault / "One.md").write_text("# One\n\nA passage.\n", encoding="utf-8")
    page.get_by_label("Path of the vault").fill(str(vault))
    page.get_by_role("button", name="Use and read").click()
    page.get_by_text("Name your vault ✓").wait_for()
    eventually(lambda: ask(empty, "/api/status")["counts"]["notes"], 1)
    page.close()
