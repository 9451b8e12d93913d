"""What somebody may be about to press stays the same element in the same place while answers come in, in whichever order."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from walks import Server, ask

from .helpers import JOB, RUN, written

pytestmark = pytest.mark.browser
WATCH = """() => {
  const seen = new Map();
  const wrong = (window.wrong = []);
  const nameOf = (one) => `${one.tagName} ${one.ariaLabel || one.innerText || one.placeholder || one.type}`.slice(0, 60);
  function look() {
    for (const one of document.querySelectorAll(":is(main, dialog) :is(button, input, select, textarea, summary)")) {
      const { x, y, width } = one.getBoundingClientRect();
      if (!width) continue;
      const [was, here] = [seen.get(one), [x, one.closest("dialog") ? y : y + scrollY].map(Math.round)];
      if (was && was.here.some((place, axis) => Math.abs(place - here[axis]) > 1)) wrong.push(`${nameOf(one)}: ${was.here} -> ${here}`);
      seen.set(one, { here, name: nameOf(one) });
    }
    for (const [one, { name }] of seen) if (!one.isConnected) { seen.delete(one); wrong.push(`${name} is gone`); }
    requestAnimationFrame(look);
  }
  requestAnimationFrame(look);
}"""
ORDERS: dict[str, Callable[[list], Any]] = {"as asked": lambda held: held.pop(0), "the last first": lambda held: held.pop()}
END = {  # what stands last on each page
    "library": "[aria-label=Health]",
    "models": "[aria-label=Trainings]",
    "taste": "table",
    "pairs": ".deeds",
    "queue": ".waiting",
    "draft": ".waiting",
}
SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 740}}


@pytest.fixture(scope="module")
def server(small_server: Server) -> Server:
    return small_server


@pytest.fixture(scope="module")
def batch(server: Server) -> dict:
    """An earlier one is there as well."""
    written(server, "looms")
    return written(server, "looms")


@pytest.fixture(params=ORDERS)
def fill(request: pytest.FixtureRequest, page: Any) -> Callable[[Callable[[], Any], str], None]:
    """Does something, and lets the answers to what the page asks for then come one by one until `there` is."""

    def fill(begin: Callable[[], Any], there: str) -> None:
        held: list[Any] = []
        page.route(re.compile(r"/api/(?!events)"), lambda route: held.append(route))
        begin()
        quiet = 0
        end = time.monotonic() + 60
        while quiet < 8 or not page.locator(there).count():  # a preview is asked for a little after what it is of
            assert time.monotonic() < end, f"{there} does not come"
            page.wait_for_timeout(60)
            quiet = 0 if held else quiet + 1
            if held:
                ORDERS[request.param](held).continue_()
        page.unroute(re.compile(r"/api/(?!events)"))
        assert page.evaluate("() => window.wrong") == []

    return fill


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("path", END)
def test_nothing_moves_while_a_page_fills(page: Any, server: Server, fill: Any, path: str, size: str) -> None:
    page.set_viewport_size(SIZES[size])
    page.add_init_script(f"({WATCH})()")
    fill(lambda: page.goto(f"{server.address}/{path}"), f"main :is({END[path]})")


@pytest.mark.parametrize("size", SIZES)
def test_nothing_moves_while_a_batch_comes(page: Any, server: Server, fill: Any, batch: dict, size: str) -> None:
    page.set_viewport_size(SIZES[size])
    page.add_init_script(f"({WATCH})()")
    fill(
        lambda: page.goto(f"{server.address}/draft?source={batch['source_id']}&chapter=Beginnings&batch={batch['id']}"),
        ".card .reading > *",
    )


@pytest.mark.parametrize("size", SIZES)
def test_nothing_moves_while_the_note_is_looked_at(page: Any, server: Server, fill: Any, batch: dict, size: str) -> None:
    page.set_viewport_size(SIZES[size])
    page.goto(f"{server.address}/draft?source={batch['source_id']}&chapter=Beginnings&batch={batch['id']}")
    page.locator(".card .reading > *").first.wait_for()
    page.evaluate(WATCH)
    fill(lambda: page.keyboard.press("a"), "dialog pre")


def test_a_press_counts_while_the_change_comes_in(page: Any, server: Server, batch: dict) -> None:
    page.goto(f"{server.address}/draft?source={batch['source_id']}&chapter=Beginnings&batch={batch['id']}")
    page.locator(".card .reading > *").first.wait_for()
    held: list[Any] = []
    page.route(re.compile(r"/api/note\?|/accept/preview"), lambda route: held.append(route))
    page.keyboard.press("a")
    other = page.get_by_role("dialog").get_by_role("button", name="Another note")
    with page.expect_request("**/accept/preview"):
        other.wait_for()
    other.hover()
    page.mouse.down()
    for route in held:
        route.continue_()
    page.get_by_role("region", name="Change of the note").wait_for()
    page.mouse.up()
    page.get_by_label("Search notes").wait_for()


def test_what_cannot_be_had_keeps_nothing_else_away(page: Any, server: Server) -> None:
    for name, beneath in (("sources", "[aria-label=Health]"), ("queue", "main summary")):
        page.route(f"**/api/{name}?*", lambda route: route.fulfill(status=409, json={"message": "No.", "hint": "Later."}))
        page.goto(f"{server.address}/{'library' if name == 'sources' else 'draft'}")
        page.locator(beneath).first.wait_for()


def test_what_a_job_tells_moves_nothing(page: Any, server: Server) -> None:
    page.goto(f"{server.address}/library")
    page.get_by_role("button", name="Check everything").wait_for()
    page.evaluate(WATCH)
    ask(server, "/api/import/vault", method="POST")
    page.get_by_role("list", name="Jobs").get_by_text("done").first.wait_for()
    assert page.evaluate("() => window.wrong") == []


def news(page: Any) -> None:
    """The connection breaks and is there again: the page asks anew for all it shows."""
    page.route("**/api/health", lambda route: route.abort())
    with page.expect_response("**/api/jobs"):
        page.evaluate("() => dispatchEvent(new Event('focus'))")
    page.unroute("**/api/health")


@pytest.mark.parametrize("size", SIZES)
def test_nothing_moves_when_an_improve_ends(page: Any, server: Server, batch: dict, size: str) -> None:
    page.set_viewport_size(SIZES[size])
    improved = {
        "id": "improve-1", "verdict": "model-2 is the current version now.",
        "current": "model-2", "promoted": "model-2", "reason": "Better beyond doubt", "page": "", "tried": [], "skipped": [], "ignored": [],
    }  # fmt: skip
    jobs = [JOB | {"text": "measuring SFT, test; 1 of 6 passages written"}]
    page.route("**/api/jobs", lambda route: route.fulfill(json=jobs))
    page.goto(f"{server.address}/models")
    page.get_by_role("button", name="Stop improving").wait_for()
    page.locator(END["models"]).wait_for()
    page.evaluate(WATCH)
    jobs[0] |= {"state": "done", "ended_at": "2025-01-01T00:09:00Z", "improved": improved}
    news(page)
    page.get_by_text("model-2 is the current version now.").wait_for()
    page.wait_for_timeout(200)
    assert page.evaluate("() => window.wrong") == ["BUTTON Stop improving is gone"]
    page.get_by_text("model-2 is the current version now.").click()
    page.get_by_text("Better beyond doubt.").wait_for()


@pytest.mark.parametrize("size", SIZES)
def test_what_is_under_the_pointer_stays_when_an_improve_made_a_version(page: Any, server: Server, batch: dict, size: str) -> None:
    """Its row, and with the first measured one the chart, come in above."""
    page.set_viewport_size(SIZES[size])
    told = ask(server, "/api/models")
    told["models"].append(told["models"][0] | {"id": "model-8"})
    page.route("**/api/models", lambda route: route.fulfill(json=told))
    page.goto(f"{server.address}/models")
    page.locator(END["models"]).wait_for()
    for one in (page.get_by_role("button", name="Use model-8"), page.get_by_role("button", name="Start")):
        one.hover()
        before = one.bounding_box()
        told["models"].append(told["models"][0] | {"id": f"model-{len(told['models']) + 7}", "metrics": {"edit_distance": 0.5}})
        news(page)
        page.get_by_role("cell", name=told["models"][-1]["id"]).first.wait_for()
        page.wait_for_timeout(200)
        assert abs(one.bounding_box()["y"] - before["y"]) <= 1
        page.evaluate("() => scrollTo(0, 0)")


@pytest.mark.parametrize("size", SIZES)
def test_nothing_moves_when_a_training_begins_elsewhere(page: Any, server: Server, batch: dict, size: str) -> None:
    page.set_viewport_size(SIZES[size])
    runs: list[dict] = []
    page.route("**/api/runs", lambda route: route.fulfill(json=runs))
    told = {"run": RUN, "alive": True, "stopping": False, "next": 0, "events": []}
    page.route("**/api/runs/run-8/progress?*", lambda route: route.fulfill(json=told))
    page.goto(f"{server.address}/models")
    page.get_by_text("No training yet.").wait_for()
    page.evaluate(WATCH)
    runs.append(RUN)
    news(page)
    training = page.get_by_role("region", name="Training now")
    training.wait_for()
    page.wait_for_timeout(200)
    assert page.evaluate("() => window.wrong") == []
    page.get_by_role("button", name="See it train").click()
    page.wait_for_function("() => document.activeElement.ariaLabel === 'Training now'")
    box = training.bounding_box()
    assert box["y"] < page.viewport_size["height"] / 2


@pytest.mark.parametrize("size", SIZES)
def test_nothing_moves_when_the_first_highlights_are_there(page: Any, server: Server, size: str) -> None:
    page.set_viewport_size(SIZES[size])
    counts = {"models": 1}

    def answer(route: Any) -> None:
        route.fulfill(json=route.fetch().json() | {"counts": counts})

    page.route("**/api/status", answer)
    page.goto(f"{server.address}/library")
    page.get_by_role("button", name="Choose an export file").wait_for()
    page.locator("[aria-label='Sources found'] li").first.wait_for()
    page.evaluate(WATCH)
    counts |= {"sources": 14, "highlights": 359, "chapter_marks": 74, "notes": 22, "passages": 1088}
    news(page)
    page.get_by_role("button", name="Pair now").wait_for()
    page.wait_for_timeout(200)
    assert page.evaluate("() => window.wrong") == ["BUTTON Choose an export file is gone"]


@pytest.mark.parametrize("size", [*SIZES, "tablet"])
def test_nothing_moves_when_the_server_goes_away(page: Any, server: Server, size: str) -> None:
    page.set_viewport_size(SIZES.get(size, {"width": 768, "height": 1024}))
    page.goto(f"{server.address}/taste")
    page.locator(END["taste"]).wait_for()
    page.get_by_text("Judging your choices").wait_for(state="hidden")
    page.evaluate(WATCH)
    for path in ("**/api/health", "**/api/events"):
        page.route(path, lambda route: route.abort())
    page.evaluate("() => dispatchEvent(new Event('focus'))")
    away = page.get_by_text("The server is away")
    away.wait_for()
    page.evaluate("() => scrollTo(0, 9999)")
    last, line = page.locator("main td").last.bounding_box(), away.bounding_box()
    assert last["y"] + last["height"] <= line["y"], "what it covers can be scrolled to"
    page.evaluate("() => scrollTo(0, 0)")
    page.unroute("**/api/health")
    page.unroute("**/api/events")
    page.get_by_role("button", name="Ask now").evaluate_all("buttons => buttons.forEach((button) => button.click())")  # if still there
    away.wait_for(state="detached")
    assert page.evaluate("() => window.wrong") == []
