"""The draft page while an answer is on its way: whoever goes on, types on or looks elsewhere is neither called back nor disturbed.
In Chromium, on a small world whose writer needs no model."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from notewright.library import Library
from notewright.records import Highlight, Source
from served import ScriptedEngines
from walks import Server, ask, events, eventually

from .helpers import Held, Slow, written

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def engines() -> ScriptedEngines:
    engines = ScriptedEngines()
    engines.writer = Slow()
    return engines


@pytest.fixture(scope="module")
def server(small_server: Server) -> Server:
    return small_server


@pytest.fixture
def batch(page: Any, server: Server, thing: str) -> dict:
    """Is shown."""
    found = written(server, thing)
    page.goto(f"{server.address}/draft?" + urlencode({"source": found["source_id"], "chapter": found["chapter"], "batch": found["id"]}))
    drawn(page)
    return found


def drawn(page: Any) -> None:
    page.wait_for_function("() => [...document.querySelectorAll('.card .reading')].filter(one => one.children.length).length === 3")


def header(page: Any, words: str) -> None:
    page.locator(".page p[aria-live]").get_by_text(words, exact=True).first.wait_for()


def asked(page: Any, path: str) -> list[str]:
    """Grows with what the page asks for there."""
    found: list[str] = []
    page.on("request", lambda request: found.append(request.url) if request.method == "POST" and request.url.endswith(path) else None)
    return found


def of_batch(server: Server, batch: dict, kind: str) -> list[Any]:
    subjects = {batch["id"], *(draft["id"] for draft in batch["drafts"])}
    return [event for event in events(server, kind) if event.subject in subjects]


def test_a_second_press_does_not_begin_anew_what_is_being_written(page: Any, server: Server, batch: dict, engines: ScriptedEngines) -> None:
    found = asked(page, "/api/drafts")
    engines.writer.go_on.clear()
    try:
        page.keyboard.press("g")
        page.get_by_text("writing", exact=True).wait_for()
        page.keyboard.press("g")
        page.wait_for_timeout(300)
    finally:
        engines.writer.go_on.set()
    drawn(page)
    assert len(found) == 1


def test_nothing_is_written_where_the_person_has_gone_on_to(page: Any, server: Server, batch: dict) -> None:
    found = asked(page, "/api/drafts")
    held = Held(page, "**/api/batches/*/ranking")
    page.keyboard.press("1")
    page.keyboard.press("g")
    held.wait()
    page.locator("aside select").first.select_option("Troubles")
    page.get_by_text("No candidates yet").wait_for()
    held.go_on()
    assert found == []


def test_no_candidates_of_a_source_that_is_not_on_the_screen_yet(page: Any, server: Server, batch: dict) -> None:
    def without_chapters(route: Any) -> None:
        told = route.fetch().json()
        whole = [item | {"chapter": ""} for item in told["highlights"]]
        chapter = told["chapters"][0] | {"chapter": "", "highlight_ids": [item["id"] for item in whole]}
        route.fulfill(json=told | {"chapters": [chapter], "highlights": whole})

    page.route("**/api/sources/*", without_chapters)
    page.goto(f"{server.address}/draft?" + urlencode({"source": batch["source_id"]}))
    boxes = page.get_by_role("list", name="Highlights").get_by_role("checkbox")
    boxes.nth(4).wait_for()
    boxes.first.click()
    found = asked(page, "/api/drafts")
    page.unroute("**/api/sources/*")
    held = Held(page, "**/api/sources/*")
    search = page.get_by_role("combobox", name="Search sources")
    search.fill("A Book of Looms")
    page.get_by_role("option").filter(has_text="A Book of Looms").wait_for()
    search.press("Enter")
    held.wait()
    page.keyboard.press("g")
    held.go_on()
    page.get_by_role("heading", level=1, name="A Book of Looms").wait_for()
    assert found == []


def test_who_asked_for_the_next_chapter_and_went_elsewhere_stays_there(page: Any, server: Server, batch: dict) -> None:
    held = Held(page, "**/api/queue?limit=2")
    page.keyboard.press("n")
    held.wait()
    page.get_by_role("link", name="Taste").click()
    page.get_by_role("heading", name="Taste").wait_for()
    held.go_on()
    assert page.url == f"{server.address}/taste"


def test_a_draft_that_is_written_closes_no_other_one_s_dialog(page: Any, server: Server, batch: dict, thing: str) -> None:
    path = f"Notes/Slow {thing}.md"
    page.keyboard.press("a")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Search notes").fill(path)
    dialog.get_by_role("button", name=f"New note: {path}").click()
    dialog.get_by_role("heading", name=path).wait_for()
    held = Held(page, "**/accept")
    dialog.get_by_role("button", name="Write it").click()
    held.wait()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("a")
    dialog.wait_for()
    held.go_on()
    page.get_by_text(f"Made {path}.").wait_for()
    assert dialog.is_visible()


def test_where_an_earlier_batch_is_accepted_says_nothing_of_a_later_one(page: Any, server: Server, batch: dict, thing: str) -> None:
    other = written(server, thing)

    def accepted(route: Any) -> None:
        told = route.fetch().json()
        route.fulfill(json=told | {"accepted": {other["drafts"][0]["id"]: "Notes/There.md"}})

    page.route(f"**/api/batches/{other['id']}/judged", accepted)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    header(page, "kept")
    held = Held(page, f"**/api/batches/{batch['id']}/judged")
    page.keyboard.press("u")
    held.wait()
    page.get_by_text("Earlier candidates (").click()
    page.get_by_role("list", name="Earlier candidates").get_by_role("button").first.click()
    note = page.locator(".card").get_by_title("Notes/There.md")
    note.wait_for()
    held.go_on()
    page.get_by_text("Taken back").wait_for()
    assert note.count() == 1


def test_what_was_unchecked_stays_so_when_a_highlight_comes(page: Any, server: Server, batch: dict) -> None:
    boxes = page.get_by_role("list", name="Highlights").get_by_role("checkbox")
    boxes.nth(1).click()

    def more(route: Any) -> None:
        told = route.fetch().json()
        first = told["highlights"][0] if told["highlights"][0]["chapter"] == "Beginnings" else told["highlights"][1]
        told["highlights"].append(first | {"id": "readwise:new", "text": "New words."})
        told["chapters"][0]["highlight_ids"].append("readwise:new")
        route.fulfill(json=told)

    page.route("**/api/sources/*", more)
    pair = ask(server, "/api/pairs?status=proposed")["pairs"][0]
    ask(server, f"/api/pairs/{pair['id']}/decision", {"status": "accepted"})
    page.get_by_text("New words.").wait_for()
    page.wait_for_timeout(300)
    assert [box.is_checked() for box in boxes.all()] == [True, False, True, True]
    ask(server, f"/api/pairs/{pair['id']}/decision", {"status": "proposed"})


def test_a_source_that_was_walked_to_stays_chosen_when_the_library_changes(page: Any, server: Server) -> None:
    page.goto(f"{server.address}/draft")
    search = page.get_by_role("combobox", name="Search sources")
    search.fill("A Book of")
    options = page.get_by_role("option")
    options.nth(3).wait_for()
    page.wait_for_timeout(300)
    for _ in range(2):
        search.press("ArrowDown")
    wanted = options.nth(2).locator(".some").first.inner_text()
    with page.expect_response("**/api/sources?*"), Library.open(server.settings.home) as library:
        book = Source(
            title="A Book of All",
            author="B. Author",
            kind="book",
            outside_ids=("readwise:b-new",),
            highlights=(Highlight("New.", outside_ids=("readwise:77",)),),
        )
        library.sources.upsert([book], origin="api", complete=False)
    page.get_by_role("option").filter(has_text="B. Author").wait_for()
    search.press("Enter")
    page.get_by_role("heading", level=1, name=wanted).wait_for()


def test_a_chip_s_number_is_no_comment(page: Any, server: Server, batch: dict) -> None:
    held = Held(page, "**/api/chips")
    page.keyboard.press("c")
    page.get_by_role("group", name="Comment").wait_for()
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    held.go_on()
    eventually(lambda: len(of_batch(server, batch, "comment")), 1)
    payload = of_batch(server, batch, "comment")[0].payload
    assert (payload["comment"], payload["chips"]) == ("", ask(server, "/api/chips")[:1])


def test_what_is_typed_before_the_editor_is_there_judges_nothing(page: Any, server: Server, batch: dict) -> None:
    held = Held(page, "**/assets/codemirror*.js")
    page.keyboard.press("e")
    page.get_by_role("region", name="Edit candidate 1").wait_for()
    page.keyboard.press("x")
    held.go_on()
    page.locator(".cm-content").wait_for()
    assert page.locator(".card.rejected").count() == 0
    page.keyboard.type("Words")
    page.keyboard.press("Control+Enter")
    page.locator(".card .chip").get_by_text("edited").wait_for()


def test_another_note_is_looked_for_when_the_notes_come_later(page: Any, server: Server, batch: dict) -> None:
    page.evaluate(
        "source => localStorage.setItem('notewright:place:' + source, JSON.stringify({into: 'Notes/Rivers.md', under: ''}))",
        batch["source_id"],
    )
    held = Held(page, "**/api/notes?*limit=1000*")
    page.keyboard.press("a")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Another note").click()
    held.go_on()
    dialog.get_by_label("Search notes").wait_for()


def test_a_sentence_is_lit_when_what_it_rests_on_comes_later(page: Any, server: Server, thing: str) -> None:
    held = Held(page, "**/api/provenance")
    found = written(server, thing)
    page.goto(f"{server.address}/draft?" + urlencode({"source": found["source_id"], "chapter": found["chapter"], "batch": found["id"]}))
    drawn(page)
    page.keyboard.press("s")
    held.go_on()
    eventually(lambda: page.evaluate("() => CSS.highlights.has('sentence')"), pause=lambda seconds: page.wait_for_timeout(1000 * seconds))


def test_what_is_being_written_is_not_shown_with_words_of_before(page: Any, server: Server, batch: dict, engines: ScriptedEngines) -> None:
    page.keyboard.press("g")
    page.wait_for_url(lambda url: batch["id"] not in url)
    drawn(page)
    before = page.locator(".card .reading").first.inner_text()
    assert before
    engines.writer.go_on.clear()
    try:
        held = Held(page, "**/api/preview")
        page.keyboard.press("g")
        page.get_by_text("writing …").first.wait_for()
        assert before not in page.locator(".cards").inner_text()
        held.go_on()
    finally:
        engines.writer.go_on.set()
