"""What the person can choose, and what is said where a choice cannot be had: templates, folders, trainings, an empty library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from notewright.server import create_app
from notewright.settings import Settings
from served import ScriptedEngines, serve
from walks import Server, ask, eventually

from .conftest import needs_browser
from .helpers import serious, settings_form

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(small_server: Server) -> Server:
    templates = small_server.settings.home / "templates"
    templates.mkdir()
    (templates / "book.md").write_text("# {{title}}\n\nA book.\n\n{{ draft }}\n", encoding="utf-8")
    (templates / "plain.md").write_text("# {{title}}\n\n{{ draft }}\n", encoding="utf-8")
    return small_server


def draft(page: Any, server: Server, thing: str) -> Any:
    """Candidates about it, and the dialog that puts the first into a new note."""
    batch = ask(server, "/api/drafts", {"source": f"readwise:b-{thing}", "chapter": "Beginnings", "n": 2, "stream": False})
    page.goto(f"{server.address}/draft?source={batch['source_id']}&chapter=Beginnings&batch={batch['id']}")
    page.locator(".card .reading > *").first.wait_for()
    page.keyboard.press("a")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="New note: ").click()
    return dialog


def test_a_new_note_is_made_with_the_template_that_is_chosen(page: Any, server: Server) -> None:
    vault = server.settings.need_vault()
    dialog = draft(page, server, "bread")
    choice, change = dialog.get_by_label("Template of the new note"), dialog.get_by_role("region", name="Change of the note")
    change.get_by_text("The").first.wait_for()
    assert choice.input_value() == "", "none is set"
    assert "A book." not in change.inner_text()
    choice.select_option("book")
    change.get_by_text("+A book.").wait_for()
    assert serious(page) == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    dialog.get_by_role("button", name="Write it").click()
    page.get_by_text("Made ").wait_for()
    path = page.locator(".notice p").first.inner_text().removeprefix("Made ").removesuffix(".")
    assert "\n\nA book.\n\n## Note\n" in (vault / path).read_text(encoding="utf-8")
    dialog = draft(page, server, "moss")  # of the same kind: what was chosen last is proposed
    dialog.get_by_role("region", name="Change of the note").get_by_text("+A book.").wait_for()
    assert choice.input_value() == "book"
    dialog.get_by_role("button", name="Another note").click()
    dialog.get_by_label("Search notes").fill("Notes/Rivers")
    page.keyboard.press("Enter")
    dialog.get_by_label("Heading").wait_for()
    assert choice.count() == 0, "a note that there is has its frame"
    dialog.get_by_role("region", name="Change of the note").get_by_text("Notes/Rivers").first.wait_for()
    page.keyboard.press("Escape")
    page.goto(f"{server.address}/library")
    settings_form(page).get_by_label("Template of new notes").select_option("plain")
    page.get_by_role("button", name="Keep the settings").click()
    page.get_by_text("Settings kept.").wait_for()
    assert ask(server, "/api/settings")["template"] == "plain"
    draft(page, server, "sleep")
    eventually(choice.input_value, "book", pause=lambda seconds: page.wait_for_timeout(1000 * seconds))  # chosen for this kind by hand
    page.keyboard.press("Escape")
    page.evaluate("() => localStorage.clear()")
    draft(page, server, "sleep")
    eventually(choice.input_value, "plain", pause=lambda seconds: page.wait_for_timeout(1000 * seconds))
    ask(server, "/api/settings", {"template": ""}, "PUT")


def test_a_note_is_chosen_with_the_arrows_and_written_with_enter(page: Any, server: Server) -> None:
    batch = ask(server, "/api/drafts", {"source": "readwise:b-salt", "chapter": "Beginnings", "n": 2, "stream": False})
    page.goto(f"{server.address}/draft?source={batch['source_id']}&chapter=Beginnings&batch={batch['id']}")
    page.locator(".card .reading > *").first.wait_for()
    page.keyboard.press("a")
    dialog = page.get_by_role("dialog")
    rows = dialog.get_by_role("list", name="Notes").get_by_role("button")
    dialog.get_by_label("Search notes").fill("loom")
    rows.filter(has_text="Notes/Looms.md").filter(has_text="Enter").wait_for()
    here = lambda: page.evaluate("() => document.activeElement.ariaLabel || document.activeElement.innerText").splitlines()[0]  # noqa: E731
    walked = []
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
        walked.append(here())
    found = [text.splitlines()[0] for text in rows.all_inner_texts()]
    assert found[0] == walked[0] == walked[-1] == "Notes/Looms.md"
    assert len(found) > 1
    assert walked[5] == "Search notes"
    page.keyboard.press("Enter")
    change = dialog.get_by_role("region", name="Change of the note")
    change.get_by_text("+## Note").wait_for()
    assert here() == "Put it into a note"
    page.keyboard.press("Enter")
    page.get_by_text("Written into Notes/Looms.md.").wait_for()
    page.get_by_role("button", name="Undo u").click()  # nothing but a pointer is needed
    page.locator(".card").get_by_title("Notes/Looms.md").wait_for(state="detached")
    page.get_by_label("Search sources").focus()
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.tagName") == "SELECT", "the list of sources is no step of its own"


def test_the_next_chapter_is_offered_once_a_draft_is_in_a_note(page: Any, server: Server) -> None:
    dialog = draft(page, server, "moths")
    assert page.get_by_role("button", name="Next chapter").count() == 0
    dialog.get_by_role("region", name="Change of the note").get_by_text("+## Note").wait_for()
    dialog.get_by_role("button", name="Write it").click()
    page.get_by_role("button", name="Next chapter").wait_for()
    assert serious(page) == []
    first = ask(server, "/api/queue?limit=1")["chapters"][0]
    page.keyboard.press("n")
    page.get_by_role("heading", level=1, name=first["source_title"]).wait_for()
    page.get_by_role("button", name="Next chapter").wait_for(state="detached")


def test_what_was_prepared_before_a_rule_was_said_is_not_shown_as_if_it_kept_to_it(page: Any, server: Server) -> None:
    ask(server, "/api/drafts", {"source": "readwise:b-peat", "chapter": "Troubles", "n": 2, "stream": False, "ahead": True})
    address = f"{server.address}/draft?source=readwise:b-peat&chapter=Troubles"
    page.goto(address)
    page.locator(".card .reading > *").first.wait_for()
    ask(server, "/api/rules", {"text": "no tables"})
    page.goto(address)
    page.get_by_text("What was written before stands under “Earlier candidates”.").wait_for()
    assert page.locator(".card").count() == 0
    ask(server, "/api/undo", {})
    page.goto(address)
    page.locator(".card .reading > *").first.wait_for()


def test_a_folder_to_leave_out_that_the_vault_lacks_is_told(page: Any, server: Server) -> None:
    page.goto(f"{server.address}/library")
    folders = settings_form(page).get_by_label("Other folders to leave out")
    folders.fill("Nots\nNotes/Old/*")
    page.get_by_role("button", name="Keep the settings").click()
    page.get_by_text("There is no “Nots” in the vault").wait_for()
    assert page.get_by_text("There is no “").count() == 1, "a pattern may fit later"
    assert serious(page) == []
    folders.fill("")
    page.get_by_role("button", name="Keep the settings").click()
    page.get_by_text("There is no “Nots”").wait_for(state="detached")


def test_while_a_training_goes_on_no_other_begins_and_why_is_said(page: Any, server: Server) -> None:
    job = {
        "id": "job-1", "kind": "train", "title": "Training sft", "state": "running", "done": 3, "total": 9, "text": "", "run_id": "run-7",
        "started_at": "2025-01-01T00:00:00Z", "ended_at": "", "can_stop": True, "problem": None, "result": None,
    }  # fmt: skip
    enough = ask(server, "/api/status") | {"improve_lacks": ""}
    page.route("**/api/status", lambda route: route.fulfill(json=enough))
    page.route("**/api/jobs", lambda route: route.fulfill(json=[job]))
    page.goto(f"{server.address}/models")
    why = page.get_by_text("Training sft is going on (run-7): wait for it, or stop it first.")
    why.nth(1).wait_for()
    for name in ("Start", "Improve now"):
        button = page.get_by_role("button", name=name, exact=True)
        assert button.is_disabled()
        assert page.locator(f"#{button.get_attribute('aria-describedby')}").inner_text().startswith("Training sft is going on")
    assert serious(page) == []
    page.unroute("**/api/jobs")
    page.reload()
    page.get_by_role("button", name="Start", exact=True).and_(page.locator(":enabled")).wait_for()
    assert page.get_by_role("button", name="Improve now").is_enabled()


def test_an_empty_library_says_where_to_begin(browser: Any, tmp_path: Path) -> None:
    needs_browser()
    app = create_app(Settings(home=tmp_path / "home"), engines=ScriptedEngines())
    with serve(app) as address, browser.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.goto(f"{address}/login?token={app.state.context.token}")
        page.get_by_role("link", name="Queue").click()
        page.get_by_text("There are no highlights yet, so nothing can wait.").wait_for()
        assert page.get_by_text("every chapter with highlights has its note").count() == 0
        page.get_by_role("link", name="Models").click()
        page.get_by_text("There are no highlights yet, and it learns from pairs").wait_for()
        assert page.get_by_role("button", name="Improve now").is_disabled()
        page.get_by_role("link", name="Draft").click()
        page.get_by_role("link", name="Import some").wait_for()
        page.get_by_role("link", name="Queue").click()
        page.get_by_role("button", name="Import your highlights").click()
        page.get_by_role("list", name="First steps").wait_for()
