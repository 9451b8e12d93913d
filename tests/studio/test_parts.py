"""Each part of a page shows what it has: one that could not be read says so in its place, can be asked for again, and the others stand."""

from __future__ import annotations

from typing import Any

import pytest

from walks import Server, ask, eventually

from .helpers import Held, serious
from .test_steady import WATCH

pytestmark = pytest.mark.browser
PARTS = {  # what a page asks for: the part, what it holds, and what stands although it could not be read
    "library status": ("What is in the library", "[aria-label=Numbers]", "[aria-label='Path of the vault']"),
    "library settings": ("Your settings", "[aria-label='Path of the vault']", "[aria-label='Sources found'] li"),
    "library sources": ("Your sources", "[aria-label='Sources found'] li", "[aria-label=Health] button"),
    "models models": ("The versions", "td .chip", "[aria-label=Trainings] li"),
    "models runs": ("The trainings", "[aria-label=Trainings] li", "td .chip"),
    "taste rules": ("Your rules", "[aria-label=Rules] li", "[aria-label=Beliefs] li"),
    "taste taste": ("What was learnt of it", "[aria-label=Beliefs] li", "[aria-label=Rules] li"),
    "taste trust": ("What they may do", "td .small", "[aria-label=Beliefs] li"),
}


LATE = {  # what never answers, besides: its name, what is asked, where, and what stands although there is no answer
    "queue": ("The queue", "queue?*", "queue", "h1"),
    "draft": ("What waits for a note", "queue?*", "draft", "main summary"),
    "source": ("The source", "sources/*", "draft?source=", "[role=combobox]"),
    "earlier": ("What was written before", "batches?*", "draft?source=", "[aria-label=Highlights] li"),
    "pairs": ("The pairs", "pairs/review?*", "pairs", "select"),
    "pair": ("The pair", "pairs/pair-*", "pairs", "select"),
} | {name: (PARTS[name][0], name.split()[1] + "*", name.split()[0], PARTS[name][2]) for name in PARTS}


@pytest.fixture(scope="module")
def server(small_server: Server) -> Server:
    ask(small_server, "/api/drafts", {"source": "A Book of Looms", "chapter": "Beginnings", "n": 2, "stream": False})  # there is a version
    ask(small_server, "/api/rules", {"text": "No tables"})
    return small_server


@pytest.mark.parametrize("failing", PARTS)
def test_what_could_not_be_read_is_said_in_its_place_and_asked_for_again(page: Any, server: Server, failing: str) -> None:
    path, asked = failing.split()
    name, holds, beside = PARTS[failing]
    url = f"**/api/{asked}" + ("?*" if asked == "sources" else "")
    answer = {"status": 404, "json": {"message": "It was never there.", "hint": "", "problems": []}}
    page.route(url, lambda route: route.fulfill(**answer))
    page.goto(f"{server.address}/{path}")
    page.get_by_role("alert").get_by_text(f"{name} could not be read. It was never there.").wait_for()
    page.locator(beside).first.wait_for()
    again = page.get_by_role("button", name=f"Try again: {name}")
    page.evaluate(WATCH)
    with page.expect_response(url):
        again.click()
    page.wait_for_timeout(200)
    assert again.is_enabled()
    assert page.evaluate("() => window.wrong") == []
    page.unroute(url)
    again.click()
    page.locator(holds).first.wait_for()
    assert not again.count()
    assert not page.locator(".notice").count()


@pytest.mark.parametrize("part", LATE)
def test_what_is_never_answered_holds_nothing_up(page: Any, server: Server, part: str) -> None:
    name, asked, path, beside = LATE[part]
    page.clock.install()
    held = Held(page, f"**/api/{asked}")
    source = ask(server, "/api/sources?q=looms")["sources"][0]["id"]
    page.goto(f"{server.address}/{path}{source if path.endswith('=') else ''}")
    held.wait()
    said = page.get_by_role("alert").get_by_text(f"{name} could not be read so far. The server has not answered yet.")
    eventually(said.count, 1, pause=lambda _: page.clock.fast_forward(5_000))
    page.locator(beside).first.wait_for()
    again = page.get_by_role("button", name=f"Try again: {name}")
    assert again.is_enabled()
    assert serious(page) == []
    held.go_on()  # it was not broken off
    again.wait_for(state="detached")


def test_a_batch_that_is_never_told_holds_nothing_up(page: Any, server: Server) -> None:
    (batch,) = ask(server, "/api/batches?limit=1")["batches"]
    page.clock.install()
    held = Held(page, f"**/api/batches/{batch['id']}?*")
    page.goto(f"{server.address}/draft?source={batch['source_id']}&chapter={batch['chapter']}&batch={batch['id']}")
    held.wait()
    said = page.get_by_text("What was written here could not be read so far")
    eventually(said.count, 1, pause=lambda _: page.clock.fast_forward(5_000))
    page.get_by_role("list", name="Highlights").get_by_role("listitem").first.wait_for()
    held.go_on()
    page.locator(".card").first.wait_for()


@pytest.mark.parametrize("path", ["models", "library"])
def test_jobs_that_are_never_told_hold_nothing_up(page: Any, server: Server, path: str) -> None:
    page.clock.install()
    held = Held(page, "**/api/jobs")
    page.goto(f"{server.address}/{path}")
    held.wait()
    words = page.get_by_text("No training yet." if path == "models" else "What is read or paired is told here.")
    eventually(words.count, 1, pause=lambda _: page.clock.fast_forward(5_000))


def test_what_could_be_read_once_stays_when_it_cannot_be_read_anew(page: Any, server: Server) -> None:
    page.goto(f"{server.address}/taste")
    page.locator("[data-line='rule:tables']").or_(page.locator("[data-line^='rule:']")).first.wait_for()
    page.route("**/api/rules", lambda route: route.fulfill(status=404, json={"message": "Not now.", "hint": "", "problems": []}))
    ask(server, "/api/rules", {"text": "No footnotes"})
    page.locator(".notice.wrong").get_by_text("Not now.").wait_for()
    assert page.locator("[data-line^='rule:']").count() == 1


def test_rules_are_there_while_the_taste_is_being_learnt(page: Any, server: Server) -> None:
    held = Held(page, "**/api/taste")
    page.goto(f"{server.address}/taste")
    rules = page.get_by_role("list", name="Rules", exact=True)
    rules.get_by_role("button", name="Edit").first.wait_for()
    page.get_by_text("Learning it from your choices").wait_for()
    page.evaluate(WATCH)
    page.get_by_label("A new rule, in your own words").fill("No emoji")
    page.keyboard.press("Enter")
    page.get_by_text("It is a rule now.").wait_for()  # which says nothing of the taste
    rules.get_by_text("No emoji").wait_for()
    page.evaluate(f"() => {{ window.wrong.length = 0; ({WATCH})() }}")  # the new one took room
    held.go_on()
    page.get_by_role("list", name="Beliefs", exact=True).wait_for()
    assert page.evaluate("() => window.wrong") == []
