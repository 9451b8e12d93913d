"""What came of it: figures from real events, with the clock moved, and the page."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import small_world
from notewright import feedback, loop
from notewright.cli import main
from notewright.errors import Invalid, Unavailable
from notewright.library import Library
from notewright.loop.curve import curve
from notewright.loop.curve_plot import svg
from notewright.models import turns
from notewright.records import Draft
from small_world import World

WORDS = "the slow river carries salt and peat past moss and bells towards maps of tides that sleep under the looms".split()  # noqa: SIM905


def day(number: int) -> str:
    """Days from Monday, 5 January 2026 on."""
    month, left = 1, number + 5
    while left > (31, 28, 31)[month - 1]:
        left -= (31, 28, 31)[month - 1]
        month += 1
    return f"2026-{month:02}-{left:02}T09:00:00+00:00"


def batch(library: Library, at: str, *, model: str = "model-1", words: list[str] = WORDS, turn: str = "") -> list[Draft]:
    """Three drafts; those of several models (named with spaces between) take turns. `turn`: whose turn it was, if that is stored."""
    models = itertools.cycle(model.split())
    batch_id = library.drafts.new_batch()
    return library.drafts.add(
        Draft(
            id="", batch_id=batch_id, source_id="readwise:b-rivers", chapter="Beginnings", model_id=next(models), position=place,
            seed=place, text=f"## Note {place}\n" + " ".join(words) + f" and says <b>{batch_id}</b>.\n", created_at=at,
            sampling={"turn": {"versions": [turn]}} if turn else {},
        )
        for place in range(3)
    )  # fmt: skip


def edited(draft: Draft, share: float, rng: random.Random) -> str:
    pieces = draft.text.split(" ")
    for place in rng.sample(range(4, len(pieces)), round(share * (len(pieces) - 4))):
        pieces[place] = "other"
    return " ".join(pieces)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Ten weeks with three batches each: edits get smaller, the second version comes in the sixth week, one in six is turned down."""
    folder = tmp_path_factory.mktemp("story")
    rng = random.Random(1)
    with Library.create(folder / "home") as library, pytest.MonkeyPatch.context() as patch:
        world = small_world.build(library, folder, things=("rivers", "looms"))
        small_world.base_model(library)
        small_world.base_model(library)
        for number in range(30):
            at = day(number // 3 * 7 + number % 3)
            patch.setattr("notewright.library.events.now", lambda at=at: at)
            drafts = batch(library, at, model="model-2" if number >= 15 else "model-1")
            if number % 6 == 5:
                feedback.decide(library, batch_id=drafts[0].batch_id, decision="reject_all", seconds=30)
                continue
            chosen = drafts[0] if rng.random() < 0.7 else drafts[1]
            feedback.decide(library, draft_id=chosen.id, decision="accept", seconds=60)
            if number != 28:
                feedback.record_edit(library, draft_id=chosen.id, final_text=edited(chosen, 0.7 - 0.02 * number, rng))
        library.models.set_metrics("model-2", {"evaluation": {"mean": 0.4, "interval": [0.3, 0.5], "items": 9}})
        library.models.promote("model-2", "better on held-out work: DPO: held-out distance 0.600 -> 0.400 over 9 passages")
        yield world


def test_the_figures_are_those_of_the_events(story: World) -> None:
    told = loop.account(story.library)
    assert (told.taken, told.untouched, told.deleted, told.decided, told.open) == (25, 1, 0, 30, 0)
    cost, acceptance, place = told.curves
    assert (cost.whole.items, acceptance.whole.items, place.whole.items) == (25, 30, 25)
    assert acceptance.whole.mean == pytest.approx(25 / 30)
    assert not cost.why_not
    assert [item.value.items for item in cost.stretches] == [5] * 5
    assert cost.stretches[0].first == "2026-01-05"
    assert cost.stretches[-1].last == "2026-03-15"
    assert cost.stretches[0].value.mean > cost.stretches[-1].value.mean
    assert cost.change is not None
    assert cost.change.high < 0
    assert 0.5 < place.whole.mean < 1


def test_versions_show_their_own_work(story: World) -> None:
    first, second = loop.account(story.library).versions
    assert (first.model_id, second.model_id, first.current, second.current) == ("model-1", "model-2", False, True)
    assert first.cost.mean > second.cost.mean
    assert (first.cost.items + second.cost.items, first.taken.items + second.taken.items) == (25, 30)
    assert (second.held_out.mean, second.held_out.items) == (0.4, 9)
    assert second.promotions[-1][1].startswith("better on held-out work")


def test_minutes_rest_on_the_stated_speed(story: World) -> None:
    told = loop.account(story.library, writing=20).minutes
    taken = [event for event in story.library.events.all("decision") if event.payload["decision"] == "accept"]
    left = {event.subject: story.library.drafts.get(event.subject).text for event in taken}
    left |= {event.subject: event.payload["final_text"] for event in story.library.events.all("edit")}
    assert told.alone == pytest.approx(sum(len(text.split()) for text in left.values()) / 20)
    assert told.looked == pytest.approx(25 + 5 / 2)  # a minute for each that was taken, half a one for each turned down
    assert (told.measured, told.assumed) == (30, 0)
    assert told.saved == pytest.approx(told.alone - told.typed - told.looked)
    slower = loop.account(story.library, writing=10).minutes
    assert slower.saved + slower.looked == pytest.approx(2 * (told.saved + told.looked))
    assert [speed for speed, _ in told.by_speed] == [10, 19, 20, 40]
    for wrong in (0, -1, float("nan"), float("inf")):
        with pytest.raises(Invalid, match="above 0"):
            loop.account(story.library, writing=wrong)


def test_the_page_is_whole_and_shows_no_markup_of_the_drafts(story: World, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "report.html"
    told = loop.report(story.library, path=path)
    page = path.read_text(encoding="utf-8")
    assert page.count("<svg") == 3
    assert "too few" not in page
    assert "<b>batch" not in page
    assert "&lt;b&gt;batch" in page
    assert "better on held-out work" in page
    assert page.count("<div class=diff>") == len(told.examples)
    assert {item.cost for item in told.examples} >= {max(costs := [cost for _, cost in told.curves[0].values]), min(filter(None, costs))}
    assert "http" not in page.replace('xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    assert "src=" not in page
    assert [item.name for item in path.parent.iterdir()] == ["report.html"]
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be written"):
        loop.report(story.library, path=tmp_path / "file" / "report.html")


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 420])
def test_the_page_needs_no_sideways_scroll_and_no_network(story: World, tmp_path: Path, browser: Any, width: int) -> None:
    loop.report(story.library, path=tmp_path / "report.html")
    page = browser.new_page(viewport={"width": width, "height": 900})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((tmp_path / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.get_by_role("img", name="over time").count() == 3
    assert len(asked) == 1
    page.close()


def test_little_is_told_as_little(library: Library, tmp_path: Path) -> None:
    small_world.build(library, tmp_path, things=("rivers",))
    small_world.base_model(library)
    assert "nothing to measure" in loop.account_page(loop.account(library))
    drafts = batch(library, day(0))
    feedback.rank(library, batch_id=drafts[0].batch_id, order=[[drafts[0].id], [drafts[1].id]])
    told = loop.account(library)
    assert (told.decided, told.open) == (0, 1)
    assert "You have judged 1 batch without that." in loop.account_page(told)
    feedback.decide(library, draft_id=drafts[0].id, decision="accept")
    told = loop.account(library)
    assert (told.taken, told.untouched, told.decided, told.open) == (1, 1, 1, 0)
    cost = told.curves[0]
    assert (cost.stretches, cost.change) == ((), None)
    assert (cost.whole.mean, cost.whole.low) == (0.0, None)
    page = loop.account_page(told)
    assert "No line: 1 value in 1 week: too few for a line" in page
    assert "<svg" not in page
    assert (told.minutes.measured, told.minutes.assumed) == (0, 1)


def test_a_batch_that_lay_open_overnight_was_not_read_all_night(library: Library, tmp_path: Path) -> None:
    small_world.build(library, tmp_path, things=("rivers",))
    small_world.base_model(library)
    one, other = batch(library, day(0)), batch(library, day(1))
    feedback.decide(library, draft_id=one[0].id, decision="accept", seconds=14 * 3600)
    feedback.rank(library, batch_id=other[0].batch_id, order=[[other[0].id], [other[1].id]], seconds=90)
    feedback.decide(library, draft_id=other[0].id, decision="accept", seconds=14 * 3600)
    told = loop.account(library, reading=100)
    assert (told.minutes.measured, told.minutes.assumed) == (1, 1)
    assert told.minutes.looked == pytest.approx(1.5 + sum(len(draft.text.split()) for draft in one) / 100)
    assert "hours lost" not in loop.account_page(told)


def test_no_interval_of_a_share_leaves_what_a_share_can_be() -> None:
    costs = [(day(place), cost) for place, cost in enumerate([0.0] * 4 + [0.9])]
    whole = curve("edit cost", costs).whole
    assert (whole.low, whole.high) == (0.0, pytest.approx(0.576, abs=0.001))
    assert curve("place", [(at, 1 - cost) for at, cost in costs]).whole.high == 1.0
    change = curve("edit cost", [(day(place), float(place > 5 and place != 7)) for place in range(12)]).change
    assert change is not None
    assert change.high <= 1.0


def test_what_was_undone_and_what_was_deleted(library: Library, tmp_path: Path) -> None:
    world = small_world.build(library, tmp_path, things=("rivers", "looms"))
    small_world.base_model(library)
    one, other = batch(library, day(0)), batch(library, day(1), words=[word[::-1] for word in WORDS])
    feedback.record_edit(library, draft_id=one[0].id, final_text="Thought better of it.")  # never inserted
    feedback.accept(library, settings=world.settings, draft_id=one[0].id, into="Notes/New.md")
    feedback.accept(library, settings=world.settings, draft_id=other[2].id, into="Notes/Other.md")
    told = loop.account(library)
    assert (told.taken, told.untouched) == (2, 2)
    (world.vault / "Notes/New.md").write_text("", encoding="utf-8")
    feedback.capture(library, settings=world.settings, quiet=0)
    feedback.undo(library, settings=world.settings)
    told = loop.account(library)
    assert (told.taken, told.deleted, told.curves[0].whole.mean) == (1, 1, 1.0)
    assert told.minutes.typed == 0


def test_a_duel_says_who_won_and_counts_for_neither_versions_share(library: Library, tmp_path: Path) -> None:
    small_world.build(library, tmp_path, things=("rivers",))
    for _ in range(2):
        small_world.base_model(library)
    for number in range(3):
        drafts = batch(library, day(number), model="model-1 model-2")
        feedback.decide(library, draft_id=drafts[1].id, decision="accept")
    told = loop.account(library)
    assert [(item.first, item.second, item.duels) for item in told.duels] == [("model-1", "model-2", 3)]
    assert [(item.model_id, item.cost.items, item.taken.items) for item in told.versions] == [("model-1", 0, 0), ("model-2", 3, 0)]
    assert [item.values for item in told.curves if item.name == "place"] == [()]  # in a duel chance says which stands first
    assert "Blind duels: model-1 was preferred to model-2 in 0% of 3" in loop.account_page(told)


def test_what_the_base_wrote_in_anothers_place_is_no_share_of_its_own(library: Library, tmp_path: Path) -> None:
    small_world.build(library, tmp_path, things=("rivers",))
    for _ in range(2):
        small_world.base_model(library)
    for number, turn in enumerate(("model-1", "model-2")):
        drafts = batch(library, day(number), turn=turn)
        feedback.decide(library, draft_id=drafts[0].id, decision="accept")
    (base,) = (item for item in loop.account(library).versions if item.model_id == "model-1")
    assert (base.cost.items, base.taken.items) == (2, 1)


@pytest.mark.parametrize(("decisions", "outcome"), [(["reject"] * 3, 1), (["reject"] * 2, 0), (["reject_all"], 1)])
def test_turned_down_is_what_was_turned_down_whole(library: Library, decisions: list[str], outcome: int) -> None:
    small_world.base_model(library)
    library.sources.upsert([small_world.source("rivers")], origin="api", complete=True)
    for draft, decision in zip(batch(library, day(0)), decisions, strict=False):
        feedback.decide(library, draft_id=draft.id, decision=decision)
    told = loop.account(library)
    assert (told.decided, told.taken) == (outcome, 0)


def test_a_batch_of_which_one_draft_was_rejected_is_not_told_as_ranked(library: Library) -> None:
    small_world.base_model(library)
    library.sources.upsert([small_world.source("rivers")], origin="api", complete=True)
    first, second = batch(library, day(0)), batch(library, day(1))
    feedback.decide(library, draft_id=first[0].id, decision="reject")
    assert "You have judged 1 batch without that." in loop.account_page(loop.account(library))
    feedback.decide(library, batch_id=second[0].batch_id, decision="reject_all")
    assert "1 batch you judged without deciding." in loop.account_page(loop.account(library))


def test_a_ranking_that_was_done_again_turns_nothing_down(library: Library) -> None:
    small_world.base_model(library)
    library.sources.upsert([small_world.source("rivers")], origin="api", complete=True)
    drafts = [draft.id for draft in batch(library, day(0))]
    feedback.rank(library, batch_id="batch-1", order=[], rejected=drafts)
    assert loop.account(library).decided == 1
    feedback.rank(library, batch_id="batch-1", order=[[draft_id] for draft_id in drafts])
    assert (loop.account(library).decided, loop.account(library).open) == (0, 1)


def test_the_command(library: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert main(["report", "--open"]) == 0
    path = Path(capsys.readouterr().out.strip())
    assert path == library.home / "reports" / "report.html"
    assert opened == [path.as_uri()]
    assert main(["report", "--json", "--writing", "30", "--out", str(tmp_path / "out.html")]) == 0
    assert json.loads(capsys.readouterr().out)["minutes"]["writing"] == 30
    assert (tmp_path / "out.html").exists()
    assert main(["report", "--writing", "0"]) == 1
    assert "above 0" in capsys.readouterr().err


@pytest.mark.usefixtures("new_york")
def test_weeks_and_days_are_those_of_the_persons_clock(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Sunday evening, on which the clocks were put forward; in Greenwich it is Monday."""
    sunday = "2026-03-09T02:30:00+00:00"
    found = curve("edit cost", [(sunday, place / 10) for place in range(5)])
    assert [(item.first, item.last) for item in found.stretches] == [("2026-03-02", "2026-03-08")]
    small_world.build(library, tmp_path, things=("rivers",))
    small_world.base_model(library)
    monkeypatch.setattr("notewright.library.events.now", lambda: sunday)
    for _ in range(5):
        feedback.decide(library, draft_id=batch(library, sunday)[0].id, decision="accept")
    page = loop.account_page(loop.account(library))
    assert "decided about on 8 Mar 2026" in page
    assert "9 Mar 2026" not in page


def test_the_time_told_is_that_of_the_decisions(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_world.build(library, tmp_path, things=("rivers",))
    small_world.base_model(library)
    drafts = batch(library, day(0))
    for at, act in (
        (day(0), lambda: feedback.rank(library, batch_id=drafts[0].batch_id, order=[[item.id] for item in drafts])),
        (day(1), lambda: feedback.decide(library, draft_id=drafts[0].id, decision="accept")),
        (day(40), lambda: feedback.record_edit(library, draft_id=drafts[0].id, final_text="Other words.")),
    ):  # fmt: skip
        monkeypatch.setattr("notewright.library.events.now", lambda at=at: at)
        act()
    told = loop.account(library)
    assert (told.decided, told.since, told.until) == (1, day(1), day(1))


def test_a_change_is_told_as_everywhere_else(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies further back than is looked at changes nothing any more."""
    world = small_world.build(library, tmp_path, things=("rivers", "looms"))
    small_world.base_model(library)
    for number in range(60):
        at = day(number)
        [first, *_] = batch(library, at)
        shared = {**feedback_payload(library, first), "source": f"readwise:b-{'looms' if number % 2 else 'rivers'}"}
        library.events.append("decision", first.id, {**shared, "decision": "accept"}, at=at)
        late = {"final_text": f"{first.text} More.", "distance": 0.02 if number < 25 else 0.9}
        library.events.append("edit", first.id, {**shared, **late}, at=at)
    assert loop.account(library).drift == turns.online(library, settings=world.settings).drift != None  # noqa: E711
    monkeypatch.setattr(turns, "REMEMBERED", 40)
    assert turns.online(library, settings=world.settings).drift is None
    assert loop.account(library).drift is None


def test_what_is_the_same_each_time_has_no_interval() -> None:
    found = curve("edit cost", [(day(number * 4), 0.0) for number in range(20)])
    assert (found.whole.mean, found.whole.low, found.whole.high) == (0.0, None, None)
    assert len(found.stretches) >= 3
    assert found.change is None  # "+0 points (+0 to +0)" would tell of a certainty that nobody has
    change = curve("acceptance", [(day(number), float(number > 5)) for number in range(12)], share=True).change
    assert change is not None
    assert (change.difference, change.low, change.high) == (1.0, None, None)
    assert "<svg" in svg(found, label="edit cost")
    assert curve("acceptance", [(day(0), 1.0)] * 20, share=True).whole.low < 1


def test_halves_that_are_alike_seldom_look_different() -> None:
    """An interval of 90 % leaves out the truth once in ten times, also of few values."""
    rng = random.Random(3)
    wrong = 0
    for _ in range(200):
        change = curve("edit cost", [(day(number), rng.gauss(0.5, 0.1)) for number in range(12)]).change
        wrong += change.low > 0 or change.high < 0
    assert wrong <= 24


def test_what_measured_on_what_teaches_is_no_held_out_figure(library: Library) -> None:
    small_world.base_model(library)
    figures = {"mean": 0.4, "interval": [0.3, 0.5], "items": 9}
    for split, items in (("later", 0), ("train", 0), ("test", 9), ("valid+test", 9)):
        library.models.set_metrics("model-1", {"evaluation": {**figures, "split": split}})
        assert loop.account(library).versions[0].held_out.items == items


def test_what_comes_in_late_stands_where_it_happened(library: Library, tmp_path: Path) -> None:
    small_world.build(library, tmp_path, things=("rivers",))
    small_world.base_model(library)
    for at in (day(20), day(30), day(0), day(10)):
        [first, *_] = batch(library, at)
        library.events.append("decision", first.id, feedback_payload(library, first, "accept"), at=at)
        library.events.append("edit", first.id, feedback_payload(library, first, final_text=f"{first.text} On {at}."), at=at)
    told = loop.account(library)
    assert (told.since, told.until) == (day(0), day(30))
    assert [at for at, _ in told.curves[0].values] == [day(0), day(10), day(20), day(30)]
    assert (told.examples[0].at, told.examples[-1].at) == (day(30), day(0))


def feedback_payload(library: Library, draft: Draft, decision: str = "", **more: object) -> dict[str, object]:
    shown = [{"draft": item.id, "model": item.model_id, "sampling": {}} for item in library.drafts.batch(draft.batch_id)]
    return {"batch": draft.batch_id, "shown": shown, **({"decision": decision} if decision else {}), **more}
