"""Answers that come late, or never, and what was done elsewhere meanwhile: the page shows what was asked for last, and what counts. In
Chromium, on a small world whose writer needs no model."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from walks import Server, ask, events, eventually

from .helpers import settings_form, written

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(small_server: Server) -> Server:
    return small_server


@pytest.fixture
def batch(server: Server, thing: str) -> dict:
    return written(server, thing)


def address(server: Server, batch: dict) -> str:
    return f"{server.address}/draft?" + urlencode({"source": batch["source_id"], "chapter": batch["chapter"], "batch": batch["id"]})


def show(page: Any, server: Server, batch: dict) -> None:
    page.goto(address(server, batch))
    drawn(page)


def drawn(page: Any) -> None:
    page.wait_for_function("() => [...document.querySelectorAll('.card .reading')].filter(one => one.children.length).length === 3")


def header(page: Any, words: str) -> None:
    page.locator(".page p[aria-live]").get_by_text(words, exact=True).first.wait_for()


def changed(page: Any, path: str, change: Callable[[Any], object]) -> None:
    """The server's answers from there, with a change."""

    def answer(route: Any) -> None:
        told = route.fetch().json()
        change(told)
        route.fulfill(json=told)

    page.route(path, answer)


def test_of_two_batches_the_one_asked_for_last_is_shown(page: Any, server: Server, thing: str) -> None:
    first, second, third = (written(server, thing) for _ in range(3))
    show(page, server, third)
    for batch in (second, first):
        page.get_by_text("Earlier candidates (").click()
        page.get_by_role("list", name="Earlier candidates").get_by_role("button").nth(0 if batch is second else -1).click()
        page.wait_for_url(f"**batch={batch['id']}")
        drawn(page)
    held: dict[str, Any] = {}
    page.route(f"**/api/batches/{second['id']}?*", lambda route: held.update({second["id"]: route}))
    page.route(f"**/api/batches/{third['id']}?*", lambda route: held.update({third["id"]: route}))
    page.evaluate("() => history.back()")
    eventually(lambda: second["id"] in held, pause=lambda seconds: page.wait_for_timeout(1000 * seconds))
    page.evaluate("() => history.back()")
    eventually(lambda: third["id"] in held, pause=lambda seconds: page.wait_for_timeout(1000 * seconds))
    with page.expect_response(f"**/api/batches/{second['id']}/judged"):
        held[second["id"]].continue_()
    page.wait_for_timeout(300)
    held[third["id"]].continue_()
    drawn(page)
    assert page.url.endswith(f"batch={third['id']}")


def test_a_batch_that_could_not_be_asked_for_is_shown_when_the_server_is_back(page: Any, server: Server, batch: dict) -> None:
    for path in ("**/api/events", f"**/api/batches/{batch['id']}?*"):
        page.route(path, lambda route: route.abort())
    page.goto(address(server, batch))
    page.locator(".notice.wrong").first.wait_for()
    for path in (f"**/api/batches/{batch['id']}?*", "**/api/events"):
        page.unroute(path)
    drawn(page)


def test_what_was_undone_elsewhere_is_no_edit_any_more(page: Any, server: Server, batch: dict) -> None:
    show(page, server, batch)
    page.keyboard.press("e")
    page.locator(".cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.type("More words")
    page.keyboard.press("Control+Enter")
    page.locator(".card .chip").wait_for()
    ids = {draft["id"] for draft in batch["drafts"]}
    eventually(lambda: len([event for event in events(server, "edit") if event.subject in ids]), 1)
    page.wait_for_function("() => !sessionStorage.getItem('notewright:outbox')")
    page.reload()
    page.locator(".card .reading").get_by_text("More words").wait_for()
    ask(server, "/api/undo", {})
    page.reload()
    drawn(page)
    assert page.locator(".card .chip").count() == 0
    assert "More words" not in page.locator(".cards").inner_text()


def test_after_an_undo_stands_what_was_said_elsewhere_as_it_was_said(page: Any, server: Server, batch: dict) -> None:
    show(page, server, batch)
    ids = page.evaluate(f"() => JSON.parse(localStorage.getItem('notewright:shown:{batch['id']}'))")
    ask(server, f"/api/batches/{batch['id']}/ranking", {"order": [[ids[1]]], "best_only": True})
    for key in "321":
        page.keyboard.press(key)
    header(page, "kept")
    page.keyboard.press("u")
    header(page, "2")


def test_where_nothing_is_placed_any_more_the_page_says_what_becomes_of_it(page: Any, server: Server, batch: dict) -> None:
    show(page, server, batch)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    header(page, "kept")
    page.keyboard.press("Backspace")
    header(page, "What you said before is taken back when you go on; undo brings it back.")
    page.keyboard.press("x")
    page.keyboard.press("Enter")
    header(page, "kept")
    told = ask(server, f"/api/batches/{batch['id']}/judged")
    assert (told["order"], len(told["rejected"])) == ([], 1)


def test_a_search_that_found_nothing_does_not_choose_later(page: Any, server: Server, thing: str) -> None:
    page.goto(f"{server.address}/draft")
    search = page.get_by_role("combobox", name="Search sources")
    search.fill("no such words")
    search.press("Enter")  # before the answer
    page.get_by_text("Nothing found").wait_for()
    search.fill(thing)
    page.get_by_role("option").filter(has_text=f"A Book of {thing.title()}").wait_for()
    page.wait_for_timeout(300)
    assert page.url == f"{server.address}/draft"
    search.press("Enter")
    page.get_by_role("heading", level=1, name=f"A Book of {thing.title()}").wait_for()


def test_a_list_of_more_pairs_than_the_server_tells_at_once_is_walked_to_its_end(page: Any, server: Server) -> None:
    known = ask(server, "/api/pairs")["pairs"][0]
    whole = ask(server, f"/api/pairs/{known['id']}")
    named = lambda number: known | {"id": f"pair-{number}", "source_title": f"Source {number}"}  # noqa: E731

    def told(route: Any) -> None:
        query = {key: int(value) for key, value in re.findall(r"(limit|offset)=(\d+)", route.request.url)}
        numbers = range(query.get("offset", 0), min(query.get("offset", 0) + query["limit"], 1200))
        route.fulfill(json={"total": 1200, "pairs": [named(number) for number in numbers]})

    page.route("**/api/pairs?*", told)
    page.route("**/api/pairs/pair-*", lambda route: route.fulfill(json=whole | {"pair": named(int(route.request.url.rpartition("-")[2]))}))
    page.goto(f"{server.address}/pairs?status=accepted")
    page.get_by_text("Source 0").wait_for()
    step = "(presses) => presses.forEach((key) => document.body.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true})))"
    for presses, heading, shown in (
        (["j"] * 1000, "1001 of 1200", 1000),
        (["k"], "1000 of 1200", 999),
        (["j"] * 900, "1200 of 1200", 1199),
    ):
        page.evaluate(step, presses)
        page.get_by_text(f"Source {shown} ", exact=False).wait_for()
        assert heading in page.get_by_role("heading", level=1).inner_text()


def test_pairs_that_come_to_an_empty_list_are_shown(page: Any, server: Server) -> None:
    page.route("**/api/pairs/review?*", lambda route: route.fulfill(json={"total": 0, "pairs": []}))
    page.goto(f"{server.address}/pairs")
    page.get_by_role("heading", level=1, name="Pairs none").wait_for()
    page.keyboard.press("j")
    page.unroute("**/api/pairs/review?*")
    named = ask(server, "/api/pairs?status=proposed")["pairs"][0]
    ask(server, f"/api/pairs/{named['id']}/decision", {"status": "accepted"})
    ask(server, f"/api/pairs/{named['id']}/decision", {"status": "proposed"})
    page.get_by_role("heading", level=1, name="Pairs 1 of").wait_for()
    page.get_by_role("region", name="Passage").wait_for()


def test_next_goes_on_after_the_filter_and_no_chapter_is_hidden(page: Any, server: Server) -> None:
    waiting = ask(server, "/api/queue?limit=3")["chapters"]
    changed(page, "**/api/queue?*limit=200*", lambda told: told.update(chapters=waiting))
    changed(page, "**/api/queue?new_only=true*", lambda told: told.update(total=1, chapters=waiting[:1]))
    page.goto(f"{server.address}/queue")
    rows = page.locator(".waiting")
    rows.nth(2).wait_for()
    page.get_by_role("button", name="More (").click()
    rows.nth(3).wait_for()
    for _ in range(3):
        page.keyboard.press("j")
    page.get_by_role("button", name="Only new since").click()
    page.get_by_role("heading", level=1, name="1 new chapter").wait_for()
    page.keyboard.press("n")
    page.wait_for_url("**/draft?*")


def test_settings_of_another_tab_stay(page: Any, server: Server) -> None:
    page.goto(f"{server.address}/library")
    form = settings_form(page)
    form.get_by_label("Device").wait_for()
    ask(server, "/api/settings", {"engine_model": "set elsewhere"}, "PUT")
    form.get_by_label("Device").select_option("cpu")
    form.get_by_role("button", name="Keep the settings").click()
    page.get_by_text("Settings kept.").wait_for()
    told = ask(server, "/api/settings")
    assert (told["device"], told["engine_model"]) == ("cpu", "set elsewhere")
    ask(server, "/api/settings", {"device": "auto", "engine_model": ""}, "PUT")


def test_a_title_with_a_slash_names_no_folder(page: Any, server: Server, batch: dict) -> None:
    changed(page, "**/api/sources/*", lambda told: told["source"].update(title="Either/Or: all ..."))
    show(page, server, batch)
    page.keyboard.press("a")
    page.get_by_role("dialog").get_by_role("button", name="New note: Notes/Either Or all.md").wait_for()


def test_a_note_of_the_same_name_in_another_folder_is_told_and_can_be_taken(page: Any, server: Server, batch: dict) -> None:
    there = next(row["path"] for row in ask(server, "/api/notes")["notes"] if "/" in row["path"])
    changed(page, "**/accept/preview", lambda told: told.update(namesakes=[there] if told["created"] else []))
    dialog = accepting(page, server, batch, "Elsewhere/Unheard Of")
    dialog.get_by_text("There is a note of this name already").wait_for()
    dialog.get_by_role("button", name=f"Into {there} instead").click()
    dialog.get_by_role("heading", name=f"The change: {there}").wait_for()
    dialog.get_by_text("There is a note of this name already").wait_for(state="hidden")


def accepting(page: Any, server: Server, batch: dict, name: str) -> Any:
    """The accept dialog of the first card, once it shows the change."""
    show(page, server, batch)
    page.keyboard.press("a")
    dialog = page.get_by_role("dialog")
    choose(dialog, name)
    dialog.get_by_role("heading", name=name).wait_for()
    return dialog


def choose(dialog: Any, name: str) -> None:
    search = dialog.get_by_label("Search notes")
    search.or_(dialog.get_by_role("button", name="Another note")).first.wait_for()
    if not search.count():
        dialog.get_by_role("button", name="Another note").click()
    search.fill(name)
    dialog.get_by_role("button", name=f"New note: {name}").click()


def test_just_the_change_that_was_confirmed_is_made(page: Any, server: Server, batch: dict, thing: str) -> None:
    shown, other = (f"Notes/{name} {thing}.md" for name in ("Shown", "Other"))
    dialog = accepting(page, server, batch, shown)
    held: list[Any] = []
    page.route("**/api/batches/*/ranking", lambda route: held.append(route))
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.keyboard.press("a")
    choose(dialog, shown)
    dialog.get_by_role("heading", name=shown).wait_for()
    dialog.get_by_role("button", name="Write it").click()
    choose(dialog, other)
    held[0].continue_()
    page.get_by_text(f"Made {shown}.").wait_for()


def test_a_place_that_is_gone_is_told_as_that(page: Any, server: Server, batch: dict, thing: str) -> None:
    dialog = accepting(page, server, batch, f"Notes/Gone {thing}.md")
    gone = {"message": "Its heading is gone.", "hint": "Choose another.", "problems": [], "current": None}
    page.route("**/accept", lambda route: route.fulfill(status=409, body=json.dumps(gone), content_type="application/json"))
    dialog.get_by_role("button", name="Write it").click()
    dialog.get_by_text("Its heading is gone.").wait_for()
    assert dialog.get_by_text("this is what would change now").count() == 0
