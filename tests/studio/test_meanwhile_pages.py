"""The other pages while an answer is on its way, or the library changes elsewhere: what the person types, chose and looks at stays theirs.
In Chromium, on a small world whose writer needs no model."""

from __future__ import annotations

import itertools
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from notewright.library import Library
from notewright.records import Run
from walks import Server, ask, eventually

from .helpers import HIDE, JOB, RUN, Held, proposed, settings_form

pytestmark = pytest.mark.browser
times = itertools.count(1)


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
    form = settings_form(page)
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


@pytest.mark.parametrize(
    ("path", "asked", "nothing", "shown"),
    [
        ("models", "**/api/models", {"models": [], "promotions": []}, "table .chip"),
        ("models", "**/api/runs", None, "ul[aria-label=Trainings] b"),
        ("library", "**/api/status", {"counts": {}}, "dl[aria-label=Numbers] div:not(.soft)"),
        ("taste", "**/api/trust", {"rewards": []}, "table .small"),
    ],
)
def test_an_older_answer_is_not_taken_for_the_newest(
    page: Any, server: Server, path: str, asked: str, nothing: dict | None, shown: str
) -> None:
    with Library.open(server.settings.home) as library:
        if not library.runs.all():
            library.runs.add(Run("run-1", "sft", "runs/run-1", "finished", "2026-01-01"))
    page.goto(f"{server.address}/{path}")
    page.locator(shown).first.wait_for()
    held = Held(page, asked)
    news(server)
    held.wait()
    older = [] if nothing is None else held.routes[0].fetch().json() | nothing
    page.unroute(asked)
    with page.expect_response(asked):
        news(server)
    page.wait_for_timeout(300)
    held.routes[0].fulfill(json=older)
    page.wait_for_timeout(400)
    assert page.locator(shown).count()


def test_the_library_is_asked_for_once_for_every_change_and_not_again_by_its_own_answers(page: Any, server: Server) -> None:
    pair, count = proposed(server)[0], ask(server, "/api/status")["counts"]["pairs"]
    page.goto(f"{server.address}/library")
    numbers = page.locator("dl[aria-label=Numbers]")
    numbers.wait_for()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(server.address)))
    pairs = numbers.locator("div").filter(has=page.get_by_text("pairs", exact=True)).locator("dd")
    for status in ("rejected", "proposed") * 2:
        with page.expect_response("**/api/settings"):
            decide(server, pair, status)
        shown = str(count - (status == "rejected"))
        eventually(pairs.inner_text, shown, pause=lambda seconds: page.wait_for_timeout(1000 * seconds))
    # An answer that made it ask again would have done so before it heard of the next change.
    assert (asked.count("/api/status"), asked.count("/api/settings")) == (4, 4)


def news(server: Server) -> None:
    """Of models and of runs, from elsewhere."""
    with Library.open(server.settings.home) as library:
        library.models.set_metrics("model-1", {"told": "often " * next(times)})
        library.runs.update("run-1", status=f"finished-{next(times)}")


def test_a_pair_that_was_named_and_left_does_not_close_the_next_one(page: Any, server: Server) -> None:
    page.goto(f"{server.address}/pairs")
    page.get_by_role("region", name="Passage").first.wait_for()
    dialog = page.get_by_role("dialog", name="Name a pair")

    def written_from(thing: str) -> Any:
        return dialog.get_by_role("region", name="Written from").locator("b").get_by_text(f"A Book of {thing.title()}")

    def begin(thing: str, note: str) -> None:
        page.keyboard.press("n")
        dialog.get_by_role("combobox", name="Search sources").fill(thing)
        dialog.get_by_role("option").filter(has_text=f"A Book of {thing.title()}").first.click()
        written_from(thing).wait_for()
        dialog.get_by_role("searchbox", name="Search notes").fill(note)
        dialog.get_by_role("list", name="Notes").get_by_role("button", name=f"Notes/{note}.md").click()
        dialog.get_by_role("radio").first.check()

    begin("bread", "Rivers")
    held = Held(page, "**/api/pairs")
    dialog.get_by_role("button", name="They belong together").click()
    held.wait()
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    begin("moss", "Looms")
    held.go_on()
    page.locator(".notice").get_by_text("Accepted.").wait_for()
    assert written_from("moss").is_visible()
    assert dialog.get_by_role("radio").first.is_checked()
    dialog.get_by_role("button", name="They belong together").click()
    dialog.wait_for(state="detached")


def test_a_pair_that_could_not_be_named_after_its_dialog_was_closed_is_there_when_one_is_named_next(page: Any, server: Server) -> None:
    page.goto(f"{server.address}/pairs")
    page.get_by_role("region", name="Passage").first.wait_for()
    dialog = page.get_by_role("dialog", name="Name a pair")
    page.keyboard.press("n")
    dialog.get_by_role("combobox", name="Search sources").fill("salt")
    dialog.get_by_role("option").filter(has_text="A Book of Salt").first.click()
    box = dialog.get_by_role("checkbox").nth(1)
    box.uncheck()
    dialog.get_by_role("searchbox", name="Search notes").fill("Looms")
    dialog.get_by_role("list", name="Notes").get_by_role("button", name="Notes/Looms.md").click()
    dialog.get_by_role("radio").first.check()
    held = Held(page, "**/api/pairs")
    dialog.get_by_role("button", name="They belong together").click()
    held.wait()
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    page.unroute("**/api/pairs")
    held.routes[0].abort()
    page.locator(".notice.wrong").get_by_text("what you chose is there").wait_for()
    page.reload()
    page.get_by_role("region", name="Passage").first.wait_for()
    page.keyboard.press("n")
    page.wait_for_function("() => document.querySelector('dialog input[type=radio]:checked')")
    assert dialog.get_by_role("region", name="Written from").get_by_text("A Book of Salt").first.is_visible()
    assert not box.is_checked()
    assert dialog.get_by_role("checkbox").first.is_checked()
    dialog.get_by_role("button", name="They belong together").click()
    dialog.wait_for(state="detached")
    page.locator(".notice").get_by_text("Accepted.").wait_for()
    page.keyboard.press("n")
    dialog.get_by_role("list", name="Notes").get_by_role("button").first.wait_for()  # it is over
    assert dialog.get_by_role("radio").count() == 0
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    page.get_by_text("Taken back.").wait_for()


def test_a_pair_can_be_merged_with_any_other_of_its_source(page: Any, server: Server) -> None:
    first = ask(server, "/api/pairs/review?limit=1")["pairs"][0]
    many = [{**first, "id": f"other-{number}", "status": "rejected" if 0 < number < 1001 else "proposed"} for number in range(1002)]

    def answer(route: Any) -> None:
        asked = {name: int(value[0]) for name, value in parse_qs(urlsplit(route.request.url).query).items() if value[0].isdigit()}
        route.fulfill(json={"total": len(many), "pairs": many[asked["offset"] :][: asked["limit"]]})

    page.route("**/api/pairs?source_id=*", answer)
    page.goto(f"{server.address}/pairs")
    page.get_by_role("region", name="Passage").wait_for()
    page.keyboard.press("m")
    page.get_by_role("button", name="Merge with", exact=False).nth(1).wait_for()
    assert page.get_by_role("list", name="Other pairs of this source").get_by_role("listitem").count() == 2


def test_a_list_that_is_not_wanted_any_more_does_not_come_after_a_decision(page: Any, server: Server) -> None:
    first = proposed(server)[0]
    page.goto(f"{server.address}/pairs")
    page.get_by_role("region", name="Passage").wait_for()
    held = Held(page, "**/api/pairs/review?*")
    page.keyboard.press("x")
    held.wait(2)  # after the decision, and as the library has changed
    page.get_by_label("Show").select_option("rejected")
    page.get_by_text("1 of 1").wait_for()
    held.go_on()
    assert page.get_by_text("1 of 1").is_visible()
    decide(server, first, "proposed")


def test_a_stop_is_shown_at_once_and_after_a_reload_unless_it_was_refused(page: Any, server: Server) -> None:
    told = [JOB]
    page.route("**/api/jobs", lambda route: route.fulfill(json=told))
    page.goto(f"{server.address}/models")
    improve = page.get_by_role("region", name="Improve")
    held = Held(page, "**/api/jobs/job-1/stop")
    improve.get_by_role("button", name="Stop improving").click()
    stopping = improve.get_by_role("button", name="Stopping …")
    stopping.wait_for()
    assert stopping.is_disabled()
    held.go_on()  # the server knows of no such job
    improve.get_by_role("button", name="Stop improving").wait_for()
    page.locator(".notice.wrong").first.wait_for()
    told[:] = [{**JOB, "stopping": True}]
    page.reload()
    stopping.wait_for()
    assert stopping.is_disabled()
    page.goto(f"{server.address}/library")
    page.get_by_role("list", name="Jobs").get_by_text("stopping").wait_for()


@pytest.mark.parametrize("path", ["jobs/job-1", "runs/run-8"])
def test_a_training_is_shown_as_stopping_too(page: Any, server: Server, path: str) -> None:
    ours = [{**JOB, "kind": "train", "run_id": "run-8"}] if path.startswith("jobs") else []
    told = {"run": RUN, "alive": True, "stopping": False, "next": 0, "events": []}
    page.route("**/api/jobs", lambda route: route.fulfill(json=ours))
    page.route("**/api/runs", lambda route: route.fulfill(json=[RUN]))
    page.route("**/api/runs/run-8/progress?*", lambda route: route.fulfill(json=told))
    page.clock.install()
    page.goto(f"{server.address}/models")
    held = Held(page, f"**/api/{path}/stop")
    page.get_by_role("button", name="Stop run-8").click()
    held.wait()
    stopping = page.get_by_role("button", name="Stopping …")
    assert stopping.is_disabled()
    with page.expect_response(f"**/api/{path}/stop"):
        held.routes[0].fulfill(json=ours[0] if ours else RUN)
    for _ in range(3):  # it asks again only when it has taken in the answer before
        with page.expect_response("**/api/runs/run-8/progress?*"):
            page.clock.run_for(2_000)
        assert stopping.is_disabled()


def test_a_training_that_was_asked_to_stop_elsewhere_is_shown_as_stopping(page: Any, server: Server) -> None:
    told = {"run": RUN, "alive": True, "stopping": True, "next": 0, "events": []}
    page.route("**/api/runs", lambda route: route.fulfill(json=[RUN]))
    page.route("**/api/runs/run-8/progress?*", lambda route: route.fulfill(json=told))
    page.goto(f"{server.address}/models")
    stopping = page.get_by_role("button", name="Stopping …")
    stopping.wait_for()
    assert stopping.is_disabled()


def test_a_training_that_is_over_is_not_shown_as_going_on(page: Any, server: Server) -> None:
    """The job's end is told at once, the change of the library only when it is looked at next."""
    heard = "const Real = EventSource; window.EventSource = class extends Real { constructor(url) { super(url); window.heard = this; } }"
    page.add_init_script(heard)
    runs, job = [RUN], {**JOB, "kind": "train", "run_id": "run-8"}
    page.route("**/api/runs", lambda route: route.fulfill(json=runs))
    page.route("**/api/jobs", lambda route: route.fulfill(json=[job]))
    page.goto(f"{server.address}/models")
    page.get_by_role("region", name="Training now").wait_for()
    runs[:] = [{**RUN, "status": "interrupted"}]
    tell = "job => heard.dispatchEvent(new MessageEvent('job', { data: JSON.stringify(job) }))"
    page.evaluate(tell, {**job, "state": "stopped", "ended_at": "2025-01-01T00:01:00Z"})
    page.get_by_role("region", name="Training now").wait_for(state="hidden")


def test_an_improve_can_begin_anew(page: Any, server: Server) -> None:
    asked: list[Any] = []
    page.route(
        "**/api/improve",
        lambda route: (
            (asked.append(route.request.post_data_json), route.fulfill(status=202, json=JOB))
            if route.request.method == "POST"
            else route.fulfill(json=None)
        ),
    )
    enough = ask(server, "/api/status") | {"improve_lacks": ""}
    page.route("**/api/status", lambda route: route.fulfill(json=enough))
    page.goto(f"{server.address}/models")
    anew = page.get_by_role("checkbox", name="begin anew")
    for _ in range(2):
        page.get_by_role("button", name="Improve now").click()
        if asked[-1]["fresh"]:
            break
        anew.check()
    eventually(lambda: [wish["fresh"] for wish in asked], [False, True])
    eventually(anew.is_checked, False, pause=lambda seconds: page.wait_for_timeout(1000 * seconds))  # it held for that one


def test_a_rule_that_was_begun_is_there_after_a_reload(taste: Any) -> None:
    field = taste.get_by_label("A new rule, in your own words")
    field.fill("No semicolons")
    rules = taste.get_by_role("list", name="Rules", exact=True)
    rules.get_by_role("button", name="Edit").first.click()
    taste.get_by_label("The rule, in your own words").fill("No more than four")
    taste.reload()
    rules.get_by_role("button", name="Edit").first.wait_for()
    assert field.input_value() == "No semicolons"
    rules.get_by_role("button", name="Edit").first.click()
    assert taste.get_by_label("The rule, in your own words").input_value() == "No more than four"
    rules.get_by_role("button", name="Keep").click()
    taste.get_by_text("The rule is changed.").wait_for()
    field.press("Enter")
    taste.get_by_text("No semicolons").first.wait_for()
    taste.reload()
    rules.get_by_role("button", name="Edit").first.click()
    assert field.input_value() == ""
    assert taste.get_by_label("The rule, in your own words").input_value() == "No more than four"
    taste.keyboard.type("No more than three")
    taste.keyboard.press("Escape")
    rules.get_by_role("button", name="Edit").first.click()
    assert taste.get_by_label("The rule, in your own words").input_value() == "No more than four"


def test_a_number_that_the_server_did_not_take_is_not_shown_as_if_it_counted(page: Any, server: Server) -> None:
    page.goto(f"{server.address}/models")
    field = page.get_by_label("Judged batches after which it improves by itself")
    page.wait_for_timeout(300)
    page.route("**/api/settings", lambda route: route.abort() if route.request.method == "PUT" else route.continue_())
    field.fill("7")
    field.press("Enter")
    page.locator(".notice.wrong").first.wait_for()
    assert field.input_value() == "0"
    page.unroute("**/api/settings")
    field.fill("2.6")
    field.blur()
    eventually(field.input_value, "3", pause=lambda seconds: page.wait_for_timeout(1000 * seconds))
    ask(server, "/api/settings", {"improve_after": 0}, "PUT")
