"""Cards beside each other, and tabs of one browser, get along: what one brings does not reach into another."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest

import small_world
from notewright.library import Library
from notewright.library.database import now
from notewright.records import Draft
from walks import Server, ask, eventually

from .helpers import HIDE

pytestmark = pytest.mark.browser
TEXT = """- Candidate {0} says it[^1] with <b id="main">its</b> <a href="https://example.org/x">page</a>.

<div class="card">What a web page called a card.</div>

[^1]: What candidate {0} remarks.
"""


@pytest.fixture(scope="module")
def server(small_server: Server) -> Server:
    return small_server


@pytest.fixture
def drafts(page: Any, server: Server, thing: str) -> list[Draft]:
    """A batch that is shown in the page, each with a footnote of its own."""
    page.set_default_timeout(30_000)
    with Library.open(server.settings.home) as library:
        batch = library.drafts.new_batch()
        made = library.drafts.add(
            Draft(
                id="", batch_id=batch, source_id=f"readwise:b-{thing}", chapter="Beginnings", model_id="model-1", text=TEXT.format(place),
                position=place, seed=place, created_at=now(), messages=({"role": "user", "content": "1. A."},),
                highlight_ids=tuple(small_world.highlight_id(thing, 0, number) for number in range(3)),
            )
            for place in range(3)
        )  # fmt: skip
    show(page, server, made)
    return made


def show(page: Any, server: Server, drafts: list[Draft]) -> None:
    query = {"source": drafts[0].source_id, "chapter": "Beginnings", "batch": drafts[0].batch_id}
    page.goto(f"{server.address}/draft?{urlencode(query)}")
    page.wait_for_function("() => document.querySelectorAll('.card .footnotes').length === 3")


def test_a_footnote_leads_to_its_own_cards(page: Any, drafts: list[Draft]) -> None:
    assert (
        page.evaluate("() => [...document.querySelectorAll('[id]')].map(({ id }) => id).filter((id, at, all) => all.indexOf(id) !== at)")
        == []
    )
    for place in range(3):
        card = page.locator(".cards > .card").nth(place)
        card.locator(".footnote-ref a").click()
        reached = page.evaluate("() => document.querySelector(':target')?.closest('.cards > .card')?.getAttribute('aria-label')")
        assert reached == card.get_attribute("aria-label")
        card.locator(".footnote-backref").click()
        assert page.evaluate("() => document.querySelector(':target')?.closest('.cards > .card')?.getAttribute('aria-label')") == reached
    page.go_back()
    assert page.locator(".cards > .card").count() == 3  # the way back leads through the same page


def test_a_link_of_a_note_leaves_the_studio_where_it_is(page: Any, drafts: list[Draft]) -> None:
    link = page.locator(".cards > .card a", has_text="page").first
    assert (link.get_attribute("target"), "noopener" in link.get_attribute("rel")) == ("_blank", True)


def test_a_card_is_dropped_where_it_is_let_go_whatever_the_notes_call_theirs(page: Any, drafts: list[Draft]) -> None:
    cards = page.locator(".cards > .card")
    names = [cards.nth(place).locator(".text p").first.inner_text() for place in range(3)]
    grip, goal = (cards.nth(place).locator("header").bounding_box() for place in (2, 1))
    page.mouse.move(grip["x"] + grip["width"] - 60, grip["y"] + grip["height"] / 2)
    page.mouse.down()
    page.mouse.move(goal["x"] + 20, goal["y"] + goal["height"] / 2, steps=8)
    page.mouse.up()
    page.wait_for_timeout(300)
    assert [cards.nth(place).locator(".text p").first.inner_text() for place in range(3)] == [names[0], names[2], names[1]]


def test_what_was_ranked_can_be_said_no_more(page: Any, server: Server, drafts: list[Draft], thing: str) -> None:
    judged = lambda: ask(server, f"/api/batches/{drafts[0].batch_id}/judged")["order"]  # noqa: E731
    for number in "123":
        page.keyboard.press(number)
    eventually(lambda: len(judged()) == 3, seconds=30)
    page.get_by_text("kept", exact=True).wait_for()
    before = judged()
    for number in "123":
        page.keyboard.press(number)
    page.get_by_text("What you said before is taken back").wait_for()
    page.keyboard.press("u")  # not yet told, and so back as it was
    page.get_by_text("kept", exact=True).wait_for()
    assert judged() == before
    for number in "123":
        page.keyboard.press(number)
    page.keyboard.press("Enter")
    eventually(lambda: judged() == [], seconds=30)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    eventually(lambda: len(judged()) == 1, seconds=30)
    page.keyboard.press("1")
    page.get_by_role("link", name="Queue").click()  # whoever goes on has said it
    eventually(lambda: judged() == [], seconds=30)
    show(page, server, drafts)
    page.get_by_text("Which is best?").wait_for()


def test_a_hidden_tab_leaves_its_connection_to_others(page: Any, server: Server, drafts: list[Draft]) -> None:
    """A browser has six connections for one server, and every open stream takes one."""
    gone = page.context.new_page()
    gone.set_default_timeout(30_000)
    gone.clock.install()
    gone.goto(f"{server.address}/queue")
    streams: list[str] = []
    gone.on("requestfailed", lambda request: streams.append("closed") if request.url.endswith("/api/events") else None)
    gone.on("request", lambda request: streams.append("open") if request.url.endswith("/api/events") else None)
    gone.get_by_role("heading", level=1, name="without a note").wait_for()
    gone.evaluate(HIDE, True)
    gone.clock.run_for(60_000)
    assert streams[-1:] == ["closed"]
    gone.evaluate(HIDE, False)
    gone.wait_for_timeout(500)
    assert streams[-1:] == ["open"]
    assert not gone.get_by_text(re.compile("server is away")).count()


def test_a_tab_that_was_duplicated_does_not_send_again(page: Any, server: Server, drafts: list[Draft]) -> None:
    said = lambda: [event for event in ask(server, "/api/history?limit=1000") if event["event"]["payload"].get("comment") == "Said once."]  # noqa: E731
    page.route("**/api/comments", lambda route: route.abort())
    card = page.locator(".cards > .card").first
    card.get_by_role("button", name="Comment").click()
    card.get_by_role("textbox").fill("Said once.")
    page.keyboard.press("Enter")
    page.wait_for_function("() => sessionStorage.getItem('notewright:outbox')")
    kept = page.evaluate("() => ({ ...sessionStorage })")
    double = page.context.new_page()
    double.add_init_script(
        f"if (!sessionStorage.length) Object.entries({kept!r}).forEach(([name, value]) => sessionStorage.setItem(name, value))"
    )
    double.goto(page.url)
    double.wait_for_function("() => document.querySelectorAll('.card .footnotes').length === 3")
    double.wait_for_timeout(1500)
    assert said() == []  # it belongs to the tab in which it was said
    page.unroute("**/api/comments")
    page.reload()  # which is still the same tab afterwards
    eventually(lambda: len(said()) == 1, seconds=30, pause=lambda seconds: page.wait_for_timeout(1000 * seconds))
    double.reload()
    double.wait_for_timeout(1500)
    assert len(said()) == 1
