"""What the person needs where they decide: findings at acceptance, earlier candidates, what is sure, why there are few, what trains."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

import small_world
from notewright import feedback, gates
from notewright.library import Library
from notewright.library.database import now
from notewright.records import Draft, Finding, Run
from served import ScriptedEngines
from walks import Server, ask, events, eventually

from .conftest import things
from .helpers import choose_note, serious

pytestmark = pytest.mark.browser
CHAPTER = "Beginnings"
CHECKS = tuple(Finding("names", "warn", f"“Name {number}” is in no highlight") for number in range(13))
PROBLEM = Finding("numbers", "block", "1848 is in no highlight")


@pytest.fixture(scope="module")
def server(small_server: Server) -> Server:
    return small_server


@pytest.fixture
def library(server: Server) -> Iterator[Library]:
    with Library.open(server.settings.home) as opened:
        yield opened


def batch_of(library: Library, thing: str, findings: Sequence[tuple[Finding, ...]], chapter: str = CHAPTER) -> list[Draft]:
    batch = library.drafts.new_batch()
    return library.drafts.add(
        Draft(
            id="", batch_id=batch, source_id=f"readwise:b-{thing}", chapter=chapter, model_id="model-1",
            text=f"- Candidate {place} of {batch} says something of its own.\n", position=place, seed=place, created_at=now(),
            messages=({"role": "user", "content": "1. A."},), problems=gates.problems(found), findings=found,
            highlight_ids=tuple(small_world.highlight_id(thing, 0, number) for number in range(3)),
        )
        for place, found in enumerate(findings)
    )  # fmt: skip


def go(page: Any, server: Server, thing: str, **more: str) -> None:
    page.goto(f"{server.address}/draft?" + urlencode({"source": f"readwise:b-{thing}", "chapter": CHAPTER, **more}))
    page.get_by_role("heading", level=1, name=f"A Book of {thing.title()}").wait_for()


def card(page: Any, draft: Draft) -> Any:
    return page.locator(".card").filter(has_text=draft.text.removeprefix("- ").strip())


def test_what_the_checks_found_is_seen_where_it_is_accepted(page: Any, server: Server, library: Library, thing: str) -> None:
    clean, checked, bad = batch_of(library, thing, [(), CHECKS, (*CHECKS[:2], PROBLEM)])
    go(page, server, thing)
    buttons = {draft.id: card(page, draft).get_by_role("button", name="Accept") for draft in (clean, checked, bad)}
    buttons[bad.id].wait_for()
    assert [buttons[item.id].inner_text().split("\n")[0] for item in (clean, checked, bad)] == ["Accept", "Accept", "Accept anyway"]
    assert [buttons[item.id].get_attribute("class") or "" for item in (clean, checked, bad)] == ["main", "", "caution"]
    assert serious(page) == []

    buttons[clean.id].click()
    first = page.get_by_role("dialog").get_by_role("list", name="Notes").get_by_role("listitem").first
    assert first.inner_text().splitlines()[0] == f"New note: Notes/A Book of {thing.title()}.md", "no note is about it; books lie there"
    dialog = choose_note(page, f"Notes/Clean {thing}")
    assert dialog.get_by_role("region", name="What the checks found").count() == 0
    page.keyboard.press("Escape")

    buttons[checked.id].click()
    dialog = choose_note(page, f"Notes/Checked {thing}")
    found = dialog.get_by_role("region", name="What the checks found")
    found.get_by_text("13 to check").wait_for()
    assert found.get_by_role("list", name="Warnings").get_by_role("listitem").count() == 4
    found.get_by_text("9 more").click()
    found.get_by_text("“Name 12” is in no highlight").wait_for()
    assert dialog.get_by_role("button", name="Write it").inner_text().split("\n")[0] == "Write it", "nothing blocks it"
    assert serious(page) == []
    page.keyboard.press("Escape")

    buttons[bad.id].click()
    dialog = choose_note(page, f"Notes/Bad {thing}")
    lines = dialog.get_by_role("list", name="Warnings").get_by_role("listitem").all_inner_texts()
    assert lines == ["Problem 1848 is in no highlight", *(f"Check “Name {number}” is in no highlight" for number in (0, 1))]
    button = dialog.get_by_role("button", name="Write it anyway")
    assert button.is_disabled()
    assert serious(page) == []
    dialog.get_by_label("write it all the same").check()
    button.click()
    page.get_by_text(f"Made Notes/Bad {thing}.md.").wait_for()
    assert events(server, "insertion")[-1].subject == bad.id


def test_a_draft_that_the_person_edited_is_their_own(page: Any, server: Server, library: Library, thing: str) -> None:
    (bad,) = batch_of(library, thing, [(PROBLEM,)])
    feedback.record_edit(library, draft_id=bad.id, final_text="- Words of mine.\n")
    go(page, server, thing, batch=bad.batch_id)
    page.locator(".card .reading").get_by_text("Words of mine.").wait_for()
    button = page.locator(".card").get_by_role("button", name="Accept")
    assert (button.inner_text().split("\n")[0], button.get_attribute("class")) == ("Accept", "main")
    button.click()
    assert choose_note(page, f"Notes/Mine {thing}").get_by_role("region", name="What the checks found").count() == 0


def test_a_batch_that_was_judged_is_opened_again(page: Any, server: Server, library: Library, thing: str) -> None:
    """In a browser that has never seen it: judged with the command, or in Obsidian."""
    one, two, three = batch_of(library, thing, [(), (), ()])
    feedback.rank(library, batch_id=one.batch_id, order=[[two.id], [three.id]], rejected=[one.id])
    other = batch_of(library, thing, [(), ()], chapter="Troubles")
    feedback.decide(library, decision="reject_all", batch_id=other[0].batch_id)
    newer = batch_of(library, thing, [(), ()])
    feedback.rank(library, batch_id=newer[0].batch_id, order=[[newer[0].id], [newer[1].id]])
    feedback.accept(library, settings=server.settings, draft_id=newer[0].id, into=f"Newer {thing}.md")
    go(page, server, thing)
    page.get_by_text("What was written before stands under").wait_for()
    rows = page.get_by_role("list", name="Earlier candidates").get_by_role("button")
    rows.nth(2).wait_for()
    states = ["2 candidates, ranked, accepted", "2 candidates, all rejected", "3 candidates, ranked"]
    assert [state in row for state, row in zip(states, rows.all_inner_texts(), strict=True)] == [True] * 3
    assert "Troubles" in rows.nth(1).inner_text()
    assert serious(page) == []
    rows.nth(0).click()
    card(page, newer[0]).get_by_title(f"Newer {thing}.md").wait_for()
    page.get_by_text("Earlier candidates (2)").click()
    rows.nth(1).click()
    page.wait_for_url(re.compile(f"batch={one.batch_id}"))
    card(page, two).get_by_text("place 1", exact=True).wait_for()
    card(page, three).get_by_text("place 2", exact=True).wait_for()
    card(page, one).get_by_text("rejected", exact=True).wait_for()
    card(page, three).get_by_role("button", name="Accept").click()
    dialog = choose_note(page, f"Notes/Later {thing}")
    dialog.get_by_role("button", name="Write it").click()
    page.get_by_text(f"Made Notes/Later {thing}.md.").wait_for()
    card(page, three).get_by_title(f"Notes/Later {thing}.md").wait_for()
    assert (Path(server.settings.vault) / f"Notes/Later {thing}.md").read_text(encoding="utf-8").strip() == three.text.strip()
    card(page, three).get_by_role("button", name="Accept").click()
    dialog.get_by_text(f"It is in Notes/Later {thing}.md already").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    page.get_by_text(re.compile("Taken back")).wait_for()
    card(page, three).get_by_title(f"Notes/Later {thing}.md").wait_for(state="detached")
    page.get_by_text("Earlier candidates (2)").click()
    rows.nth(1).click()  # of the other chapter
    page.wait_for_url(re.compile("chapter=Troubles"))
    page.wait_for_function("() => document.querySelectorAll('.card.rejected').length === 2")


def test_ranked_again_the_later_ranking_counts(page: Any, server: Server, library: Library, thing: str) -> None:
    one, two = batch_of(library, thing, [(), ()])
    feedback.rank(library, batch_id=one.batch_id, order=[[one.id], [two.id]])
    go(page, server, thing, batch=one.batch_id)
    card(page, one).get_by_text("place 1", exact=True).wait_for()
    for draft in (one, two, two, one):  # both leave their places, and come back the other way round
        card(page, draft).locator(".badge").click()
    eventually(lambda: events(server, "ranking")[-1].payload["order"], [[two.id], [one.id]])


def test_why_there_are_fewer_than_were_asked_for(page: Any, server: Server, engines: ScriptedEngines, thing: str) -> None:
    before, engines.writer = engines.writer, small_world.ScriptedEngine(
        lambda _, seed: "- The greedy words.\n" if seed < 0 else "- Drawn words, and quite a few more of them.\n"
    )  # fmt: skip
    try:
        go(page, server, thing)
        page.get_by_role("list", name="Highlights").get_by_role("listitem").first.wait_for()
        page.keyboard.press("g")
        page.wait_for_url(re.compile("batch="))
        why = page.get_by_text(re.compile(r"^2 of 3: of \d+ written, \d+ were the same text as another\.$"))
        why.wait_for()
        page.reload()
        why.wait_for()
    finally:
        engines.writer = before
    go(page, server, next(things))
    page.get_by_role("list", name="Highlights").get_by_role("listitem").first.wait_for()
    page.keyboard.press("g")
    page.locator(".card").nth(2).wait_for()
    assert page.get_by_text(re.compile("^. of 3:")).count() == 0


@pytest.mark.parametrize("width", [360, 480])
def test_on_a_narrow_screen_the_candidates_are_near(page: Any, server: Server, library: Library, thing: str, width: int) -> None:
    batch_of(library, thing, [(), ()])
    page.set_viewport_size({"width": width, "height": 800})
    go(page, server, thing)
    page.locator(".card").first.wait_for()
    assert page.locator(".card").first.bounding_box()["y"] < 300
    search = page.get_by_label("Search sources")
    assert not search.is_visible()
    page.keyboard.press("/")
    search.wait_for()
    page.keyboard.press("Escape")
    highlights = page.get_by_role("list", name="Highlights")
    assert not highlights.is_visible()
    page.get_by_text("Highlights (3)").click()
    highlights.get_by_role("checkbox").first.uncheck()
    page.get_by_text("Highlights (2 of 3)").wait_for()
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert serious(page) == []
    page.keyboard.press("e")
    page.locator(".cm-content").click()
    page.keyboard.type("Typed")
    page.set_viewport_size({"width": 1200, "height": 800})  # as where it is turned
    page.get_by_text("Highlights (2 of 3)").wait_for(state="detached")
    page.keyboard.type(" on and on")
    assert "Typed on and on" in page.locator(".cm-content").inner_text()
    assert highlights.get_by_role("checkbox", checked=True).count() == 2


def test_what_is_not_sure_is_folded(page: Any, server: Server) -> None:
    feature = ask(server, "/api/taste")["beliefs"][0]["feature"]
    ask(server, "/api/taste/corrections", {"feature": feature, "prefer": "more"})
    beliefs = ask(server, "/api/taste")["beliefs"]
    unsure = [item for item in beliefs if item["sure"] == "unsure" and not item["corrected"]]
    told = [item for item in beliefs if item not in unsure]
    assert unsure
    assert told
    page.goto(f"{server.address}/taste")
    page.get_by_text(f"Not sure yet ({len(unsure)})").wait_for()
    rows = page.get_by_role("list", name="Beliefs", exact=True).get_by_role("listitem")
    assert rows.count() == len(told)
    folded = page.get_by_role("list", name="Beliefs that are not sure yet")
    assert not folded.is_visible()
    for _ in range(len(told) + 1):
        page.keyboard.press("j")
    assert page.evaluate("() => document.activeElement.dataset.line") == "unsure"
    page.keyboard.press("j")
    assert page.evaluate("() => document.activeElement.dataset.line") == "unsure", "what is folded is passed over"
    page.keyboard.press("Enter")
    folded.get_by_role("listitem").nth(len(unsure) - 1).wait_for()
    page.get_by_text("Rank or accept drafts that differ in these").wait_for()
    page.keyboard.press("j")
    assert page.evaluate("() => document.activeElement.dataset.line") == f"belief:{unsure[0]['feature']}"
    assert serious(page) == []
    page.keyboard.press("l")
    line = page.get_by_role("list", name="Beliefs", exact=True).locator(f"[data-line='belief:{unsure[0]['feature']}']")
    line.get_by_text("as you said").wait_for()
    assert events(server, "belief")[-1].subject == unsure[0]["feature"]


def test_a_training_of_the_terminal_is_followed(page: Any, server: Server, library: Library) -> None:
    page.goto(f"{server.address}/models")
    page.get_by_text("No training yet.").wait_for()
    run_id = library.runs.new_id()
    folder = library.home / "runs" / run_id
    folder.mkdir(parents=True)
    file = folder / "progress.jsonl"

    def step(number: int, left: float) -> None:
        event = {"event": "step", "step": number, "steps": 80, "loss": 3 - number / 40, "tokens_per_second": 410, "eta_seconds": left}
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(event) + "\n")

    program = [sys.executable, "-c", "import time; print(flush=True); time.sleep(300)", "notewright.training.worker", str(folder)]
    with subprocess.Popen(program, stdout=subprocess.PIPE) as worker:
        try:
            assert worker.stdout
            worker.stdout.readline()
            (folder / "worker.pid").write_text(str(worker.pid))
            library.runs.add(Run(run_id, "sft", f"runs/{run_id}", "running", now()))
            now_training = page.get_by_role("region", name="Training now")
            now_training.get_by_text("from my notes (SFT)").wait_for()
            now_training.get_by_text("no step is done yet").wait_for()
            step(1, 320)
            now_training.get_by_text("step 1 of 80, 410 tokens a second, 5 min left").wait_for()
            step(40, 60)
            now_training.get_by_text("step 40 of 80, 410 tokens a second, 60 s left").wait_for()
            assert now_training.get_by_role("button", name="Stop").count() == 1
            assert serious(page) == []
        finally:
            worker.kill()
    library.runs.update(run_id, status="finished")
    now_training.wait_for(state="detached")
    page.get_by_role("list", name="Trainings").get_by_text("finished").wait_for()
