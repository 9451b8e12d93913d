"""What a page says while it does not know yet, after a failure, or where another thing is under way, is so.
In Chromium, on a small world."""

from __future__ import annotations

from typing import Any

import pytest

from walks import Server, ask

from .helpers import RUN, Held, written

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(small_server: Server) -> Server:
    return small_server


@pytest.mark.parametrize(
    ("path", "asked", "words", "beside"),
    [
        ("models", "**/api/runs", "No training yet.", "Improve now"),
        ("taste", "**/api/rules", "None yet.", "Undo"),
    ],
)
def test_nothing_is_said_to_be_there_only_when_that_is_known(
    page: Any, server: Server, path: str, asked: str, words: str, beside: str
) -> None:
    held = Held(page, asked)
    page.goto(f"{server.address}/{path}")
    held.wait()
    page.get_by_text(beside).first.wait_for()
    page.wait_for_timeout(200)
    assert not page.get_by_text(words).count()
    held.go_on()
    page.get_by_text(words).wait_for()


def test_nothing_is_found_only_when_it_was_looked_for(page: Any, server: Server) -> None:
    held = Held(page, "**/api/sources?*")
    page.goto(f"{server.address}/draft")
    page.get_by_role("combobox", name="Search sources").focus()
    held.wait()
    assert not page.get_by_text("Nothing found").count()
    held.go_on()
    page.get_by_role("option").first.wait_for()


def test_a_version_that_is_chosen_is_no_training_that_starts(page: Any, server: Server) -> None:
    told = ask(server, "/api/models")
    told["models"].append(told["models"][0] | {"id": "model-9", "role": "adapter"})
    page.route("**/api/models", lambda route: route.fulfill(json=told))
    page.goto(f"{server.address}/models")
    held = Held(page, "**/api/models/model-9/use")
    page.get_by_role("button", name="Use model-9").click()
    held.wait()
    assert page.get_by_role("button", name="Start", exact=True).is_disabled()
    held.go_on()
    begun = Held(page, "**/api/runs")
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_role("button", name="Starting …").wait_for()
    begun.routes[0].abort()
    page.get_by_role("button", name="Start", exact=True).wait_for()


def test_what_could_not_be_judged_is_not_being_judged(page: Any, server: Server) -> None:
    page.route("**/api/trust", lambda route: route.abort())
    page.goto(f"{server.address}/taste")
    page.get_by_text("What they may do could not be read.").wait_for()
    assert not page.get_by_text("Judging your choices").count()


def test_a_batch_that_cannot_be_read_is_not_said_to_be_none(page: Any, server: Server, thing: str) -> None:
    batch = written(server, thing)
    page.route(f"**/api/batches/{batch['id']}?*", lambda route: route.abort())
    page.goto(f"{server.address}/draft?source={batch['source_id']}&chapter=Beginnings&batch={batch['id']}")
    page.get_by_text("What was written here could not be read").wait_for()
    assert not page.get_by_text("No candidates yet.").count()


def test_where_no_note_was_read_the_guide_leads_to_reading_them(page: Any, server: Server) -> None:
    page.route("**/api/status", lambda route: route.fulfill(json=ask(server, "/api/status") | {"counts": {"highlights": 3, "sources": 1}}))
    page.goto(f"{server.address}/library")
    guide = page.get_by_role("region", name="Guide")
    with page.expect_response("**/api/import/vault"):
        guide.get_by_role("button", name="Read the vault").click()
    assert not guide.get_by_role("button", name="Pair now").count()


def test_a_check_that_failed_leaves_no_earlier_one_standing(page: Any, server: Server) -> None:
    page.route("**/api/doctor", lambda route: route.fulfill(json={"findings": {}, "problems": [], "absent": {}}))
    page.goto(f"{server.address}/library")
    check = page.get_by_role("button", name="Check everything")
    check.click()
    page.get_by_text("All is well.").wait_for()
    page.unroute("**/api/doctor")
    page.route("**/api/doctor", lambda route: route.abort())
    check.click()
    page.locator(".notice.wrong").first.wait_for()
    assert not page.get_by_text("All is well.").count()


def test_an_undo_tells_where_the_last_thing_was_done(page: Any, server: Server, thing: str) -> None:
    batch = written(server, thing)
    ask(server, "/api/rules", {"text": "No tables"})
    ask(server, f"/api/batches/{batch['id']}/ranking", {"order": [[draft["id"]] for draft in batch["drafts"]]})
    page.goto(f"{server.address}/taste")
    page.get_by_text("No tables").first.wait_for()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("What you did last was done on another page: it is undone there first.").wait_for()


def test_the_version_that_writes_is_compared_with_the_one_before_it(page: Any, server: Server) -> None:
    told = ask(server, "/api/models") | {"current": "model-2"}
    told["models"] = [told["models"][0] | {"id": f"model-{number}"} for number in (1, 2, 3)]
    page.route("**/api/models", lambda route: route.fulfill(json=told))
    run = RUN | {"status": "finished", "method": "dpo"}
    page.route("**/api/runs", lambda route: route.fulfill(json=[run]))
    page.goto(f"{server.address}/models")
    beside = page.get_by_role("region", name="Two versions side by side")
    assert [beside.get_by_label(name).input_value() for name in ("Before", "After")] == ["model-1", "model-2"]
    page.get_by_role("list", name="Trainings").get_by_role("button", name="run-8 from my choices (DPO) finished").wait_for()


@pytest.mark.parametrize("path", ["draft", "queue", "pairs", "taste", "models", "library"])
def test_every_page_has_its_heading(page: Any, server: Server, path: str) -> None:
    """By which who hears it finds its beginning."""
    page.goto(f"{server.address}/{path}")
    page.get_by_role("heading", level=1).wait_for(state="attached")


def test_an_improve_that_waits_is_shown_before_the_one_that_ended(page: Any, server: Server) -> None:
    ended = {
        "id": "job-1", "kind": "improve", "title": "Improving", "state": "done", "done": None, "total": None, "text": "", "run_id": "",
        "started_at": "2025-01-01T00:00:00Z", "ended_at": "2025-01-01T01:00:00Z", "can_stop": False, "stopping": False, "problem": None,
        "result": None,
        "improved": {
            "id": "improve-1", "verdict": "model-1 stays the current version.",
            "current": "model-1", "promoted": "", "reason": "Worse", "page": "", "tried": [], "skipped": [], "ignored": [],
        },
    }  # fmt: skip
    waits = {**ended, "id": "job-2", "state": "waiting", "started_at": "", "ended_at": "", "can_stop": True, "improved": None}
    page.route("**/api/jobs", lambda route: route.fulfill(json=[ended, waits]))
    page.goto(f"{server.address}/models")
    page.get_by_role("region", name="Improve").get_by_role("button", name="Stop improving").wait_for()
    assert not page.get_by_text("stays the current version").count()
