"""The server goes away and comes back under an open page, or was away before the page was opened: the page waits for it, tells so, and
goes on where the person was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from walks import Server, ask, events, eventually, serve_sample

from .conftest import needs_browser
from .helpers import choose_note, proposed, serious

pytestmark = [pytest.mark.browser, pytest.mark.slow]
AWAY = "The server is away"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    needs_browser()
    yield from serve_sample(tmp_path_factory.mktemp("away"))


@pytest.fixture(scope="module")
def batch(server: Server) -> dict:
    source = ask(server, "/api/sources?limit=1")["sources"][0]
    chapter = ask(server, f"/api/sources/{source['id']}")["chapters"][0]["chapter"]
    wish = {"source": source["id"], "chapter": chapter, "n": 2, "written": 2, "max_new_tokens": 40, "stream": False}
    return ask(server, "/api/drafts", wish)


@pytest.fixture
def back(server: Server) -> Iterator[Server]:
    """It is there again for the next test, whatever became of this one."""
    yield server
    if not server.process:
        server.start()


def opened(browser: Any, server: Server, **wishes: Any) -> Any:
    context = browser.new_context(**wishes)
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(server.link)
    page.get_by_role("navigation", name="Pages").wait_for()
    return page


def test_a_page_that_is_opened_before_the_server_waits_and_goes_on(browser: Any, back: Server, batch: dict) -> None:
    server = back
    page = opened(browser, server)
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    query = urlencode({"source": batch["source_id"], "chapter": batch["chapter"], "batch": batch["id"]})
    page.goto(f"{server.address}/draft?{query}")
    page.locator(".card .reading > *").first.wait_for()
    server.stop()
    page.get_by_text(AWAY).wait_for()
    page.keyboard.press("c")
    words = page.get_by_label("Comment in your own words")
    words.fill("Sent while it was away")
    words.press("Enter")
    page.keyboard.press("c")
    words.fill("Half a comment")
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    page.locator(".cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.type(" And more words")
    page.reload()
    page.get_by_text(AWAY).wait_for()
    page.get_by_role("link", name="Queue").click()  # its code is kept, too
    page.get_by_role("heading", level=1, name="Queue").wait_for()
    page.go_back()
    server.start()
    page.locator(".card .reading > *").first.wait_for()
    page.get_by_text(AWAY).wait_for(state="detached")
    assert page.url.endswith(query)
    assert page.locator(".notice.wrong").count() == 0
    eventually(lambda: [event.payload["comment"] for event in events(server, "comment")], ["Sent while it was away"])
    page.keyboard.press("c")
    assert words.input_value() == "Half a comment"
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    page.locator(".cm-content").get_by_text("And more words").wait_for()
    page.context.close()


@pytest.mark.parametrize(
    "pages",
    [
        {"draft": ".waiting", "queue": ".waiting", "pairs": "mark"},
        {"taste": "tbody td >> nth=1", "models": "tbody b", "library": "[aria-label='Sources found'] button"},
    ],
)
def test_every_page_fills_by_itself_when_the_server_is_back(browser: Any, back: Server, pages: dict[str, str]) -> None:
    server = back
    page = opened(browser, server)
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    server.stop()
    tabs = {path: page.context.new_page() for path in pages}  # few enough for the connections that a browser has
    for path, tab in tabs.items():
        tab.goto(f"{server.address}/{path}")
        tab.get_by_text(AWAY).wait_for()
    server.start()
    for path, tab in tabs.items():
        tab.locator(pages[path]).first.wait_for()
    page.context.close()


def test_a_page_whose_code_was_never_loaded_opens_when_the_server_is_back(browser: Any, back: Server) -> None:
    """As where the browser keeps no files: at an address of the local network without encryption."""
    server = back
    page = opened(browser, server, service_workers="block")
    server.stop()
    page.get_by_text(AWAY).wait_for()
    page.get_by_role("link", name="Queue").click()
    page.get_by_text("This page opens when the server is back.").wait_for()
    with page.expect_request("**/api/events"):
        page.get_by_role("button", name="Ask now").click()  # in vain, for now
    server.start()
    page.locator(".waiting").first.wait_for()
    page.context.close()


@pytest.mark.parametrize("times", [1, 2])
def test_a_page_whose_code_did_not_come_while_the_server_stands_is_loaded_anew_once(browser: Any, server: Server, times: int) -> None:
    page = opened(browser, server, service_workers="block")
    page.get_by_role("combobox", name="Search sources").wait_for()
    loaded = [1]
    page.on("request", lambda request: loaded.append(1) if request.is_navigation_request() else None)

    def answer(route: Any) -> None:
        route.fulfill(status=500) if len(loaded) <= times else route.continue_()

    page.route(re.compile(r"/assets/QueuePage.*\.js"), answer)
    page.get_by_role("link", name="Queue").click()
    if times > 1:
        page.get_by_text("This page could not be loaded.").wait_for()
        page.wait_for_timeout(1000)
        assert len(loaded) == 2, "once is enough"
        page.get_by_role("button", name="Try again").click()
    page.locator(".waiting").first.wait_for()
    assert (len(loaded), page.url) == (times + 1, f"{server.address}/queue")
    page.context.close()


def on_the_draft(browser: Any, server: Server, batch: dict) -> Any:
    page = opened(browser, server)
    query = urlencode({"source": batch["source_id"], "chapter": batch["chapter"], "batch": batch["id"]})
    page.goto(f"{server.address}/draft?{query}")
    page.locator(".card .reading > *").first.wait_for()
    return page


def ready(page: Any, name: str) -> Any:
    """The button that writes the first card into a new note, once it can be pressed."""
    page.keyboard.press("a")
    dialog = choose_note(page, name)
    if (force := dialog.get_by_label("write it all the same")).count():
        force.check()
    button = dialog.get_by_role("button", name="Write it")
    button.and_(page.locator(":enabled")).wait_for()
    return button


def note_of(server: Server, name: str) -> Path:
    assert server.settings.vault
    return next(server.settings.vault.rglob(f"{name}.md"), server.settings.vault / f"{name}.md")


def test_an_accept_that_did_not_arrive_is_told_and_takes_one_press_more(browser: Any, back: Server, batch: dict) -> None:
    server = back
    page = on_the_draft(browser, server, batch)
    button = ready(page, "Not Written")
    server.stop()
    button.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("alert").get_by_text("has not said that it wrote anything").wait_for()
    assert serious(page) == []
    server.start()
    dialog.get_by_role("alert").get_by_text("has not written it").wait_for()
    assert not note_of(server, "Not Written").exists()
    assert events(server, "insertion") == []
    button.and_(page.locator(":enabled")).click()
    dialog.wait_for(state="detached")
    eventually(lambda: len(events(server, "insertion")), 1)
    assert note_of(server, "Not Written").is_file()
    ask(server, "/api/undo", {})
    page.context.close()


def test_an_accept_whose_answer_was_lost_is_found_and_not_made_twice(browser: Any, back: Server, batch: dict) -> None:
    server = back
    before = len(events(server, "insertion"))
    page = on_the_draft(browser, server, batch)
    button = ready(page, "Written Once")

    def swallow(route: Any) -> None:
        route.fetch()
        route.abort()

    page.route("**/accept", swallow)
    button.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("alert").get_by_text("has not said that it wrote anything").wait_for()
    text = note_of(server, "Written Once").read_bytes()
    server.stop()
    server.start()
    dialog.wait_for(state="detached")
    page.get_by_text(re.compile("Written into .*Written Once.md, before the server went away")).wait_for()
    page.locator(".card").first.get_by_text("in Written Once").wait_for()
    assert (len(events(server, "insertion")), note_of(server, "Written Once").read_bytes()) == (before + 1, text)
    ask(server, "/api/undo", {})
    page.context.close()


def test_a_decision_on_a_pair_that_did_not_arrive_is_not_shown_as_made(browser: Any, back: Server) -> None:
    server = back
    page = opened(browser, server)
    page.goto(f"{server.address}/pairs")
    page.locator("mark").first.wait_for()
    shown = page.locator(".told").inner_text()
    first = proposed(server)[0]
    server.stop()
    page.get_by_text(AWAY).wait_for()
    page.keyboard.press("a")
    page.get_by_text("this may not be done").wait_for()
    assert page.locator(".told").inner_text() == shown
    server.start()
    page.get_by_text(AWAY).wait_for(state="detached")
    assert page.get_by_text("this may not be done").count(), "it is not gone before it could be read"
    assert (proposed(server)[0], events(server, "pair")) == (first, [])
    page.keyboard.press("a")
    page.get_by_text("Accepted.").wait_for()
    assert [event.subject for event in events(server, "pair")] == [first]
    page.context.close()


def test_a_decision_on_a_pair_whose_answer_was_lost_is_seen_to_count(browser: Any, back: Server) -> None:
    server = back
    page = opened(browser, server)
    page.goto(f"{server.address}/pairs")
    page.locator("mark").first.wait_for()
    before, (first, second) = events(server, "pair"), proposed(server)[:2]
    page.route("**/api/pairs/*/decision", lambda route: (route.fetch(), route.abort()))
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/decision")):
        page.keyboard.press("x")
    page.get_by_text("this may not be done").wait_for()
    page.unroute("**/api/pairs/*/decision")
    place = ask(server, f"/api/pairs/{second}")["pair"]["note_path"]
    page.locator(".told").get_by_text(place).wait_for()
    server.stop()
    server.start()
    page.get_by_text(AWAY).wait_for(state="detached")
    assert [event.subject for event in events(server, "pair")[len(before) :]] == [first]
    page.context.close()


def test_a_rule_that_did_not_arrive_stays_in_its_field_and_counts_once(browser: Any, back: Server) -> None:
    server = back
    page = opened(browser, server)
    page.goto(f"{server.address}/taste")
    field = page.get_by_label("A new rule, in your own words")
    field.fill("No more than four bullets")
    server.stop()
    page.get_by_text(AWAY).wait_for()
    field.press("Enter")
    page.get_by_text("this may not be done").wait_for()
    server.start()
    page.get_by_text(AWAY).wait_for(state="detached")
    assert (field.input_value(), ask(server, "/api/rules")["confirmed"]) == ("No more than four bullets", [])
    page.route("**/api/rules", lambda route: (route.fetch(), route.abort()) if route.request.method == "POST" else route.continue_())
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/api/rules")):
        field.press("Enter")
    assert len(events(server, "rule")) == 1
    page.unroute("**/api/rules")
    field.press("Enter")
    page.get_by_text("already").first.wait_for()
    assert len(events(server, "rule")) == 1
    page.context.close()
