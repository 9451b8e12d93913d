"""What who has only a keyboard, or listens to a screen reader, can reach and is told. In Chromium, on a small world."""

from __future__ import annotations

import re
from typing import Any

import pytest

from walks import Server, ask, eventually

from .helpers import JOB, RUN, Held, proposed, serious, settings_form, written

pytestmark = pytest.mark.browser
CONTRASTS = """() => {
  const brightness = (colour) => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
    const [red, green, blue] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const fields = document.querySelectorAll("main :is(input:not([type=checkbox], [type=radio]), select, textarea)");
  return [...fields].flatMap((field) => [field, document.body].map((beside) => {
    const [dark, light] = [getComputedStyle(field).borderTopColor, getComputedStyle(beside).backgroundColor].map(brightness).toSorted();
    return (light + 0.05) / (dark + 0.05);
  }));
}"""  # between the border of a field and what is inside and outside


@pytest.fixture(scope="module")
def server(small_server: Server) -> Server:
    return small_server


def has_focus(page: Any, place: Any) -> None:
    eventually(
        lambda: place.evaluate("item => item === document.activeElement"), pause=lambda seconds: page.wait_for_timeout(1000 * seconds)
    )


def shown(page: Any, server: Server, thing: str) -> dict:
    batch = written(server, thing)
    page.goto(f"{server.address}/draft?source={batch['source_id']}&chapter=Beginnings&batch={batch['id']}")
    page.locator(".card .reading > *").nth(2).wait_for()
    return batch


def test_pairs_are_decided_one_after_the_other_with_the_same_button(page: Any, server: Server) -> None:
    count = len(proposed(server))
    page.goto(f"{server.address}/pairs")
    button, told = page.get_by_role("button", name="They do not"), page.get_by_role("status").filter(has_text="sure to")
    told.wait_for()
    before = told.inner_text()
    button.focus()
    page.keyboard.press("Enter")
    page.get_by_text(f"1 of {count - 1}").wait_for()
    told.wait_for()
    assert told.inner_text() != before, "the next one is told"
    has_focus(page, button)
    page.keyboard.press("1")
    page.get_by_role("status").get_by_text("Highlight 1 is left out.").wait_for()
    page.keyboard.press("u")
    page.get_by_text("Taken back.").wait_for()


def test_the_focus_goes_back_to_what_opened_a_dialog(page: Any, server: Server) -> None:
    page.goto(f"{server.address}/pairs")
    page.get_by_role("region", name="Passage").wait_for()
    opener, dialog = page.get_by_role("button", name="Name one"), page.get_by_role("dialog", name="Name a pair")
    opener.focus()
    page.keyboard.press("Enter")
    dialog.wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    has_focus(page, opener)


def test_the_focus_stays_near_what_is_no_more_there(page: Any, server: Server) -> None:
    if not ask(server, "/api/rules")["confirmed"]:
        ask(server, "/api/rules", {"text": "No more than five bullets"})
    page.goto(f"{server.address}/taste")
    line = page.locator("[data-line^='rule:']").first
    line.get_by_role("button", name="Edit").press("Enter")
    line.get_by_role("button", name="Cancel").press("Enter")
    has_focus(page, line)
    page.goto(f"{server.address}/queue")
    page.locator(".waiting").first.press("Enter")
    page.wait_for_url("**/draft?*")
    has_focus(page, page.get_by_role("main", name="Draft"))
    page.keyboard.press("/")
    page.get_by_role("combobox", name="Search sources").press("Escape")
    has_focus(page, page.get_by_role("complementary", name="Source"))
    held = Held(page, "**/api/drafts")
    page.get_by_role("button", name="Write", exact=False).first.press("Enter")
    held.wait()
    has_focus(page, page.get_by_role("group", name="Writing"))
    page.keyboard.press("Tab")
    has_focus(page, page.get_by_role("button", name="Stop"))
    held.routes[0].abort()


def test_after_more_the_keyboard_is_at_the_first_of_them(page: Any, server: Server) -> None:
    one = ask(server, "/api/queue?limit=1")["chapters"][0]
    many = [{**one, "chapter": f"Part {number}"} for number in range(203)]
    limit = re.compile(r"limit=(\d+)")

    def answer(route: Any) -> None:
        found = limit.search(route.request.url)
        assert found
        route.fulfill(json={"total": len(many), "chapters": many[: int(found[1])]})

    page.route("**/api/queue?*", answer)
    page.goto(f"{server.address}/queue")
    page.get_by_role("button", name="More (3)").press("Enter")
    has_focus(page, page.locator(".waiting").nth(200))


def test_more_sources_and_earlier_candidates_begin_at_the_first_of_them(page: Any, server: Server, thing: str) -> None:
    one = ask(server, "/api/sources?limit=1")["sources"][0]
    sources = [{**one, "id": f"source-{number}"} for number in range(43)]
    limit = re.compile(r"limit=(\d+)")

    def rows(route: Any, name: str, all_of_them: list[dict]) -> None:
        found = limit.search(route.request.url)
        assert found
        route.fulfill(json={"total": len(all_of_them), name: all_of_them[: int(found[1])]})

    page.route("**/api/sources?*", lambda route: rows(route, "sources", sources))
    page.goto(f"{server.address}/library")
    page.get_by_role("button", name="More (3)").press("Enter")
    has_focus(page, page.get_by_role("list", name="Sources found").get_by_role("button").nth(40))

    batch = written(server, thing)
    row = ask(server, f"/api/batches?source_id={batch['source_id']}")["batches"][0]
    batches = [{**row, "id": f"batch-0{number}"} for number in range(22)]
    page.route("**/api/batches?source_id=*&limit=*0", lambda route: rows(route, "batches", batches))
    page.goto(f"{server.address}/draft?source={batch['source_id']}&chapter=Beginnings&batch={batch['id']}")
    page.get_by_text("Earlier candidates (22)").click()
    earlier = page.get_by_role("list", name="Earlier candidates").get_by_role("button")
    page.get_by_role("button", name="2 more").press("Enter")
    has_focus(page, earlier.nth(20))


def test_a_button_that_cannot_be_pressed_for_a_while_has_the_focus_again(page: Any, server: Server) -> None:
    held = Held(page, "**/api/doctor")
    page.goto(f"{server.address}/library")
    health = page.get_by_role("region", name="Health")
    health.get_by_role("button").press("Enter")
    held.wait()
    has_focus(page, health)
    held.go_on()
    has_focus(page, health.get_by_role("button", name="Check everything"))
    health.get_by_role("button").press("Enter")
    page.keyboard.press("Shift+Tab")
    went_to = page.evaluate("() => document.activeElement.innerText")
    health.get_by_text("python", exact=True).wait_for()
    page.wait_for_timeout(100)
    assert page.evaluate("() => document.activeElement.innerText") == went_to, "who went elsewhere is not called back"


def test_keys_of_one_letter_can_be_off(page: Any, server: Server) -> None:
    page.goto(f"{server.address}/queue")
    page.locator(".waiting").nth(1).wait_for()
    page.get_by_role("button", name="Keys a–z: on").press("Enter")
    page.reload()
    page.locator(".waiting").nth(1).wait_for()
    assert serious(page) == []
    page.keyboard.press("j")
    page.keyboard.press("n")
    page.keyboard.press("ArrowDown")
    has_focus(page, page.locator(".waiting").nth(1))
    assert page.locator("kbd").first.is_hidden()
    page.get_by_role("button", name="Keys a–z: off").press("Enter")
    page.keyboard.press("k")
    has_focus(page, page.locator(".waiting").first)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_edge_of_a_field_can_be_seen(page: Any, server: Server, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{server.address}/library")
    settings_form(page).get_by_label("Its model").wait_for()
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 10
    assert min(contrasts) >= 3


def test_ties_and_sentences_have_buttons(page: Any, server: Server, thing: str) -> None:
    batch = shown(page, server, thing)
    cards, tie = page.get_by_role("article"), page.get_by_role("button", name="Tie")
    assert tie.is_disabled()
    cards.nth(0).get_by_role("button", name="Rank candidate 1").click()
    tie.click()
    cards.nth(1).get_by_role("button", name="Rank candidate 2").click()
    cards.nth(1).get_by_text("place 1").wait_for()
    first, second = (cards.nth(at).get_by_role("group", name="Sentences") for at in (0, 1))
    for _ in range(2):
        first.get_by_role("button", name="Next sentence").click()
    cards.nth(0).get_by_role("status").get_by_text("Sentence 2 rests on").wait_for()
    first.get_by_role("button", name="Previous sentence").click()
    cards.nth(0).get_by_role("status").get_by_text("Sentence 1 rests on").wait_for()
    second.get_by_role("button", name="Next sentence").press("Enter")
    cards.nth(1).get_by_role("status").get_by_text("Sentence 1 rests on").wait_for()
    assert len(batch["drafts"]) == 3


def test_what_is_said_while_a_dialog_is_open_is_said_in_it(page: Any, server: Server) -> None:
    page.goto(f"{server.address}/pairs")
    page.get_by_role("region", name="Passage").wait_for()
    page.keyboard.press("n")
    dialog = page.get_by_role("dialog", name="Name a pair")
    page.route("**/api/passages?*", lambda route: route.abort())
    dialog.get_by_role("list", name="Notes").get_by_role("button").first.press("Enter")
    message = dialog.get_by_role("status").locator(".notice")
    message.get_by_text("The server does not answer.").wait_for()
    assert page.locator(".notice").count() == 1
    message.get_by_role("button", name="Close this message").press("Enter")
    message.wait_for(state="detached")
    assert dialog.evaluate("item => item.contains(document.activeElement)")


def test_a_message_that_somebody_is_at_does_not_go(page: Any, server: Server) -> None:
    page.clock.install()
    page.goto(f"{server.address}/pairs")
    page.get_by_role("region", name="Passage").wait_for()
    page.get_by_role("button", name="They do not").press("Enter")
    undo = page.locator(".notice").get_by_role("button", name="Undo")
    undo.focus()
    page.clock.run_for(30_000)
    undo.press("Enter")
    page.get_by_text("Taken back.").wait_for()
    has_focus(page, page.get_by_role("button", name="They do not"))
    page.clock.run_for(30_000)
    page.locator(".notice").wait_for(state="detached")


def test_keys_are_about_the_card_that_the_keyboard_is_at(page: Any, server: Server, thing: str) -> None:
    shown(page, server, thing)
    second, third = (page.get_by_role("article", name=f"Candidate {number}") for number in (2, 3))
    second.get_by_role("button", name="Edit").focus()
    page.keyboard.press("x")
    second.get_by_text("rejected").wait_for()
    page.keyboard.press("j")
    has_focus(page, third)
    page.keyboard.press("s")
    page.get_by_role("status").get_by_text("Sentence 1 rests on").wait_for()


def test_how_far_a_training_is_is_said_in_tenths(page: Any, server: Server) -> None:
    events = [{"event": "step", "step": step, "steps": 40, "loss": 1.0} for step in range(1, 20)]
    told = {"run": RUN, "alive": True, "stopping": False, "next": len(events), "events": events}
    page.route("**/api/runs", lambda route: route.fulfill(json=[RUN]))
    page.route("**/api/runs/run-8/log?*", lambda route: route.fulfill(json={"text": ""}))
    page.route("**/api/runs/run-8/progress?*", lambda route: route.fulfill(json=told))
    page.goto(f"{server.address}/models")
    training = page.get_by_role("region", name="Training now")
    training.get_by_text("step 19 of 40").wait_for()
    assert training.get_by_role("status").inner_text() == "run-8: 40 % is done."


def test_of_a_job_is_said_what_became_of_it_and_not_every_step(page: Any, server: Server) -> None:
    job = {**JOB, "kind": "import", "title": "Reading", "done": 3, "total": 4000, "text": "notes"}
    page.route("**/api/jobs", lambda route: route.fulfill(json=[job]))
    page.goto(f"{server.address}/library")
    page.get_by_text("3 of 4000 notes").wait_for()
    assert [text for text in page.get_by_role("status").all_inner_texts() if text] == ["Reading: running."]
    assert page.locator("[aria-live]", has_text="3 of 4000").count() == 0


def test_links_can_be_read_wherever_they_stand(page: Any, server: Server, thing: str) -> None:
    shown(page, server, thing)
    page.locator(".card .reading").first.evaluate("""item => item.innerHTML = `<p>A <mark>word and <a href="#a">a link</a></mark></p>
        <div class="callout" data-callout="note"><p>To <a class="internal-link is-unresolved" href="#b">no note</a> yet</p></div>`""")
    assert serious(page) == []
