"""The protocol of benchmarks/readers.py on small readers and scripted engines: that it is sound, not what a model does."""

from __future__ import annotations

import importlib
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import reader_figures
import readers
from reader_persona import World

from notewright.evaluation.readers import SEEN, UNSEEN, Item, near
from notewright.library import Library
from notewright.seedling.styles import DEFAULTS, write
from small_world import ScriptedEngine

PLAN = replace(
    readers.QUICK,
    name="tiny",
    readers=("mixed-100",),
    arms=("floor", "nonsense", "k-shot", "base"),
    chapters=3,
    first=0,
    every=3,
    history=4,
    kept=1,
)
SHOWN = {"seconds"}  # what may differ between two runs of the same


class Scripted(readers.Cell):
    """The arm's own switches, and a model that writes in ways near the reader's own, a candidate for every seed."""

    calls: list[dict[str, object]]

    def engine(self, task: Any, at: int, seed: int) -> Any:
        def text(_: Any, number: int) -> str:
            return write(near(self.world.home, random.Random(number), 0.3), task.prompt)

        made = super().engine(task, at, seed) or ScriptedEngine(text)
        self.calls = [*getattr(self, "calls", []), *([made.calls] if isinstance(made, ScriptedEngine) else [])]
        return made


def plain(rows: list[readers.Row]) -> list[Any]:
    """Rows without clocks."""
    kept = [{key: value for key, value in row.items() if key not in SHOWN} for row in rows]
    for row in kept:
        if "update" in row:
            row["update"] = {key: value for key, value in row["update"].items() if key not in SHOWN}
    return kept


@pytest.fixture(scope="module")
def world() -> World:
    return readers.world_of(PLAN, "mixed-100")


@pytest.fixture(scope="module")
def out(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All arms of the plan, run to their end."""
    folder = tmp_path_factory.mktemp("readers")
    for arm in PLAN.arms:
        place = readers.cell_folder(folder, world.name, arm, 0)
        place.mkdir(parents=True)
        cell = Scripted(PLAN, world, readers.ARMS[arm], 0, place, device="cpu")
        assert len(cell.run()) == PLAN.chapters
        assert not [path for path in place.iterdir() if path.is_dir()]  # the home was thrown away
        (place / "calls").write_text(json.dumps([{"n": c["n"], "seed": c["seed"]} for calls in getattr(cell, "calls", []) for c in calls]))
    return folder


@pytest.fixture(scope="module")
def runs(out: Path) -> dict[str, Any]:
    return readers.by_arm(readers.finished(out, PLAN), PLAN)


def of(runs: dict[str, Any], arm: str) -> list[readers.Row]:
    rows: list[readers.Row] = runs[arm]["mixed-100"][0]
    return rows


def test_who_writes_what_is_wanted_costs_only_nuisance_and_is_always_taken(runs: dict[str, Any]) -> None:
    rows = of(runs, "floor")
    assert all(row["taken"] and row["needed"] == 0 and not row["harm"] for row in rows)
    assert sum(row["cost"] for row in rows) / len(rows) < 0.1
    assert rows[-1]["final"]["distance"] == [0]
    assert rows[-1]["final"]["utility"] == [0]


def test_nonsense_costs_most_and_is_never_taken(runs: dict[str, Any]) -> None:
    assert not any(row["taken"] for row in of(runs, "nonsense"))
    for arm in ("floor", "k-shot", "base"):
        assert all(row["cost"] < worst["cost"] for row, worst in zip(of(runs, arm), of(runs, "nonsense"), strict=True))


def test_arms_meet_the_same_chapters_seeds_and_budget(out: Path, runs: dict[str, Any]) -> None:
    for key in ("at", "asked", "seed"):
        told = {arm: [row[key] for row in of(runs, arm)] for arm in PLAN.arms}
        assert all(values == told["floor"] for values in told.values())
    base, shot = (json.loads((readers.cell_folder(out, "mixed-100", arm, 0) / "calls").read_text()) for arm in ("base", "k-shot"))
    assert base == shot  # how many candidates, and from which seeds
    assert [call["n"] for call in base].count(PLAN.candidates) == PLAN.chapters
    assert {row["examples"] for row in of(runs, "base")} == {0}
    assert max(row["examples"] for row in of(runs, "k-shot")) > 0
    assert any(row["remark"] for row in of(runs, "k-shot"))
    assert not any(row["remark"] for row in of(runs, "base"))


def test_a_killed_run_goes_on_with_the_same_figures(world: World, runs: dict[str, Any], tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    class Dying(Scripted):
        def judged(self, library: Any, task: Any, best: Any, taken: bool, at: int) -> str:
            left = super().judged(library, task, best, taken, at)
            if at == 1:  # in the middle of a chapter: ranked and written down, but not finished
                raise Killed
            return left

    with pytest.raises(Killed):
        Dying(PLAN, world, readers.ARMS["k-shot"], 0, tmp_path, device="cpu").run()
    assert len(sorted(tmp_path.glob("0*.json"))) == 1
    (tmp_path / "kept-part").mkdir()  # killed once more, while a home was being kept
    again = Scripted(PLAN, world, readers.ARMS["k-shot"], 0, tmp_path, device="cpu")
    assert plain(again.run()) == plain(of(runs, "k-shot"))
    assert plain(Dying(PLAN, world, readers.ARMS["k-shot"], 0, tmp_path, device="cpu").run()) == plain(of(runs, "k-shot"))  # all is there


def test_what_an_arm_may_not_learn_from_is_not_recorded(world: World, tmp_path: Path) -> None:
    """The notes reach the vault all the same."""
    told: list[str] = []
    arm = readers.Arm("silent", rankings=False, edits=False, rules=False)
    cell = Scripted(replace(PLAN, chapters=2), world, arm, 0, tmp_path, device="cpu")

    def look(row: readers.Row) -> None:
        with Library.open(cell.settings.home) as library:
            told.extend(event.kind for event in library.events.all())
            notes = [path.read_text() for path in cell.settings.need_vault().glob("*.md")]
        assert sum(text.count(world.stream[row["at"]].prompt.chapter) for text in notes) >= 1

    cell.run(look)
    assert {"decision"} == set(told) - {"pair"}


def test_an_arm_s_switches_are_put_back(world: World, tmp_path: Path) -> None:
    loop, writing = (importlib.import_module(f"notewright.{name}") for name in ("loop.improve", "drafting.draft"))
    before = loop.REFINEMENTS, writing.allowed
    for arm, kept in (("full-ditto", ["edits", "dpo"]), ("full-dpo", ["ditto", "edits"]), ("full-taste", ["ditto", "edits", "dpo"])):
        with readers.Cell(PLAN, world, readers.ARMS[arm], 0, tmp_path).switches():
            assert [method for _, method, _ in loop.REFINEMENTS] == kept
            assert (writing.allowed is before[1]) == (arm != "full-taste")
    assert (loop.REFINEMENTS, writing.allowed) == before


def test_without_the_books_the_sample_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOTEWRIGHT_CORPORA", str(tmp_path / "none"))
    world = World("voice", 100, history=12, stream=6, test=2)
    assert world.texts == "highlights of the bundled sample"
    assert len({task.name for task in (*world.history, *world.stream, *world.test)}) == 20


def test_rows_of_another_plan_are_refused(tmp_path: Path) -> None:
    readers.claim(tmp_path, PLAN)
    readers.claim(tmp_path, replace(PLAN, arms=("base",), readers=("voice-1",)))  # shared work
    with pytest.raises(SystemExit, match="another plan"):
        readers.claim(tmp_path, replace(PLAN, chapters=4))


@pytest.mark.parametrize("family", ["context", "drifting", "near-default"])
def test_what_a_reader_wants(family: str) -> None:
    world = World(family, 100, history=6, stream=4, test=1)
    again = World(family, 100, history=6, stream=4, test=1)
    tasks = [*world.history, *world.stream, *world.test]
    assert [world.wanted(task.prompt, 3) for task in tasks] == [again.wanted(task.prompt, 3) for task in tasks]
    assert len({task.name for task in tasks}) == len(tasks)
    for task in tasks:
        wanted = Item(task.prompt, world.wanted(task.prompt, 0))
        assert world.judge.utility(wanted) == 0 > world.judge.utility(Item(task.prompt, "something else"))
    changed = [task for task in tasks if world.wanted(task.prompt, 0) != world.wanted(task.prompt, 3)]
    assert bool(changed) == (family == "drifting")
    assert (world.home == DEFAULTS[0], bool(world.quirks)) == ((True, False) if family == "near-default" else (False, True))
    assert world.home.held_out()
    wants = {want.measure for want in world.judge.reader.wants}
    assert wants & set(SEEN)
    assert wants & set(UNSEEN)


@pytest.mark.parametrize(("family", "number"), [("drifting", 101), ("context", 119)])
def test_no_chapter_leaves_a_changed_reader_nothing(family: str, number: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOTEWRIGHT_CORPORA", str(tmp_path / "none"))
    world = World(family, number, history=6, stream=4, test=1)
    assert world.second is not None
    assert world.second.select == "annotated" != world.home.select
    tasks = [*world.history, *world.stream, *world.test]
    assert all(any(item.annotation for item in task.prompt.highlights) for task in tasks)
    assert len(world.sources) == 6


def row(at: int, cost: float, *, taken: bool = True, harm: bool = False, update: bool = False) -> readers.Row:
    made: readers.Row = {"at": at, "cost": cost, "needed": cost, "taken": taken, "harm": harm, "gate": False, "tokens": 1, "written": 8}
    if update:
        made["update"] = {"before": "model-1", "after": "model-2", "worse": harm, "seconds": 1, "reason": "better", **KEPT}
    return made | {"seconds": 1.0, "code": "0123abcd", "final": {"distance": [cost], "utility": [-cost]}}


KEPT = {"kept before": {"distance": [0.5]}, "kept after": {"distance": [0.4]}}


def invented(*, worse: bool = False) -> dict[str, Any]:
    """Runs in which the loop costs two fifths of what k-shot does, for every reader."""
    names = [f"{family}-{number}" for family in ("mixed", "voice", "near-default") for number in range(2)]
    made: dict[str, Any] = {}
    for arm, share in (("k-shot", 1.0), ("full", 0.4)):
        for place, name in enumerate(names):
            for seed in range(2):
                harm = worse and arm == "full" and name.startswith("near")
                rows = [row(at, share * (0.2 + 0.02 * place), harm=harm and not at, update=not at % 10) for at in range(40)]
                made.setdefault(arm, {}).setdefault(name, {})[seed] = rows
    return made


PLANNED = {
    "name": "full",
    "arms": ["k-shot", "full"],
    "readers": [],
    "seeds": [0, 1],
    "chapters": 40,
    "candidates": 8,
    "tokens": 9,
    "shown": 4,
}
ABOUT = {"base": "0", "texts": "books"}


def test_the_primary_endpoints() -> None:
    titles = {"k-shot": "k-shot", "full": "the loop"}
    plan = PLANNED | {"readers": list(invented()["full"])}
    found = reader_figures.figures(invented(), plan, ABOUT)
    assert found["primary"]["effort saved"] == pytest.approx((0.6, 0.6, 0.6))
    assert found["primary"]["harm rate"] == (0, 0, 0)
    assert [line.count("| holds |") for line in reader_figures.verdicts(found)[2:]] == [1, 1, 1]
    harmed = reader_figures.figures(invented(worse=True), plan, ABOUT)
    assert harmed["primary"]["worse versions, near-default"] == 4
    assert "does not hold" in reader_figures.verdicts(harmed)[-1]
    part = {arm: {name: seeds for name, seeds in cells.items() if name != "voice-1"} for arm, cells in invented().items()}
    partly = reader_figures.figures(part, plan, ABOUT)
    assert all("not decided" in line for line in reader_figures.verdicts(partly)[2:])  # a part of the plan decides nothing
    assert "decides nothing" in reader_figures.page(partly, titles, plan)
    assert json.loads(json.dumps(found, allow_nan=False))


def test_few_readers_have_wide_intervals_and_one_has_none() -> None:
    units = [[[1.0], [2.0]], [[5.0], [6.0]]]
    middle, low, high = reader_figures.bootstrap(units, lambda means: means[0]) or (0, 0, 0)
    assert middle == 3.5
    assert low is not None
    assert high is not None
    assert low <= 1.5
    assert high >= 5.5
    assert reader_figures.bootstrap(units[:1], lambda means: means[0]) == (1.5, None, None)
    assert reader_figures.bootstrap([], lambda means: means[0]) is None


def test_how_soon_drafts_are_taken() -> None:
    rows = [row(at, 0.1, taken=at >= 3) for at in range(12)]
    assert reader_figures.first_streak(rows, 5) == 6
    assert reader_figures.first_streak(rows[:5], 5) is None
    assert reader_figures.median_time([4, 9, None]) == 9
    assert reader_figures.median_time([4, None, None]) is None


def test_the_page_of_a_quick_run_says_how_little_it_shows(runs: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_figures, "DOCS", tmp_path)
    plan = {**readers.asdict(PLAN), "name": "quick"}
    titles = {name: arm.title for name, arm in readers.ARMS.items()}
    told = reader_figures.publish(runs, titles, plan=plan, about=ABOUT, into=tmp_path / "made.json")
    page = (tmp_path / "results.md").read_text()
    assert "proves nothing" in page
    assert "No full run has been made yet" in page.replace("\n", " ")
    assert titles["floor"] in told
    assert "holds" not in told
    assert json.loads((tmp_path / "made.json").read_text())["arms"]["floor"]["still needed"] == 0
    assert (tmp_path / "readers.png").stat().st_size > 10_000


def test_published_runs_count_as_whole_runs(runs: dict[str, Any], tmp_path: Path) -> None:
    """What a results file holds gives the same figures as the chapters themselves; of another plan it is refused."""
    into, plan = tmp_path / "made.json", readers.asdict(PLAN)
    about = readers.fingerprint(PLAN) | {"texts": "books"}
    into.write_text(json.dumps(reader_figures.figures(runs, plan, about)), encoding="utf-8")
    held = readers.by_arm(readers.published(into, PLAN), PLAN)
    assert reader_figures.figures(held, plan, about) == reader_figures.figures(runs, plan, about)
    assert all(row["code"] == readers.code() for row in of(held, "floor"))
    with pytest.raises(SystemExit, match="another plan"):
        readers.published(into, replace(PLAN, kept=2))
    assert readers.published(tmp_path / "none.json", PLAN) == {}


def test_a_short_run_decides_only_when_it_is_whole(runs: dict[str, Any]) -> None:
    """On the runs of the small plan, with k-shot as the loop and the nonsense as its rival."""
    cells = {"full": runs["k-shot"], "k-shot": runs["nonsense"]}
    titles = {name: arm.title for name, arm in readers.ARMS.items()}
    plan = {**readers.asdict(PLAN), "name": "short", "arms": ("full", "k-shot")}
    whole = reader_figures.page(reader_figures.figures(cells, plan, ABOUT), titles, plan)
    assert "This is the short run" in whole
    assert "--short --write" in whole
    assert "proves nothing" not in whole
    assert "hold" in whole.split("effort saved against k-shot")[1].split("\n")[0]
    assert "Every training" in whole
    missing = {**plan, "readers": ("mixed-100", "voice-100")}
    part = reader_figures.page(reader_figures.figures(cells, missing, ABOUT), titles, missing)
    assert "what follows decides nothing" in part
    assert part.count("not decided by this run") == 3
    families = sorted(reader.rpartition("-")[0] for reader in readers.SHORT.readers)
    assert families == sorted(2 * [*readers.FAMILIES, readers.NEAR_DEFAULT])
    assert {int(reader.rpartition("-")[2]) for reader in readers.SHORT.readers} == {12, 13}  # nothing was seen of them before (decision 20)
    assert readers.fingerprint(readers.SHORT) != readers.fingerprint(readers.FULL)


def test_what_a_part_is_worth_is_told_beside_the_loop(runs: dict[str, Any]) -> None:
    cells = {"full": runs["k-shot"], "k-shot": runs["k-shot"], "nonsense": runs["nonsense"], "floor": runs["floor"]}
    titles = {name: arm.title for name, arm in readers.ARMS.items()}
    plan = {**readers.asdict(PLAN), "name": "parts", "arms": tuple(cells)}
    found = reader_figures.figures(cells, plan, ABOUT)
    text = reader_figures.page(found, titles, plan)
    assert "--parts --write" in text
    assert "hold |" not in text  # no aim hangs on it
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in reader_figures.by_part(found, titles)}
    assert titles["full"] not in rows
    assert "+0.000" in rows[titles["k-shot"]]
    assert found["arms"]["nonsense"]["more than the loop"][0] > 0 > found["arms"]["floor"]["more than the loop"][0]
    assert {reader.rpartition("-")[0] for reader in readers.PARTS.readers} == set(readers.FAMILIES)
    assert set(readers.PARTS.arms) == set(readers.ARMS)
    assert readers.fingerprint(readers.PARTS) != readers.fingerprint(readers.SHORT)
