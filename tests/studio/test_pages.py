"""The other pages' main paths, and a library full of scripts."""

from __future__ import annotations

import csv
import itertools
import json
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from notewright import feedback, importers, pairing
from notewright.importers.vault import import_vault
from notewright.library import Library
from notewright.library.atwork import AtWork, alone, tell
from notewright.library.database import now
from notewright.models import registry
from notewright.records import Draft
from notewright.settings import Settings, save_settings
from walks import WRITING, Server, ask, events, eventually, serve
from xss_vectors import VECTORS

from .conftest import needs_browser
from .helpers import serious, settings_form

pytestmark = pytest.mark.browser
COLUMNS = [
    "Highlight",
    "Book Title",
    "Book Author",
    "Amazon Book ID",
    "Note",
    "Color",
    "Tags",
    "Location Type",
    "Location",
    "Highlighted at",
    "Document tags",
]
SCRIPT = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"


def test_the_queue_goes_to_the_next_chapter_with_one_key(page: Any, server: Any) -> None:
    page.goto(f"{server.address}/queue")
    page.locator(".waiting").first.wait_for()
    assert serious(page) == []
    first = ask(server, "/api/queue?limit=1")["chapters"][0]
    page.get_by_role("button", name="Only new since the last import").click()
    page.get_by_text("Nothing new came with the last import").wait_for()
    page.get_by_role("button", name="Only new since the last import").click()
    page.locator(".waiting").first.wait_for()
    page.keyboard.press("n")
    page.get_by_role("heading", level=1, name=first["source_title"]).wait_for()


def test_where_no_source_is_chosen_the_first_that_wait_are_offered(page: Any, server: Any) -> None:
    waiting = ask(server, "/api/queue?limit=8")
    page.goto(f"{server.address}/draft")
    page.get_by_role("heading", name="Waiting for a note").wait_for()
    shown = page.locator(".waiting")
    assert shown.count() == len(waiting["chapters"])
    assert page.get_by_role("button", name=f"All {waiting['total']}").count() == (waiting["total"] > 8)
    assert serious(page) == []
    shown.first.click()
    page.get_by_role("heading", level=1, name=waiting["chapters"][0]["source_title"]).wait_for()


def test_pairs_are_reviewed_split_and_merged_by_keyboard(page: Any, server: Any) -> None:
    page.goto(f"{server.address}/pairs")
    passage = page.get_by_role("region", name="Passage")
    passage.locator("mark").first.wait_for()
    assert serious(page) == []
    assert page.get_by_role("region", name="Highlights").locator("mark.of-0").count()
    count = lambda status: ask(server, f"/api/pairs?status={status}")["total"]  # noqa: E731
    accepted, rejected, waiting = count("accepted"), count("rejected"), count("proposed")
    page.keyboard.press("a")
    eventually(lambda: count("accepted"), accepted + 1)
    page.locator(".notice").get_by_role("button", name="Undo").click()
    page.get_by_text(f"of {waiting}", exact=False).wait_for()
    assert [event.kind for event in events(server, "pair") + events(server, "undo")] == ["pair", "undo"], "no action of its own"
    for key in "xuxu":  # quickly: each undo takes the decision before it
        page.keyboard.press(key)
    page.keyboard.press("u")
    page.get_by_text("Nothing that was decided here is left to undo.").wait_for()
    eventually(lambda: any(action["undone"] is False for action in ask(server, "/api/history")), False)
    page.get_by_role("button", name="Propose anew").click()
    decided = f", {accepted + rejected} decided by you" if accepted + rejected else ""
    page.get_by_text(f"{waiting} pairs kept{decided}.").wait_for()
    only = page.get_by_role("button", name="Only those checked")
    while not only.count():
        page.keyboard.press("j")
        page.wait_for_timeout(100)
    page.keyboard.press("1")
    page.locator("li.out").wait_for()
    assert serious(page) == []
    page.keyboard.press("s")
    eventually(lambda: count("accepted"), accepted + 1)
    page.get_by_text(f"of {waiting - 1}").wait_for()
    page.keyboard.press("m")
    others = page.get_by_role("list", name="Other pairs of this source")
    others.get_by_role("button", name="Merge with ").first.wait_for()
    eventually(
        lambda: page.evaluate("() => document.activeElement.innerText"),
        "Merge",
        pause=lambda seconds: page.wait_for_timeout(1000 * seconds),
    )
    page.keyboard.press("Enter")
    eventually(lambda: count("rejected"), rejected + 1)  # the other one
    page.get_by_text("Accepted as one pair.").wait_for()
    page.keyboard.press("r")
    passage.locator(".reading > *").first.wait_for()
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_a_late_answer_about_another_pair_changes_nothing(page: Any, server: Any) -> None:
    _, second, third = (item["id"] for item in ask(server, "/api/pairs/review?limit=3")["pairs"])
    held: list[Any] = []
    page.route(f"**/api/pairs/{second}", lambda route: held.append(route))
    page.goto(f"{server.address}/pairs")
    page.get_by_role("region", name="Passage").wait_for()
    with page.expect_request(f"**/api/pairs/{second}"):
        page.keyboard.press("j")
    with page.expect_response(f"**/api/pairs/{third}"):
        page.keyboard.press("j")
    page.get_by_role("region", name="Passage").wait_for()
    page.keyboard.press("1")
    page.locator("li.out").wait_for()
    held[0].continue_()  # nobody may wait for it any more
    page.wait_for_timeout(200)
    assert page.locator("li.out").count() == 1


def test_the_others_of_a_source_stay_when_the_pair_itself_comes_later(page: Any, server: Any) -> None:
    listed = ask(server, "/api/pairs/review?limit=20")["pairs"]
    sources = [item["source_id"] for item in listed]
    at = next(nth for nth in range(1, len(listed)) if sources.count(sources[nth]) > 1)
    held: list[Any] = []
    page.route(f"**/api/pairs/{listed[at]['id']}", lambda route: held.append(route))
    page.goto(f"{server.address}/pairs")
    page.get_by_role("region", name="Passage").wait_for()
    for _ in range(at - 1):
        page.keyboard.press("j")
    with page.expect_request(f"**/api/pairs/{listed[at]['id']}"):
        page.keyboard.press("j")
    with page.expect_response("**/api/pairs?source_id=*"):
        page.keyboard.press("m")
    held[0].continue_()
    page.get_by_role("list", name="Other pairs of this source").get_by_role("button").first.wait_for()


def test_a_pair_is_merged_before_what_is_known_of_it_has_come(page: Any, server: Any) -> None:
    listed = ask(server, "/api/pairs/review?limit=20")["pairs"]
    sources = [item["source_id"] for item in listed]
    at = next(nth for nth in range(1, len(listed)) if sources.count(sources[nth]) > 1)
    rejected = ask(server, "/api/pairs?status=rejected")["total"]
    held: list[Any] = []
    page.route(f"**/api/pairs/{listed[at]['id']}", lambda route: held.append(route))
    page.goto(f"{server.address}/pairs")
    page.get_by_role("region", name="Passage").wait_for()
    for _ in range(at):
        page.keyboard.press("j")
    page.keyboard.press("m")
    page.get_by_role("list", name="Other pairs of this source").get_by_role("button").first.press("Enter")
    page.get_by_text("Accepted as one pair.").wait_for()
    assert ask(server, "/api/pairs?status=rejected")["total"] == rejected + 1
    assert ask(server, f"/api/pairs/{listed[at]['id']}")["pair"]["status"] == "accepted"


def test_a_pair_is_named_in_a_dialog(page: Any, server: Any) -> None:
    """Of the bundled sample: any passage without a pair, and the first chapter of any source."""
    free = next(
        (note["path"], item)
        for note in ask(server, "/api/notes?limit=1000")["notes"]
        for item in ask(server, "/api/passages?" + urlencode({"note_path": note["path"]}))["passages"]
        if not item["pair_ids"]
    )
    source = ask(server, "/api/sources?limit=1")["sources"][0]
    page.goto(f"{server.address}/pairs?status=accepted")
    page.get_by_role("heading", level=1, name="Pairs").wait_for()
    page.keyboard.press("n")
    dialog = page.get_by_role("dialog", name="Name a pair")
    save = dialog.get_by_role("button", name="They belong together")
    dialog.get_by_label("Search sources").fill(source["title"])
    dialog.get_by_role("option").first.wait_for()
    dialog.get_by_label("Search sources").press("Enter")
    dialog.get_by_role("list", name="Highlights").locator("li").first.wait_for()
    assert save.is_disabled()
    path, passage = free
    dialog.get_by_label("Search notes").fill(path)
    dialog.get_by_role("button", name=path).first.click()
    dialog.get_by_role("radiogroup").locator(f"input[value='{passage['id']}']").check()
    assert serious(page) == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    save.click()
    page.locator(".notice").get_by_text("Accepted.").wait_for()
    named = [pair for pair in ask(server, "/api/pairs?status=accepted&limit=1000")["pairs"] if pair["method"] == "hand"]
    assert [(pair["note_path"], pair["passage_text"], pair["source_id"]) for pair in named] == [(path, passage["text"], source["id"])]
    page.locator(".notice").get_by_role("button", name="Undo").click()
    page.get_by_text("Taken back.").wait_for()


def test_beliefs_are_corrected_and_rules_decided_by_keyboard(page: Any, server: Any) -> None:
    with Library.open(server.settings.home) as library:
        for comment in ("no tables", "please write shorter bullets"):
            library.events.append("comment", "draft-1", {"comment": comment})
    page.goto(f"{server.address}/taste")
    proposed = page.get_by_role("list", name="Proposed rules").get_by_role("listitem")
    rules = page.get_by_role("list", name="Rules", exact=True)
    page.get_by_role("list", name="Beliefs", exact=True).get_by_text("Nothing is sure yet.").wait_for()
    page.get_by_role("cell", name="nothing yet").first.wait_for()
    assert serious(page) == []
    texts = [rule["text"] for rule in ask(server, "/api/rules")["proposed"]]
    assert proposed.count() == len(texts) == 2
    page.keyboard.press("j")
    page.keyboard.press("a")
    rules.get_by_text(texts[0]).wait_for()
    page.keyboard.press("x")  # the line that took its place
    proposed.first.wait_for(state="detached")
    page.keyboard.press("e")
    page.get_by_label("The rule, in your own words").fill(f"at most 7 bullets {SCRIPT}")
    page.keyboard.press("Enter")
    rules.get_by_text("at most 7 bullets <img").wait_for()
    assert [rule["status"] for rule in ask(server, "/api/rules")["confirmed"]] == ["confirmed"]
    page.keyboard.press("j")
    page.keyboard.press("Enter")  # nothing is sure yet: unfold what is not
    page.locator("[data-line^='belief:']").first.wait_for()
    page.keyboard.press("j")
    feature = page.evaluate("() => document.activeElement.dataset.line").removeprefix("belief:")
    page.keyboard.press("b")
    page.get_by_label("about").fill("3")
    page.keyboard.press("Enter")
    eventually(lambda: events(server, "belief")[-1].payload, {"prefer": "about", "value": 3})
    assert events(server, "belief")[-1].subject == feature
    line = page.locator(f"[data-line='belief:{feature}']")
    line.get_by_text("as you said").wait_for()
    assert serious(page) == []
    assert page.locator(".notice").get_by_role("button", name="Undo").count() == 1, "of the last thing only, as that is what undo takes"
    page.keyboard.press("u")
    line.get_by_text("as you said").wait_for(state="detached")
    assert page.locator(".notice").get_by_role("button", name="Undo").count() == 0, "it is done"
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_improving_is_begun_watched_and_stopped_and_versions_are_compared(page: Any, server: Any) -> None:
    figures = {"mean": 0.71, "interval": [0.64, 0.79], "copied": 0.88, "items": 9, "split": "test", "examples": False}
    with Library.open(server.settings.home) as library:
        library.models.set_metrics("model-1", {"evaluation": figures})
    page.goto(f"{server.address}/models")
    page.get_by_role("img", name="model-1: 0.710 (0.640 to 0.790), 9 passages").wait_for()
    page.get_by_role("button", name="Improve now").click()
    status = page.get_by_role("region", name="Improve").get_by_role("status")
    status.get_by_text("Improving").wait_for()
    assert page.get_by_role("button", name="Improve now").is_disabled()
    assert serious(page) == []
    page.get_by_role("region", name="Improve").get_by_role("button", name="Stop").click()  # it may have begun a training, which has its own
    status.get_by_text("Stopped; the next one goes on from there.").wait_for()
    assert ask(server, "/api/jobs")[0]["state"] == "stopped"


def test_an_improvement_that_a_terminal_began_is_followed(page: Any, server: Any) -> None:
    home = server.settings.home
    page.goto(f"{server.address}/models")
    begin = page.get_by_role("button", name="Improve now")
    with alone(home):
        status = page.get_by_role("region", name="Improve").get_by_role("status")
        status.get_by_text("Improving, begun elsewhere: looking at what is new").wait_for()
        assert begin.is_disabled()
        assert page.get_by_role("button", name="Start", exact=True).is_disabled()
        page.get_by_text("An improve that was begun elsewhere is going on").last.wait_for()
        tell(home, AtWork("improve-1", "measuring SFT, test", 1, 6))
        status.get_by_text("measuring SFT, test; 1 of 6 passages written").wait_for()
        tell(home, AtWork("improve-1", "measuring SFT, test", since=time.time() - 600, before=1200.0))
        status.get_by_text("10 min so far; the one before took 20 min").wait_for()
        assert not page.get_by_role("region", name="Improve").get_by_role("button", name="Stop").count()
        assert serious(page) == []
    eventually(begin.is_enabled, pause=lambda seconds: page.wait_for_timeout(1000 * seconds))
    assert "begun elsewhere" not in status.inner_text()


def test_a_vault_that_is_away_is_named(page: Any, server: Server) -> None:
    away = ask(server, "/api/settings") | {"vault_exists": False}
    page.route("**/api/settings", lambda route: route.fulfill(json=away))
    page.goto(f"{server.address}/library")
    said = f"{away['vault']} is not there now"
    page.locator("form").get_by_text(said).wait_for()
    step = page.get_by_role("list", name="First steps").get_by_role("listitem").first
    assert said in step.inner_text()
    assert step.inner_text().startswith("Bring your vault back")


def test_what_an_improvement_came_to_is_shown(page: Any, server: Any) -> None:
    """The real one takes minutes; this is its job as the server tells it."""
    times = {"started_at": "2026-01-01T00:00:00Z", "ended_at": "2026-01-01T00:09:00Z"}
    job = {
        "id": "job-1", "kind": "improve", "title": "Improving", "state": "done", "done": None, "total": None, "text": "", "run_id": "",
        "can_stop": False, "problem": None, "result": None, **times,
        "improved": {
            "id": "improve-1", "verdict": "model-1 stays the current version.",
            "current": "model-1", "promoted": "", "reason": f"Worse {SCRIPT}", "page": "report.html", "skipped": ["DPO: too few"],
            "ignored": [], "tried": [{
                "label": "SFT", "model_id": "model-2", "distance": 0.5, "change": -0.25, "low": -0.5, "high": 0.125,
                "objections": ["it copies"],
            }],
        },
    }  # fmt: skip
    page.route("**/api/jobs", lambda route: route.fulfill(json=[job]))
    page.goto(f"{server.address}/models")
    region = page.get_by_role("region", name="Improve")
    region.get_by_text("model-1 stays the current version.").click()
    region.get_by_text(f"Worse {SCRIPT}").wait_for()
    row = region.get_by_role("row").last.get_by_role("cell")
    assert row.all_inner_texts() == ["model-2\nSFT", "0.500", "−0.250 (−0.500 to +0.125)\nit copies"]
    region.get_by_text("Left out: DPO: too few").wait_for()
    assert region.get_by_role("link", name="The whole report of improve-1").get_attribute("href") == "/api/improve/reports/improve-1"
    assert serious(page) == []


def test_what_an_improvement_lacks_is_said_beforehand(page: Any, server: Any) -> None:
    told = ask(server, "/api/status") | {"improve_lacks": "", "improve_unfinished": None}
    page.route("**/api/status", lambda route: route.fulfill(json=told))
    for path in ("jobs", "improve/reports"):  # whatever other tests did
        page.route(f"**/api/{path}", lambda route: route.fulfill(json=[]))
    page.goto(f"{server.address}/models")
    begin = page.get_by_role("button", name="Improve now")
    page.get_by_role("region", name="Improve").get_by_text("Learns anew").wait_for()
    assert begin.is_enabled()
    told["improve_unfinished"] = {"id": "improve-3", "effort": "quick"}
    page.reload()
    page.get_by_text("improve-3 was broken off before its end; the next one goes on from there, as it was begun (quick).").wait_for()
    told["improve_lacks"] = "There are no notes yet."
    page.reload()
    page.get_by_text("There are no notes yet.").wait_for()
    assert begin.is_disabled()
    assert begin.evaluate("one => document.getElementById(one.getAttribute('aria-describedby')).innerText").startswith(
        "There are no notes yet."
    )
    assert serious(page) == []
    page.get_by_role("region", name="Improve").get_by_role("link", name="Pairs").click()
    page.get_by_role("heading", level=1, name="Pairs").wait_for()


def test_the_report_of_an_improve_opens_beside_also_after_a_restart(page: Any, server: Any) -> None:
    folder = server.settings.home / "runs" / "improve-90"
    folder.mkdir(parents=True)
    told = {"started_at": "2026-01-01T00:00:00Z", "finished_at": "2026-01-02T00:00:00Z", "verdict": "model-1 stays the current version."}
    try:
        (folder / "state.json").write_text(json.dumps(told))
        script = "<script>document.querySelector('h1').textContent = 'It ran'</script>"
        (folder / "report.html").write_text(f"<!doctype html><style>h1 {{ color: rgb(1, 2, 3) }}</style><h1>What was tried</h1>{script}")
        page.route("**/api/jobs", lambda route: route.fulfill(json=[]))
        page.goto(f"{server.address}/models")
        region = page.get_by_role("region", name="Improve")
        region.get_by_text("model-1 stays the current version.").wait_for()
        page.get_by_text("What every improve came to").click()
        for link in (region.get_by_role("link"), page.get_by_role("list", name="Reports").get_by_role("link").first):
            with page.expect_popup() as opened:
                link.click()
            heading = opened.value.get_by_role("heading", name="What was tried")
            heading.wait_for()
            assert heading.evaluate("one => getComputedStyle(one).color") == "rgb(1, 2, 3)"
            opened.value.close()
        assert serious(page) == []
    finally:
        shutil.rmtree(folder)


def test_two_versions_are_shown_side_by_side(page: Any, server: Any) -> None:
    with Library.open(server.settings.home) as library:
        first = library.models.get("model-1")
        if len(library.models.all()) == 1:
            library.models.add(replace(first, id=library.models.new_id(), created_at=now()))
    page.route(
        "**/api/models/diff", lambda route: route.continue_(post_data=json.dumps(route.request.post_data_json | {"max_new_tokens": 30}))
    )
    page.goto(f"{server.address}/models")
    region = page.get_by_role("region", name="Two versions side by side")
    region.get_by_label("Source, by its title").fill("What Moss Knows")
    region.get_by_role("button", name="Compare").click()
    region.get_by_role("heading", level=3, name=re.compile("What Moss Knows About Cities")).wait_for(timeout=1000 * WRITING)
    region.get_by_role("region", name="model-1").locator(".reading > *").first.wait_for()
    region.get_by_text("Word by word, 0.00 apart").click()
    assert serious(page) == []
    region.get_by_label("Source, by its title").fill(f"Nothing {SCRIPT}")
    region.get_by_role("button", name="Compare").click()
    page.locator(".notice.wrong").wait_for()


def test_who_did_not_change_says_so(page: Any, server: Any) -> None:
    with Library.open(server.settings.home) as library:
        source = library.sources.all()[0]
        for taken in (True,) * 12 + (False,) * 10:
            draft = Draft(id="", batch_id=library.drafts.new_batch(), source_id=source.id, chapter="", model_id="model-1", text="A.",
                          position=0, seed=0, created_at=now(), messages=({"role": "user", "content": "1. A."},))  # fmt: skip
            feedback.decide(library, decision="accept" if taken else "reject", draft_id=library.drafts.add([draft])[0].id)
    page.goto(f"{server.address}/models")
    turns = page.get_by_role("region", name="Taking turns")
    turns.get_by_text("you changed: what you edit in drafts rose from").wait_for()
    assert serious(page) == []
    turns.get_by_role("button", name="I did not change").click()
    turns.wait_for(state="detached")
    page.get_by_role("button", name="Undo").click()
    turns.get_by_role("button", name="I did not change").click()
    turns.wait_for(state="detached")
    assert ask(server, "/api/models")["online"]["drift"] is None


def test_models_are_listed_and_a_refused_training_is_explained(page: Any, server: Any) -> None:
    with Library.open(server.settings.home) as library:
        judge = library.models.add(replace(library.models.get("model-1"), id=library.models.new_id(), role="reward", created_at=now()))
    page.goto(f"{server.address}/models")
    page.get_by_role("cell", name="model-1").first.wait_for()
    assert page.get_by_role("cell", name=judge.id, exact=True).count()
    assert page.get_by_role("button", name=f"Use {judge.id}").count() == 0, "it writes nothing"
    assert serious(page) == []
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="What came of it").click()
    opened.value.get_by_role("heading", name="What came of it").wait_for()
    opened.value.close()
    page.get_by_label("Teach").select_option("dpo")
    page.get_by_role("button", name="Start").click()  # no choices were recorded in this library
    page.locator(".notice.wrong").wait_for()


def test_the_library_page_finds_sources_checks_health_and_keeps_settings(page: Any, server: Any) -> None:
    page.goto(f"{server.address}/library")
    page.get_by_label("Path of the vault").wait_for()
    health = page.get_by_role("region", name="Health")
    looked = health.get_by_text("python", exact=True)
    page.get_by_role("button", name="Check everything").click()
    health.get_by_role("button", name="Looking").or_(looked).first.wait_for()
    page.get_by_label("Search sources and highlights").fill("moss knows")
    found = page.get_by_role("list", name="Sources found").get_by_role("listitem")
    found.filter(has_text="What Moss Knows About Cities").get_by_role("button").first.click()
    page.get_by_role("list", name="Highlights").get_by_role("listitem").nth(1).wait_for()
    settings_form(page)
    page.get_by_label("Folder in the vault that Readwise writes to").fill("Readwise")
    page.get_by_label("Server that writes instead").fill("no address")
    page.get_by_role("button", name="Keep the settings").click()
    page.locator(".notice.wrong").wait_for()
    page.get_by_label("Server that writes instead").fill("")
    page.get_by_role("button", name="Keep the settings").click()
    page.get_by_text("Settings kept.").wait_for()
    page.get_by_role("list", name="Jobs").get_by_text("22 notes as before; nothing changed.").wait_for(state="detached")
    page.locator(".notice").get_by_role("button", name="Read it").click()
    page.get_by_role("list", name="Jobs").get_by_text("22 notes as before; nothing changed.").wait_for()
    assert ask(server, "/api/settings")["readwise_folder"] == "Readwise"
    looked.wait_for(timeout=1000 * WRITING)  # torch is looked at
    assert serious(page) == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


EVERYTHING = "\n\n".join(VECTORS)


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Server]:
    """Every way to run a script, in every field that a person, a website or a model fills."""
    needs_browser()
    vault = tmp_path / "sample" / "vault"
    vault.mkdir(parents=True)
    quote = f"{EVERYTHING} Nothing grows where nobody waters, said the third gardener."
    (vault / "Note.md").write_text(f"# {SCRIPT}\n\n## {SCRIPT}\n\n- {quote}\n", encoding="utf-8")
    with (tmp_path / "export.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerow([quote, SCRIPT, SCRIPT, "", EVERYTHING, "", SCRIPT, "page", "1", "2024-01-01 00:00:00+00:00", SCRIPT])
    settings = Settings(home=tmp_path / "home", vault=vault)
    with Library.create(settings.home) as library:
        save_settings(settings)
        importers.import_readwise(library, path=tmp_path / "export.csv")
        import_vault(library, settings=settings)
        pairing.pair(library, settings=settings)
        model = registry.ensure_base_model(library, settings)
        library.models.set_metrics(model.id, {"evaluation": {"mean": 0.5, "split": SCRIPT}})
        source = library.sources.all()[0]
        with library.db.write():
            batch = library.drafts.new_batch()
            library.drafts.add(
                Draft(
                    "", batch, source.id, "", model.id, f"{text}\n", place, place, now(),
                    problems=(SCRIPT,), highlight_ids=tuple(item.id for item in library.sources.highlights(source.id)),
                )
                for place, text in enumerate((EVERYTHING, SCRIPT))
            )  # fmt: skip
    yield from serve(tmp_path)


def test_no_script_runs_out_of_any_field(browser: Any, hostile: Server) -> None:
    chunks = itertools.cycle(" ".join(VECTORS[at : at + 12])[:900] for at in range(0, len(VECTORS), 12))
    source = ask(hostile, "/api/sources")["sources"][0]["id"]
    batch = ask(hostile, "/api/batches")["batches"][0]["id"]
    ask(hostile, "/api/rules", {"text": f"bold {SCRIPT}"})
    with browser.new_context() as context:
        context.set_default_timeout(30_000)
        page = context.new_page()
        wrong: list[str] = []
        page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: request.url.startswith((hostile.address, "data:", "blob:")) or wrong.append(request.url))
        page.goto(hostile.link)

        def clean(where: str) -> None:
            page.wait_for_timeout(250)
            assert wrong == [], where
            assert page.evaluate("() => window.ran") is None, where
            assert page.title().endswith("notewright"), where
            assert page.locator("body script[src*=evil], main script, main img[src='x'], main iframe, main [onerror]").count() == 0, where

        def fill(where: str) -> None:
            """Every field that takes text, as a person would who pastes it and presses Enter."""
            fields = page.locator("main input:not([type=file], [type=checkbox], [type=number], [type=password]), main textarea")
            for index in range(fields.count()):
                field = fields.nth(index)
                if field.is_visible() and field.is_enabled():
                    field.fill(next(chunks))
                    field.press("Enter")
                    clean(f"{where}, field {index}")

        for path in ("queue", "pairs?status=", "taste", "models", "library"):
            page.goto(f"{hostile.address}/{path}")
            page.locator("h1").first.wait_for()
            clean(path)
            if path == "taste":
                page.keyboard.press("n")
            fill(path)
        page.goto(f"{hostile.address}/draft?" + urlencode({"source": source, "batch": batch}))
        page.locator(".card .reading > *").first.wait_for()
        clean("draft")
        page.get_by_text("Instruction and options").click()
        fill("draft")
        page.goto(f"{hostile.address}/draft?" + urlencode({"source": source, "batch": batch}))
        page.locator(".card .reading > *").first.wait_for()
        page.keyboard.press("j")
        page.keyboard.press("c")
        page.get_by_label("Comment in your own words").fill(EVERYTHING[:3000])
        page.keyboard.press("Enter")
        clean("comment")
        page.keyboard.press("e")
        page.locator(".cm-content").fill(EVERYTHING)
        clean("edit")
        page.keyboard.press("Control+Enter")
        clean("edited")
        page.keyboard.press("a")
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Search notes").or_(dialog.get_by_role("button", name="Another note")).wait_for()
        if dialog.get_by_role("button", name="Another note").count():
            dialog.get_by_role("button", name="Another note").click()
        page.get_by_label("Search notes").fill(f"{SCRIPT} note")
        clean("search of notes")
        page.keyboard.press("Enter")
        clean("a note of that name")
    assert "onerror" in json.dumps(ask(hostile, "/api/sources"))  # the strings did get there
