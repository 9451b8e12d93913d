"""The draft page from the search box to the note and back, by keyboard, in Chromium."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from notewright.library import Library
from walks import WRITING, ask, events, eventually

from .helpers import serious

pytestmark = pytest.mark.browser
TITLE = "What Moss Knows About Cities"
NOTE = "Notes/Articles/What Moss Knows About Cities.md"


def choose(page: Any, title: str = TITLE) -> None:
    page.keyboard.press("/")
    page.keyboard.type(title[:12])
    page.get_by_role("option", name=re.compile(re.escape(title))).wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=1, name=title).wait_for()
    page.get_by_role("list", name="Highlights").get_by_role("listitem").first.wait_for()


def write(page: Any, count: int = 3) -> None:
    page.get_by_label("Number of candidates").select_option(str(count))
    page.locator("main").click(position={"x": 2, "y": 2})
    page.keyboard.press("g")
    page.wait_for_url(re.compile("batch="), timeout=1000 * WRITING)
    there = "n => document.querySelectorAll('.card .badge:not(:disabled)').length >= n"
    page.wait_for_function(there, arg=min(count, 2), timeout=1000 * WRITING)


@pytest.fixture(scope="module")
def written(server: Any) -> dict:
    """Candidates written once for the tests that only need some."""
    source = ask(server, "/api/sources?q=what+moss+knows")["sources"][0]
    chapter = ask(server, f"/api/sources/{source['id']}")["chapters"][0]["chapter"]
    wish = {"source": source["id"], "chapter": chapter, "n": 3, "stream": False, "seed": 3, "max_new_tokens": 120, "examples": 2}
    return ask(server, "/api/drafts", wish)


@pytest.fixture
def batch(server: Any, written: dict) -> dict:
    """The same candidates as a batch of the test's own: how it was judged is shown wherever it is opened."""
    with Library.open(server.settings.home) as library:
        mine = library.drafts.new_batch()
        library.drafts.add([replace(draft, id="", batch_id=mine) for draft in library.drafts.batch(written["id"])])
    return ask(server, f"/api/batches/{mine}")


def show(page: Any, server: Any, batch: dict) -> None:
    page.goto(f"{server.address}/draft?" + urlencode({"source": batch["source_id"], "chapter": batch["chapter"], "batch": batch["id"]}))
    page.locator(".card").nth(len(batch["drafts"]) - 1).wait_for()
    page.wait_for_function("() => [...document.querySelectorAll('.card .reading')].every(one => one.children.length)")


def shown(page: Any) -> list[str]:
    """Ids of the drafts in the order of the cards."""
    return page.evaluate("() => JSON.parse(localStorage.getItem('notewright:shown:' + new URLSearchParams(location.search).get('batch')))")


def test_search_write_rank_accept_undo_by_keyboard(page: Any, server: Any) -> None:
    choose(page)
    write(page)
    ids = shown(page)
    cards = page.locator(".card")
    assert cards.count() == len(ids) >= 2
    page.wait_for_function("() => [...document.querySelectorAll('.card .reading')].every(one => one.children.length)")
    for key in ("2", "1", *(str(number + 1) for number in range(2, len(ids)))):
        page.keyboard.press(key)
    eventually(lambda: events(server, "ranking")[-1].payload["order"], [[ids[1]], [ids[0]], *([item] for item in ids[2:])])
    assert events(server, "ranking")[-1].payload["seconds"] > 0
    note = Path(server.settings.vault) / NOTE
    before = note.read_bytes()
    page.keyboard.press("2")  # leaves its place; the card stays in focus
    page.keyboard.press("a")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=NOTE).or_(dialog.get_by_text(NOTE, exact=True)).first.wait_for()
    if dialog.get_by_label("Search notes").count():
        dialog.get_by_label("Search notes").fill("moss knows")
        page.keyboard.press("Enter")
    region = dialog.get_by_role("region", name="Change of the note")
    force = dialog.get_by_label("write it all the same")
    region.or_(force).first.wait_for()
    region.wait_for()
    assert note.read_bytes() == before
    assert serious(page) == []
    button = dialog.get_by_role("button", name="Write it")
    page.wait_for_timeout(200)
    if force.count():  # the checks found a problem
        assert button.is_disabled()
        force.check()
    button.click()
    page.get_by_text(f"Written into {NOTE}.").wait_for()
    assert note.read_bytes() != before
    page.keyboard.press("u")
    page.get_by_text(re.compile("Taken back")).wait_for()
    assert page.locator(".notice").get_by_role("button", name="Undo").count() == 0, "it is done"
    assert hashlib.sha256(note.read_bytes()).digest() == hashlib.sha256(before).digest()
    # Meanwhile the next chapter was prepared: its candidates are there when the person gets there.
    newest = lambda: ask(server, "/api/batches?limit=1&unseen=true")["batches"][0]  # noqa: E731
    pause = lambda seconds: page.wait_for_timeout(1000 * seconds)  # noqa: E731
    eventually(lambda: newest()["id"] not in page.url, seconds=WRITING, pause=pause)
    ahead = newest()
    listed = lambda: ahead["id"] in [row["id"] for row in ask(server, "/api/batches")["batches"]]  # noqa: E731
    assert not listed(), "nobody has seen it"
    page.goto(f"{server.address}/draft?" + urlencode({"source": ahead["source_id"], "chapter": ahead["chapter"]}))
    page.wait_for_url(re.compile(f"batch={ahead['id']}"))
    page.locator(".card .reading > *").first.wait_for()
    eventually(listed, pause=pause)


def test_too_little_memory_is_said_and_less_is_offered(page: Any, server: Any) -> None:
    error = {"status": 424, "message": "The memory does not suffice for this draft.", "hint": "Ask for fewer.", "problems": []}
    told = json.dumps({**error, "offer": {"n": 1, "written": 1, "max_new_tokens": 64}})
    wishes: list[dict] = []

    def refuse(route: Any) -> None:
        wishes.append(route.request.post_data_json)
        route.fulfill(content_type="text/event-stream", body=f"event: error\ndata: {told}\n\n")

    page.route("**/api/drafts", refuse)
    choose(page)
    page.keyboard.press("g")
    page.locator(".notice.wrong").get_by_text("The memory does not suffice").wait_for()
    page.get_by_role("button", name="Write one, shorter").click()
    page.wait_for_function("() => document.querySelectorAll('.notice.wrong').length === 1")
    assert [(wish["n"], wish.get("max_new_tokens")) for wish in wishes][:2] == [(3, None), (1, 64)]


def test_ties_reject_and_all_rejected(page: Any, server: Any, batch: dict) -> None:
    show(page, server, batch)
    ids = shown(page)
    for key in ("3", "=", "1"):
        page.keyboard.press(key)
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.get_by_text("kept", exact=True).wait_for()
    eventually(lambda: events(server, "ranking")[-1].payload["order"], [[ids[2], ids[0]]])
    assert events(server, "ranking")[-1].payload["rejected"] == [ids[1]]
    page.keyboard.press("0")
    page.wait_for_function("() => document.querySelectorAll('.card.rejected').length === 3")
    eventually(lambda: events(server, "decision")[-1].payload["decision"], "reject_all")


def test_dragging_ranks(page: Any, server: Any, batch: dict) -> None:
    show(page, server, batch)
    ids = shown(page)
    page.get_by_role("button", name="None").click()
    for key in "123":
        page.keyboard.press(key)
    page.locator(".card header").nth(2).drag_to(
        page.locator(".card").nth(0), source_position={"x": 120, "y": 10}, target_position={"x": 8, "y": 60}
    )
    eventually(lambda: events(server, "ranking")[-1].payload["order"], [[ids[2]], [ids[0]], [ids[1]]])


def test_hovering_a_sentence_lights_its_highlights(page: Any, server: Any, batch: dict) -> None:
    best = max(batch["drafts"], key=lambda item: len(rests(server, item)))
    assert rests(server, best), "no sentence of these drafts rests on a highlight"
    show(page, server, batch)
    page.keyboard.press(str(shown(page).index(best["id"]) + 1))
    for _ in range(20):
        page.keyboard.press("s")
        if page.locator("[data-highlight].lit").count():
            break
    assert page.locator("[data-highlight].lit").count()
    assert page.evaluate("() => CSS.highlights.get('sentence').size > 0 && CSS.highlights.get('rests').size > 0")
    spot = page.evaluate(
        "() => { const box = [...CSS.highlights.get('sentence')][0].getBoundingClientRect(); return [box.x + 12, box.y + 8] }"
    )
    page.mouse.move(2, 2)
    page.mouse.move(*spot)
    assert page.locator("[data-highlight].lit").count()


def rests(server: Any, draft: dict) -> list[dict]:
    body = {"text": draft["text"], "highlight_ids": draft["highlight_ids"]}
    return [span for span in ask(server, "/api/provenance", body) if span["rests"]]


def test_edit_in_place_with_a_word_diff(page: Any, server: Any, batch: dict) -> None:
    show(page, server, batch)
    page.keyboard.press("1")
    page.keyboard.press("e")
    page.locator(".cm-content").wait_for()
    page.keyboard.press("Control+Home")
    page.keyboard.type("Written by hand. ")
    assert "Written by hand." in page.get_by_label("Changes against the draft").locator("ins").first.inner_text()
    assert serious(page) == []
    page.keyboard.press("Control+Enter")
    page.locator(".card .reading").get_by_text("Written by hand.").first.wait_for()
    eventually(lambda: events(server, "edit")[-1].payload["final_text"].startswith("Written by hand. "))
    page.reload()
    page.locator(".card .reading").get_by_text("Written by hand.").first.wait_for()


def test_comment_chips_and_raw_text(page: Any, server: Any, batch: dict) -> None:
    show(page, server, batch)
    page.keyboard.press("j")
    page.keyboard.press("c")
    page.get_by_role("group", name="Comment").get_by_role("button", name="too long").wait_for()
    page.keyboard.press("1")
    page.get_by_label("Comment in your own words").fill("<img src=x onerror=alert(1)>")
    page.keyboard.press("Enter")
    page.get_by_text("Comment kept.").wait_for()
    eventually(lambda: len(events(server, "comment")), 1)
    payload = events(server, "comment")[-1].payload
    assert (payload["chips"], payload["comment"]) == (["too long"], "<img src=x onerror=alert(1)>")
    page.keyboard.press("r")
    assert page.locator(".card pre").count() == 3


def test_after_a_comment_the_keyboard_goes_on_at_its_card(page: Any, server: Any, batch: dict) -> None:
    show(page, server, batch)
    second = page.get_by_role("article", name="Candidate 2")
    words, button = page.get_by_label("Comment in your own words"), second.get_by_role("button", name="Comment")
    at = lambda place: eventually(lambda: place.evaluate("item => item === document.activeElement"), True)  # noqa: E731
    for end in ("Enter", "Escape"):
        page.keyboard.press("j") if end == "Enter" else None
        page.keyboard.press("c")
        words.fill("Well said")
        page.keyboard.press(end)
        at(second)
        assert words.count() == 0
    page.keyboard.press("Tab")
    at(second.get_by_role("button", name="Rank candidate 2"))
    page.keyboard.press("k")
    button.focus()
    page.keyboard.press("Enter")  # what was begun is there again
    page.get_by_role("group", name="Comment").get_by_role("button", name="Keep").press("Enter")
    at(button)
    page.keyboard.press("x")
    second.get_by_text("rejected").wait_for()
    eventually(lambda: [event.subject for event in events(server, "comment")][-2:], [shown(page)[1]] * 2)


def test_after_an_edit_the_keyboard_goes_on_at_its_card(page: Any, server: Any, batch: dict) -> None:
    show(page, server, batch)
    second = page.get_by_role("article", name="Candidate 2")
    editor, button = page.get_by_label("The candidate's Markdown"), second.get_by_role("button", name="Edit")
    at = lambda place: eventually(lambda: place.evaluate("item => item === document.activeElement"), True)  # noqa: E731
    page.keyboard.press("j")
    for end in ("Escape", "Control+Enter"):
        page.keyboard.press("e")
        editor.wait_for()
        page.keyboard.type("More. ")
        page.keyboard.press(end)
        at(second)
        assert editor.count() == 0
    button.focus()
    page.keyboard.press("Enter")
    editor.wait_for()
    page.get_by_role("button", name="Leave").press("Enter")
    at(button)


def test_a_note_changed_meanwhile_is_shown_not_overwritten(page: Any, server: Any, batch: dict) -> None:
    note = Path(server.settings.vault) / NOTE
    before = note.read_bytes()
    show(page, server, batch)
    page.keyboard.press("1")
    page.keyboard.press("a")
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(NOTE).first.wait_for()
    if dialog.get_by_label("Search notes").count():
        dialog.get_by_label("Search notes").fill("moss knows")
        page.keyboard.press("Enter")
    dialog.get_by_role("region", name="Change of the note").wait_for()
    changed = before + b"\nA line written in Obsidian.\n"
    note.write_bytes(changed)
    button = dialog.get_by_role("button", name="Write it")
    force = dialog.get_by_label("write it all the same")
    if force.count():
        force.check()
    button.click()
    dialog.get_by_text("The note was changed meanwhile").wait_for()
    assert note.read_bytes() == changed
    assert "A line written in Obsidian." in dialog.get_by_role("region", name="Change of the note").inner_text()
    note.write_bytes(before)


def test_the_server_restarts_under_the_page(page: Any, server: Any, batch: dict) -> None:
    show(page, server, batch)
    ids = shown(page)
    server.stop()
    page.get_by_text("The server is away").wait_for()
    for key in "321":
        page.keyboard.press(key)
    page.wait_for_timeout(1000)
    server.start()
    page.get_by_text("The server is away").wait_for(state="detached")
    eventually(lambda: events(server, "ranking")[-1].payload["order"], [[ids[2]], [ids[1]], [ids[0]]])


def test_two_tabs_show_the_same_and_both_work(page: Any, server: Any, batch: dict) -> None:
    show(page, server, batch)
    other = page.context.new_page()
    other.goto(page.url)
    other.wait_for_function("() => [...document.querySelectorAll('.card .reading')].filter(one => one.children.length).length === 3")
    texts = [tab.locator(".card .text").all_inner_texts() for tab in (page, other)]
    assert texts[0] == texts[1]
    ids = shown(page)
    order = lambda: events(server, "ranking")[-1].payload["order"]  # noqa: E731
    other.keyboard.press("2")
    other.keyboard.press("Enter")
    eventually(order, [[ids[1]]])
    page.locator(".card").nth(1).get_by_text("place 1").wait_for()
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    eventually(order, [[ids[1]], [ids[2]]])


SEEN = """() => { // whether the whole list is to be seen: its corners and its middle are its own
  const list = document.getElementById("sources"), box = list.getBoundingClientRect();
  const spots = [0.02, 0.5, 0.98].flatMap(x => [0.02, 0.5, 0.98].map(y => [box.x + x * box.width, box.y + y * box.height]));
  return spots.every(([x, y]) => list.contains(document.elementFromPoint(x, y)));
}"""


@pytest.mark.parametrize("width", [1360, 420])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_sources_found_are_wholly_seen(page: Any, server: Any, batch: dict, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    page.emulate_media(color_scheme=scheme)
    for chosen in (False, True):
        if chosen:
            show(page, server, batch)
        else:
            page.goto(f"{server.address}/draft")
            page.get_by_role("combobox").wait_for()
        page.keyboard.press("/")
        page.keyboard.type("o")
        page.get_by_role("option").nth(3).wait_for()
        assert page.get_by_role("listbox").bounding_box()["height"] > 150
        assert page.evaluate(SEEN)


@pytest.mark.parametrize("by", ["key", "mouse"])
def test_the_keys_are_the_open_dialogs(page: Any, server: Any, batch: dict, by: str) -> None:
    name = f"Opened by {by}"
    show(page, server, batch)
    page.evaluate("() => Object.keys(localStorage).filter(key => key.includes('place:')).forEach(key => localStorage.removeItem(key))")
    page.route("**/api/notes?*", lambda route: route.fulfill(json={"total": 0, "notes": []}))  # none that would be chosen already
    ranked = len(events(server, "ranking"))
    if by == "key":
        page.keyboard.press("j")
        page.keyboard.press("a")
    else:
        page.locator(".card").first.get_by_role("button", name="Accept").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Search notes").wait_for()
    assert page.evaluate("() => document.activeElement.ariaLabel") == "Search notes"
    page.keyboard.type(name + " 12")
    assert dialog.get_by_label("Search notes").input_value() == name + " 12"
    page.keyboard.press("Enter")  # that note
    dialog.get_by_role("region", name="Change of the note").wait_for()
    for key in (" ", "1", "x", "0", "g", "u"):  # nothing of the page
        page.keyboard.press(key)
    force = dialog.get_by_label("write it all the same")
    if force.count():
        page.keyboard.press("Enter")
        page.wait_for_timeout(300)
        assert dialog.is_visible(), "the checks found a problem"
        force.check()
    dialog.get_by_role("button", name="Write it").and_(page.locator(":enabled")).wait_for()
    page.keyboard.press("Enter")
    page.get_by_text(f"Made {name} 12.md.").wait_for()
    assert dialog.count() == 0
    assert len(events(server, "ranking")) == ranked
    page.keyboard.press("u")
    page.get_by_text(re.compile("Taken back")).wait_for()
    assert not (Path(server.settings.vault) / f"{name} 12.md").exists()


def test_accessible_and_narrow(page: Any, server: Any, batch: dict) -> None:
    show(page, server, batch)
    assert serious(page) == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert serious(page) == []


def test_the_first_page_is_light(page: Any, server: Any) -> None:
    page.goto(server.address)
    page.get_by_role("combobox").wait_for()
    loaded = page.evaluate("() => performance.getEntriesByType('resource').map(one => one.name).filter(name => name.includes('/assets/'))")
    assert not [name for name in loaded if "katex" in name or "codemirror" in name]
