"""The other pages while an answer is on its way, or the library changes elsewhere: what the person types, chose and looks at stays theirs.
In Chromium, on a small world whose writer needs no model."""

from __future__ import annotations

from typing import Any

import pytest

from walks import Server, ask, eventually

from .helpers import HIDE, Held

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(small_server: Server) -> Server:
    return small_server


@pytest.fixture
def taste(page: Any, server: Server) -> Any:
    """Its page, with a rule, and what was said of a belief on its way."""
    if not ask(server, "/api/rules")["confirmed"]:
        ask(server, "/api/rules", {"text": "No more than five bullets"})
    page.goto(f"{server.address}/taste")
    page.get_by_role("list", name="Rules", exact=True).get_by_role("button", name="Edit").first.wait_for()
    return page


def more(taste: Any) -> Held:
    """Said of the first belief, and on its way."""
    line = taste.locator("[data-line^='belief:']").first
    line.or_(taste.get_by_text("Not sure yet (")).first.wait_for()
    if not line.is_visible():
        taste.get_by_text("Not sure yet (").click()
    held = Held(taste, "**/api/taste/corrections")
    line.focus()
    taste.keyboard.press("m")
    held.wait()
    return held


def test_what_is_typed_while_a_belief_is_on_its_way_is_no_key(taste: Any) -> None:
    held = more(taste)
    taste.keyboard.press("n")
    taste.keyboard.type("no ")
    held.go_on()
    taste.locator(".notice").get_by_text("more.").wait_for()
    taste.keyboard.type("xm")
    assert taste.get_by_label("A new rule, in your own words").input_value() == "no xm"


def test_a_field_that_was_opened_meanwhile_stays_open(taste: Any) -> None:
    held = more(taste)
    taste.get_by_role("list", name="Rules", exact=True).get_by_role("button", name="Edit").first.click()
    field = taste.get_by_label("The rule, in your own words")
    field.fill("No more than four")
    held.go_on()
    taste.locator(".notice").get_by_text("more.").wait_for()
    assert field.input_value() == "No more than four"


def test_the_next_rule_is_typed_while_one_is_on_its_way(taste: Any) -> None:
    field = taste.get_by_label("A new rule, in your own words")
    field.fill("No tables")
    held = Held(taste, "**/api/rules")
    field.press("Enter")
    held.wait()
    field.fill("No emoji")
    held.go_on()
    taste.get_by_text("No tables").first.wait_for()
    assert field.input_value() == "No emoji"


def proposed(server: Server) -> list[str]:
    return [item["id"] for item in ask(server, "/api/pairs/review?limit=20")["pairs"]]


def decide(server: Server, pair: str, status: str) -> None:
    ask(server, f"/api/pairs/{pair}/decision", {"status": status})


def test_the_pair_that_is_looked_at_stays_when_others_are_decided_elsewhere(page: Any, server: Server) -> None:
    first, count = proposed(server)[0], len(proposed(server))
    page.goto(f"{server.address}/pairs")
    passage = page.get_by_role("region", name="Passage")
    passage.wait_for()
    page.keyboard.press("j")
    page.get_by_text(f"2 of {count}").wait_for()
    passage.wait_for()
    before = passage.inner_text()
    decide(server, first, "rejected")
    page.get_by_text(f"of {count - 1}").wait_for()
    passage.wait_for()
    after = passage.inner_text()
    decide(server, first, "proposed")
    assert after == before


def test_after_an_undo_the_pair_is_looked_at_again(page: Any, server: Server) -> None:
    page.goto(f"{server.address}/pairs")
    passage = page.get_by_role("region", name="Passage")
    passage.wait_for()
    page.keyboard.press("j")
    page.get_by_text("2 of").wait_for()
    passage.wait_for()
    before = passage.inner_text()
    page.keyboard.press("x")
    page.get_by_text("Rejected.").wait_for()
    page.keyboard.press("u")
    page.get_by_text("Taken back.").wait_for()
    page.get_by_text(f"2 of {len(proposed(server))}").wait_for()
    eventually(passage.inner_text, before, pause=lambda seconds: page.wait_for_timeout(1000 * seconds))


def test_what_was_checked_is_split_off_though_the_person_went_on(page: Any, server: Server) -> None:
    first, second = proposed(server)[:2]
    known = [highlight["id"] for highlight in ask(server, f"/api/pairs/{second}")["highlights"]]
    held = Held(page, f"**/api/pairs/{first}/decision")
    split: list[Any] = []
    page.on("request", lambda request: split.append(request.post_data_json) if request.url.endswith("/split") else None)
    page.goto(f"{server.address}/pairs")
    passage = page.get_by_role("region", name="Passage")
    passage.wait_for()
    page.keyboard.press("p")  # of one that is proposed it does nothing
    page.keyboard.press("x")
    held.wait()
    page.keyboard.press("j")
    page.get_by_text("2 of").wait_for()
    passage.wait_for()
    page.keyboard.press("1")
    page.locator("li.out").wait_for()
    page.keyboard.press("s")
    page.keyboard.press("j")
    page.locator("li.out").wait_for(state="detached")
    passage.wait_for()
    held.go_on()
    eventually(lambda: bool(split), pause=lambda seconds: page.wait_for_timeout(1000 * seconds))
    assert split[0] == {"highlight_ids": known[1:]}
    page.get_by_text("Accepted with the highlights").wait_for()
    decide(server, first, "proposed")
    decide(server, second, "proposed")


def test_next_goes_to_the_chapter_that_has_the_focus(page: Any, server: Server) -> None:
    chapters = ask(server, "/api/queue?limit=5")["chapters"]
    page.route("**/api/queue?*", lambda route: route.fulfill(json={"total": len(chapters), "chapters": chapters}))
    page.goto(f"{server.address}/queue")
    page.locator(".waiting").nth(4).wait_for()
    page.keyboard.press("j")
    page.keyboard.press("j")
    wanted = chapters[2]
    del chapters[0]
    decide(server, proposed(server)[0], "accepted")
    page.get_by_role("heading", level=1, name="4 chapters").wait_for()
    page.keyboard.press("n")
    page.wait_for_url("**/draft?*")
    page.locator("aside select").first.wait_for()
    assert (page.get_by_role("heading", level=1).inner_text(), page.locator("aside select").first.input_value()) == (
        wanted["source_title"],
        wanted["chapter"],
    )
    decide(server, ask(server, "/api/pairs?status=accepted")["pairs"][0]["id"], "proposed")


def test_a_path_that_is_typed_anew_is_not_filled_with_the_old_one(page: Any, server: Server) -> None:
    page.goto(f"{server.address}/library")
    field = page.get_by_label("Path of the vault")
    eventually(lambda: bool(field.input_value()), pause=lambda seconds: page.wait_for_timeout(1000 * seconds))
    field.fill("")
    with page.expect_response("**/api/settings"):
        decide(server, proposed(server)[0], "accepted")
    page.wait_for_timeout(300)
    assert field.input_value() == ""
    decide(server, ask(server, "/api/pairs?status=accepted")["pairs"][0]["id"], "proposed")


def test_a_setting_that_is_changed_while_others_are_kept_stays(page: Any, server: Server) -> None:
    page.goto(f"{server.address}/library")
    form = page.get_by_role("form", name="Settings")
    form.get_by_label("Device").select_option("cpu")
    held = Held(page, "**/api/settings")
    form.get_by_role("button", name="Keep the settings").click()
    held.wait()
    model = form.get_by_label("Its model")
    model.fill("another")
    held.go_on()
    page.get_by_text("Settings kept.").wait_for()
    assert model.input_value() == "another"
    form.get_by_role("button", name="Keep the settings").click()
    eventually(lambda: ask(server, "/api/settings")["engine_model"], "another")
    ask(server, "/api/settings", {"device": "auto", "engine_model": ""}, "PUT")


def test_a_template_that_was_chosen_stays_when_the_tab_was_hidden(page: Any, server: Server) -> None:
    templates = server.settings.home / "templates"
    templates.mkdir(exist_ok=True)
    (templates / "book.md").write_text("# {{title}}\n\nA book.\n\n{{ draft }}\n", encoding="utf-8")
    batch = ask(server, "/api/drafts", {"source": "readwise:b-moss", "chapter": "Beginnings", "n": 2, "stream": False})
    page.clock.install()
    page.goto(f"{server.address}/draft?source={batch['source_id']}&chapter=Beginnings&batch={batch['id']}")
    page.clock.run_for(2_000)
    page.locator(".card .reading > *").first.wait_for()
    page.keyboard.press("a")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="New note: ").click()
    page.clock.run_for(1_000)
    choice = dialog.get_by_label("Template of the new note")
    choice.select_option("book")
    page.evaluate(HIDE, True)
    page.clock.run_for(60_000)
    with page.expect_response("**/api/templates"):
        page.evaluate(HIDE, False)
    page.wait_for_timeout(500)
    assert choice.input_value() == "book"


def test_an_older_answer_does_not_stand_in_the_place_of_a_newer_one(taste: Any, server: Server) -> None:
    held = Held(taste, "**/api/rules")
    ask(server, "/api/rules", {"text": "No emoji"})
    held.wait()
    older = held.routes[0].fetch().json()
    taste.unroute(held.path)
    ask(server, "/api/rules", {"text": "No footnotes"})
    taste.get_by_text("No footnotes").first.wait_for()
    held.routes[0].fulfill(json=older)
    taste.wait_for_timeout(400)
    assert taste.get_by_text("No footnotes").count()
