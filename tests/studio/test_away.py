"""The server goes away and comes back under an open page, or was away before the page was opened: the page waits for it, tells so, and
goes on where the person was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from walks import Server, ask, events, eventually, serve_sample

from .conftest import needs_browser

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
