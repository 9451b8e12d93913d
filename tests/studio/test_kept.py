"""What the person typed and judged is not lost, not told otherwise than it is, and not taken for something else: in Chromium, on a small
world whose writer needs no model."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

import small_world
from notewright.library import Library
from served import ScriptedEngines
from walks import Server, ask, events, eventually

from .helpers import Slow, written

pytestmark = pytest.mark.browser
BUSY = {"message": "The library is in use by another process.", "hint": "Wait for it to finish and try again.", "problems": []}
things = itertools.cycle(small_world.THINGS[2:])  # judgements are of a batch, so that tests may share a source


@pytest.fixture(scope="module")
def engines() -> ScriptedEngines:
    engines = ScriptedEngines()
    engines.writer = Slow()
    return engines


@pytest.fixture(scope="module")
def server(small_server: Server) -> Server:
    return small_server


@pytest.fixture
def batch(server: Server) -> dict:
    return written(server, next(things))


@pytest.fixture
def ids(page: Any, server: Server, batch: dict) -> list[str]:
    """The batch is shown; ids of the drafts in the order of the cards."""
    show(page, server, batch)
    return page.evaluate("() => JSON.parse(localStorage.getItem('notewright:shown:' + new URLSearchParams(location.search).get('batch')))")


def show(page: Any, server: Server, batch: dict) -> None:
    page.goto(f"{server.address}/draft?" + urlencode({"source": batch["source_id"], "chapter": batch["chapter"], "batch": batch["id"]}))
    drawn(page)


def drawn(page: Any) -> None:
    page.wait_for_function("() => [...document.querySelectorAll('.card .reading')].filter(one => one.children.length).length === 3")


def write_at_end(page: Any, words: str) -> None:
    page.locator(".cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.type(words)


def of_batch(server: Server, batch: dict, kind: str) -> list[Any]:
    subjects = {batch["id"], *(draft["id"] for draft in batch["drafts"])}
    return [event for event in events(server, kind) if event.subject in subjects]


def header(page: Any, words: str) -> None:
    page.locator(".page p[aria-live]").get_by_text(words, exact=True).first.wait_for()


def refuse(page: Any, path: str, status: int = 423) -> None:
    page.route(path, lambda route: route.fulfill(status=status, json=BUSY))


def test_an_edit_is_of_the_draft_whose_editor_was_opened(page: Any, server: Server, batch: dict, ids: list[str]) -> None:
    cards = page.locator(".card")
    page.keyboard.press("e")
    write_at_end(page, "Words for the first")
    cards.nth(1).locator(".text").click()
    write_at_end(page, " and more")
    page.keyboard.press("Control+Enter")
    page.locator(".card .chip").wait_for()
    eventually(lambda: [event.subject for event in of_batch(server, batch, "edit")], [ids[0]])
    assert of_batch(server, batch, "edit")[0].payload["final_text"].endswith("Words for the first and more")
    assert cards.nth(0).locator(".chip").count() == 1


def test_another_card_s_editor_has_that_card_s_text_and_loses_nothing(page: Any, server: Server, batch: dict, ids: list[str]) -> None:
    edit = page.locator(".card").get_by_role("button", name="Edit")
    page.keyboard.press("e")
    write_at_end(page, "Words for the first")
    edit.nth(2).click()
    page.locator(".cm-content").get_by_text("Words for the first").wait_for(state="detached")
    write_at_end(page, "Words for the third")
    edit.nth(0).click()
    page.locator(".cm-content").get_by_text("Words for the first").wait_for()
    edit.nth(2).click()
    page.locator(".cm-content").get_by_text("Words for the third").wait_for()
    page.keyboard.press("Control+Enter")
    eventually(lambda: [event.subject for event in of_batch(server, batch, "edit")], [ids[2]])


def test_on_a_phone_the_editor_comes_into_sight_and_the_card_afterwards(page: Any, ids: list[str]) -> None:
    page.set_viewport_size({"width": 390, "height": 600})
    card = page.locator(".card").last
    edit = card.get_by_role("button", name="Edit")
    edit.scroll_into_view_if_needed()
    assert page.evaluate("() => scrollY") > 300
    edit.click()
    page.locator(".cm-content").wait_for()
    top = page.locator(".cm-editor").evaluate("(one) => one.getBoundingClientRect().top")
    assert -5 < top < 500
    page.keyboard.type("More ")
    page.get_by_role("button", name="Save the edit of 3").click()
    card.get_by_text("edited").wait_for()
    assert card.get_by_text("edited").evaluate(
        "(one) => one.getBoundingClientRect().bottom <= innerHeight && one.getBoundingClientRect().top >= 0"
    )


def test_what_was_typed_and_left_is_no_edit(page: Any, server: Server, batch: dict, ids: list[str]) -> None:
    page.keyboard.press("e")
    write_at_end(page, "Begun and left")
    page.keyboard.press("Escape")
    page.reload()
    drawn(page)
    assert page.locator(".card .chip").count() == 0
    assert "Begun and left" not in page.locator(".cards").inner_text()
    page.keyboard.press("e")
    page.locator(".cm-content").get_by_text("Begun and left").wait_for()
    assert of_batch(server, batch, "edit") == []


def test_what_a_busy_library_cannot_take_is_kept_and_sent_again(page: Any, server: Server, batch: dict, ids: list[str]) -> None:
    refuse(page, "**/api/comments")
    refuse(page, "**/ranking")
    page.keyboard.press("c")
    page.get_by_role("group", name="Comment").get_by_role("button").first.wait_for()
    page.keyboard.type("Long thought over, ärgerlich x 0")  # shortcuts of the page among the letters
    assert page.get_by_label("Comment in your own words").input_value() == "Long thought over, ärgerlich x 0"
    page.keyboard.press("Enter")
    page.locator(".notice.wrong").get_by_text("The library is in use").wait_for()
    for key in "123":
        page.keyboard.press(key)
    page.get_by_text("it is sent again").wait_for()
    page.wait_for_timeout(1000)
    assert page.get_by_text("Comment kept.").count() == 0
    header(page, "…")
    assert page.get_by_role("button", name="Keep this order").is_enabled()
    page.keyboard.press("u")
    page.get_by_text("it can be undone when it is").wait_for()
    page.unroute("**/api/comments")
    page.unroute("**/ranking")
    page.get_by_text("Comment kept.").wait_for()
    header(page, "kept")
    assert [event.payload["order"] for event in of_batch(server, batch, "ranking")] == [[[item] for item in ids]]
    assert [event.payload["comment"] for event in of_batch(server, batch, "comment")] == ["Long thought over, ärgerlich x 0"]
    assert page.get_by_text("it is sent again").count() == 0


def test_a_comment_begun_or_refused_is_there_again(page: Any, server: Server, batch: dict, ids: list[str]) -> None:
    words = page.get_by_label("Comment in your own words")
    page.keyboard.press("c")
    words.fill("Half a comment")
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    assert words.input_value() == "Half a comment"
    refuse(page, "**/api/comments", 422)
    words.press("Enter")
    page.locator(".notice.wrong").first.wait_for()
    page.keyboard.press("c")
    assert words.input_value() == "Half a comment"
    page.unroute("**/api/comments")
    words.press("Enter")
    page.get_by_text("Comment kept.").wait_for()
    page.keyboard.press("c")
    assert words.input_value() == ""
    assert len(of_batch(server, batch, "comment")) == 1


def test_a_ranking_that_was_not_sent_goes_after_a_reload(page: Any, server: Server, batch: dict, ids: list[str]) -> None:
    page.keyboard.press("2")
    page.wait_for_timeout(900)
    page.context.set_offline(True)  # nothing is sent on leaving
    page.evaluate("() => sessionStorage.clear()")
    page.context.set_offline(False)
    kept = page.evaluate(f"() => localStorage.getItem('notewright:ranking:{batch['id']}')")
    assert json.loads(kept)["saved"] is False
    page.reload()
    drawn(page)
    header(page, "…")
    assert page.get_by_role("button", name="Keep this order").is_enabled()
    page.keyboard.press("1")
    page.keyboard.press("3")
    page.reload()  # before it was sent
    drawn(page)
    header(page, "kept")
    assert of_batch(server, batch, "ranking")[-1].payload["order"] == [[ids[1]], [ids[0]], [ids[2]]]


def test_what_was_undone_is_not_shown_as_kept(page: Any, server: Server, batch: dict, ids: list[str]) -> None:
    for key in "123":
        page.keyboard.press(key)
    header(page, "kept")
    page.keyboard.press("0")
    eventually(lambda: len(of_batch(server, batch, "decision")), 1)
    header(page, "kept")
    page.keyboard.press("u")
    header(page, "1 > 2 > 3")
    page.keyboard.press("u")
    header(page, "Which is best? Press its number, best first.")
    page.keyboard.press("e")
    write_at_end(page, "Once")
    page.keyboard.press("Control+Enter")
    page.locator(".card .chip").wait_for()
    eventually(lambda: len(of_batch(server, batch, "edit")), 1)
    page.keyboard.press("u")
    page.locator(".card .chip").wait_for(state="detached")
    page.reload()
    drawn(page)
    assert page.locator(".card .chip").count() == 0
    header(page, "Which is best? Press its number, best first.")
    for key in "123":
        page.keyboard.press(key)
    header(page, "kept")
    assert len(of_batch(server, batch, "ranking")) == 2


def test_a_second_tab_sees_what_the_first_one_judged_and_edited(page: Any, server: Server, batch: dict, ids: list[str]) -> None:
    other = page.context.new_page()
    show(other, server, batch)
    for key in "321":
        page.keyboard.press(key)
    header(page, "kept")
    header(other, "3 > 2 > 1")
    header(other, "kept")
    page.keyboard.press("e")
    write_at_end(page, "From the first tab")
    page.keyboard.press("Control+Enter")
    other.locator(".card .reading").get_by_text("From the first tab").wait_for()
    edited = other.locator(".card").filter(has_text="From the first tab")
    edited.get_by_role("button", name="Accept").click()
    dialog = other.get_by_role("dialog")
    if dialog.get_by_role("button", name="Another note").count() == 0:
        dialog.get_by_label("Search notes").fill("New one")
        dialog.get_by_label("Search notes").press("Enter")
    dialog.get_by_role("region", name="Change of the note").get_by_text("From the first tab").wait_for()
    assert len(of_batch(server, batch, "ranking")) == 1, "it is sent by the tab in which it was made"


def test_keys_work_after_a_click_on_a_highlight_s_box(page: Any, ids: list[str]) -> None:
    page.get_by_role("list", name="Highlights").get_by_role("checkbox").nth(1).click()
    page.keyboard.press("2")
    header(page, "2")


def test_unchecked_highlights_stay_so(page: Any, server: Server, ids: list[str]) -> None:
    boxes = page.get_by_role("list", name="Highlights").get_by_role("checkbox")
    boxes.nth(1).click()
    with page.expect_response("**/api/sources/*"):
        pair = ask(server, "/api/pairs?status=proposed")["pairs"][0]
        ask(server, f"/api/pairs/{pair['id']}/decision", {"status": "accepted"})
    page.wait_for_timeout(300)
    assert [box.is_checked() for box in boxes.all()] == [True, False, True]


def test_after_a_stop_stands_what_stood_there_before(
    page: Any, server: Server, batch: dict, ids: list[str], engines: ScriptedEngines
) -> None:
    engines.writer.go_on.clear()
    try:
        page.keyboard.press("g")
        page.get_by_role("button", name="Stop").click()
        drawn(page)
        page.goto(f"{server.address}/draft?" + urlencode({"source": batch["source_id"], "chapter": "Troubles"}))
        page.get_by_text("No candidates yet").wait_for()
        page.keyboard.press("g")
        page.get_by_role("button", name="Stop").click()
        page.get_by_text("No candidates yet").wait_for()
        assert page.locator(".card").count() == 0
    finally:
        engines.writer.go_on.set()


def test_what_is_typed_on_the_taste_page_is_left_alone(page: Any, server: Server, batch: dict) -> None:
    ask(server, "/api/rules", {"text": "No more than five bullets"})
    page.goto(f"{server.address}/taste")
    page.get_by_role("list", name="Rules", exact=True).get_by_role("button", name="Edit").first.click()
    field = page.get_by_label("The rule, in your own words")
    assert field.input_value() == "No more than five bullets"
    field.fill("No more than four")
    with page.expect_response("**/api/rules"):
        ask(server, "/api/comments", {"draft_id": batch["drafts"][0]["id"], "text": "Hm", "chips": []})
    page.wait_for_timeout(300)
    assert field.input_value() == "No more than four"
    page.keyboard.press("Escape")
    page.get_by_role("list", name="Beliefs").get_by_role("button", name="about").first.click()
    number = page.get_by_label("about")
    assert number.input_value() != ""
    number.fill("123")
    with page.expect_response("**/api/rules"):
        ask(server, "/api/comments", {"draft_id": batch["drafts"][1]["id"], "text": "Hm", "chips": []})
    page.wait_for_timeout(300)
    assert number.input_value() == "123"


def test_every_note_of_a_large_vault_is_found(page: Any, server: Server, batch: dict, ids: list[str]) -> None:
    """As if the list that comes at once ended after one note."""
    page.route("**/api/notes?*limit=1000*", lambda route: route.continue_(url=route.request.url.replace("limit=1000", "limit=1")))
    page.keyboard.press("a")
    dialog = page.get_by_role("dialog")
    field = dialog.get_by_label("Search notes")
    field.fill("rivers")
    field.press("Enter")  # before the answer
    dialog.get_by_text("Notes/Rivers.md", exact=True).wait_for()
    dialog.get_by_role("button", name="Another note").click()
    field.fill("Rivers.md")
    rows = dialog.get_by_role("list", name="Notes").get_by_role("listitem")
    rows.filter(has_text="Notes/Rivers.md").wait_for()
    assert [text.splitlines()[0] for text in rows.all_inner_texts()] == ["Notes/Rivers.md"], (
        "no new note is offered in the place of one that is there"
    )


def test_a_refused_token_stays_in_its_field(page: Any, server: Server) -> None:
    page.goto(f"{server.address}/library")
    page.route("**/api/readwise-token", lambda route: route.fulfill(status=424, json=BUSY))
    field = page.get_by_label("Readwise token")
    field.fill("abcdef")
    field.press("Enter")
    page.locator(".notice.wrong").wait_for()
    assert field.input_value() == "abcdef"


def test_who_stood_in_is_said_and_not_whose_card_is_whose(page: Any, server: Server, batch: dict) -> None:
    with Library.open(server.settings.home) as library:
        drafts = library.drafts.batch(batch["id"])
        version = library.models.add(replace(library.models.get(drafts[0].model_id), id=library.models.new_id()))
        turn = {"turn": {"versions": [version.id]}}
        writers = (version.id, drafts[0].model_id, version.id)
        mixed = library.drafts.new_batch()
        library.drafts.add(
            replace(draft, id="", batch_id=mixed, model_id=writer, sampling=dict(draft.sampling) | turn)
            for draft, writer in zip(drafts, writers, strict=True)
        )
    show(page, server, batch)
    assert page.get_by_text("was asked too").count() == 0
    show(page, server, batch | {"id": mixed})
    page.get_by_text(f"As what {version.id} wrote has problems, the plain base ({drafts[0].model_id}) was asked too.").wait_for()
    assert "model-" not in page.locator(".cards").inner_text()
