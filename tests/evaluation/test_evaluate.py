"""Greedy drafts against the person's passages: figures, statistics, what is kept."""

from __future__ import annotations

import importlib
import json
import math
import random
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

import small_world
import tiny_models
from notewright import datasets, drafting, evaluation, feedback, reward
from notewright.cli import main
from notewright.errors import Invalid, NotFound
from notewright.evaluation import EvaluationReport, Item
from notewright.evaluation.report import interval, surest
from notewright.library import Library, splits
from notewright.library.database import now
from notewright.library.splits import SHARES
from notewright.models.room import likely_note, prompt_tokens
from notewright.records import Draft
from small_world import ScriptedEngine


@pytest.fixture
def world(library: Library, tmp_path: Path) -> small_world.World:
    made = small_world.build(library, tmp_path)
    datasets.build(library, kind="sft", split=(0.5, 0.1, 0.4))
    small_world.base_model(library)
    return made


def gold(library: Library) -> dict[str, str]:
    """Passages by the text of their prompt's last turn."""
    return {row["prompt"][-1]["content"]: row["completion"][0]["content"] for row in datasets.load(library.datasets.all()[0], "test")}


def evaluate(world: small_world.World, engine: ScriptedEngine, **options) -> EvaluationReport:
    return evaluation.evaluate(world.library, settings=world.settings, engine=engine, **options)


def test_the_persons_own_texts_are_at_distance_zero(world: small_world.World) -> None:
    passages = gold(world.library)
    engine = ScriptedEngine(lambda messages, _: passages[messages[-1]["content"]] + "\n")
    report = evaluate(world, engine)
    assert (report.mean, report.median, report.mean_chars, report.exact, report.valid) == (0, 0, 0, 1, 1)
    assert report.interval == (0, 0)
    assert 0 < report.copied < 1
    assert {item.source_id for item in report.items} == {row["source_id"] for row in datasets.load(world.library.datasets.all()[0], "test")}
    assert all((call["n"], call["temperature"], call["greedy_first"]) == (1, 0.0, True) for call in engine.calls)


def test_bad_drafts_are_far_and_invalid(world: small_world.World) -> None:
    report = evaluate(world, ScriptedEngine(lambda *_: "In 1999 sure"))
    assert report.mean > 0.9
    assert (report.exact, report.valid) == (0, 0)
    assert any("1999" in problem for problem in report.items[0].problems)
    unfinished = evaluate(world, ScriptedEngine(lambda *_: "## A\n- Words.\n", finished=False))
    assert unfinished.valid == 0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("## A\n- Of [[A Note Nobody Wrote]] and more.\n", ""),
        ("## A\n- Of [[Rivers]] and more.\n", ""),
        ("## A\n- Seen at [home](https://example.org/x).\n", ""),
        ("## A\n- Of it.\n\n![[invented.png]]\n", "the embedded file invented.png is neither in the highlights nor in the vault"),
    ],
)
def test_a_draft_is_mended_and_judged_as_in_drafting(world: small_world.World, text: str, problem: str) -> None:
    item = evaluate(world, ScriptedEngine(lambda *_: text)).items[0]
    row = datasets.load(world.library.datasets.all()[0], "test")[0]
    (served,) = drafting.draft(
        world.library, settings=world.settings, source=row["source_id"], chapter=row["chapter"], n=1, engine=ScriptedEngine(lambda *_: text)
    )
    assert (item.draft, item.problems) == (served.text, served.problems)
    assert [told for told in item.problems if "invented" in told] == ([problem] if problem else [])
    assert "Nobody Wrote]]" not in item.draft


def test_figures_go_to_the_model_and_the_report_to_the_logs(world: small_world.World) -> None:
    report = evaluate(world, ScriptedEngine(lambda *_: "words"))
    model = world.library.models.get(report.model_id)
    assert model.metrics["edit_distance"] == report.mean
    assert model.metrics["evaluation"] == report.metrics()
    assert Path(report.path).parent == world.library.home / "logs"
    assert evaluation.read_report(Path(report.path)) == report
    assert evaluate(world, ScriptedEngine(lambda *_: "words")).path != report.path


def test_a_part_or_another_split_leaves_the_headline_alone(world: small_world.World) -> None:
    assert len(evaluate(world, ScriptedEngine(lambda *_: "words"), limit=2).items) == 2
    evaluate(world, ScriptedEngine(lambda *_: "words"), split="train")
    assert "edit_distance" not in world.library.models.get("model-1").metrics
    assert world.library.models.get("model-1").metrics["evaluation"]["part"]
    whole = evaluate(world, ScriptedEngine(lambda *_: "words"))
    for part in ({"limit": 1}, {"split": "train"}):
        evaluate(world, ScriptedEngine(lambda *_: "other words"), **part)
        assert world.library.models.get("model-1").metrics["evaluation"] == whole.metrics()


def test_a_reward_model_writes_nothing_to_measure(world: small_world.World) -> None:
    library = world.library
    judge = library.models.add(replace(library.models.get("model-1"), id=library.models.new_id(), role="reward"))
    with pytest.raises(Invalid, match=f"{judge.id} is a reward model"):
        evaluate(world, ScriptedEngine(lambda *_: "words"), model_id=judge.id)
    with pytest.raises(Invalid, match=f"{judge.id} is a reward model"):
        drafting.draft(library, settings=world.settings, source="rivers", model_id=judge.id, engine=ScriptedEngine(lambda *_: "words"))
    assert library.drafts.all() == []


def test_what_was_asked_with_examples_is_kept_apart(world: small_world.World) -> None:
    plain = evaluate(world, ScriptedEngine(lambda *_: "words"))
    prompted = evaluate(world, ScriptedEngine(lambda *_: "In other words"), examples=True)
    metrics = world.library.models.get("model-1").metrics
    assert (metrics["edit_distance"], metrics["evaluation"]) == (plain.mean, plain.metrics())
    assert (metrics["edit_distance_with_examples"], metrics["evaluation_with_examples"]) == (prompted.mean, prompted.metrics())


def test_with_and_without_examples(world: small_world.World) -> None:
    engine = ScriptedEngine(lambda *_: "words")
    evaluate(world, engine, limit=1)
    evaluate(world, engine, limit=1, examples=True)
    assert [len(call["messages"]) for call in engine.calls] == [2, 6]


@pytest.mark.parametrize(("room", "turns"), [(6, 6), (5, 4), (4, 4), (3, 2), (0, 2)])
def test_as_many_examples_as_fit(world: small_world.World, monkeypatch: pytest.MonkeyPatch, room: int, turns: int) -> None:
    """As in drafting: the least alike goes first."""
    module = importlib.import_module("notewright.writing.parts")
    monkeypatch.setattr(module, "fits", lambda writer, messages, longest: len(messages) <= room)
    engine = ScriptedEngine(lambda *_: "words")
    evaluate(world, engine, limit=1, examples=True)
    whole = datasets.load(world.library.datasets.all()[0], "test")[0]["prompt_with_examples"]
    assert engine.calls[0]["messages"] == [whole[0], *whole[len(whole) - turns + 1 :]]


def test_what_a_model_has_no_room_for_is_written_in_parts(world: small_world.World) -> None:
    """As in drafting."""
    at_once = small_world.Small(1 << 20)
    whole = evaluate(world, at_once)
    longest = max(prompt_tokens(at_once, call["messages"]) + likely_note(at_once, call["messages"]) for call in at_once.calls)
    engine, done = small_world.Small(longest - 1), []
    report = evaluate(world, engine, progress=lambda *told: done.append(told))
    assert len(engine.calls) > len(at_once.calls)
    assert [(item.draft, item.prompt) for item in report.items] == [(item.draft, item.prompt) for item in whole.items]
    assert done[-1] == (len(report.items), len(report.items))


def test_a_passage_that_no_part_has_room_for_keeps_no_other_from_being_measured(world: small_world.World, tmp_path: Path) -> None:
    dataset, rows = evaluation.held_out(world.library)
    giant = rows[0]["prompt"][-1]
    giant["content"] = giant["content"].replace("The first fact", "The first fact " + "of many a fact " * 400)
    (Path(world.library.home) / "datasets" / dataset.id / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    folder = tiny_models.build("qwen2", tmp_path / "tiny", context=1024)
    report = evaluation.evaluate(world.library, settings=world.settings, base=str(folder), max_new_tokens=20)
    assert [bool(item.draft) for item in report.items] == [False] + [True] * (len(rows) - 1)
    assert (report.items[0].ned, report.items[0].finished) == (1, False)


def test_rules_that_set_limits_are_counted(world: small_world.World) -> None:
    assert evaluate(world, ScriptedEngine(lambda *_: "words")).broken is None
    for rule in ("no tables", "at most 1 bullets", "start with the main claim"):
        reward.add_rule(world.library, rule)
    report = evaluate(world, ScriptedEngine(lambda *_: "- One.\n- Two.\n"))
    assert report.rules == ("no-tables", "at-most-1-bullets")
    assert {item.broken for item in report.items} == {("at-most-1-bullets",)}
    assert report.broken == report.metrics()["broken_rules"] == 1
    assert evaluation.read_report(Path(report.path)) == report
    assert evaluation.merge([report, report]).broken == 1
    assert evaluation.merge([report, replace(report, rules=("no-tables",))]).broken == 0


def test_progress_counts_passages(world: small_world.World) -> None:
    seen: list[tuple[int, int]] = []
    evaluate(world, ScriptedEngine(lambda *_: "words"), limit=2, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


def test_what_cannot_be_measured(world: small_world.World) -> None:
    engine = ScriptedEngine(lambda *_: "words")
    for options, words in (
        ({"split": "dev"}, "no split"),
        ({"split": "later"}, "no later chapters"),
        ({"model_id": "model-1", "base": "x"}, "not both"),
        ({"limit": 0}, "no rows"),
    ):
        with pytest.raises(Invalid, match=words):
            evaluate(world, engine, **options)
    for options in ({"dataset_id": "dataset-9"}, {"model_id": "model-9"}):
        with pytest.raises(NotFound):
            evaluate(world, engine, **options)


def test_nothing_kept_back_and_no_dataset(library: Library, tmp_path: Path) -> None:
    world = small_world.build(library, tmp_path, things=("rivers", "looms"))
    with pytest.raises(NotFound, match="no dataset"):
        evaluate(world, ScriptedEngine(lambda *_: ""))
    datasets.build(library, kind="sft", split=SHARES)
    with pytest.raises(Invalid, match="no rows in test") as caught:
        evaluate(world, ScriptedEngine(lambda *_: ""))
    assert "dataset sft" in caught.value.hint


@pytest.mark.slow
def test_a_plain_base_is_measured_with_its_own_engine(world: small_world.World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from notewright.models.engine import Engine

    closed: list[Engine] = []
    close = Engine.close
    monkeypatch.setattr(Engine, "close", lambda engine: (closed.append(engine), close(engine)))
    folder, library = tiny_models.build("gptj", tmp_path / "tiny"), world.library
    asked, batch = ({"role": "user", "content": "1. A fact"},), library.drafts.new_batch()
    held = next(source for source, split in splits.known(library).items() if split == "test")
    drafts = library.drafts.add(
        Draft("", batch, held, "", "model-1", text, 0, 0, now(), messages=asked) for text in ("A fact of it.", "Words")
    )
    feedback.rank(library, batch_id=batch, order=[[drafts[0].id], [drafts[1].id]])
    report = evaluation.evaluate(library, settings=world.settings, base=str(folder), max_new_tokens=4)
    assert library.models.get(report.model_id).role == "base"
    assert report.mean > 0.5
    assert report.choice_accuracy is not None
    assert (report.choice_accuracy.rankings, report.choice_accuracy.pairs) == (1, 1)
    assert len(closed) == 1  # its memory is given back


def report(neds: list[float], **change) -> EvaluationReport:
    items = tuple(Item(f"pair-{number}", "s", "Notes/A $x$.md", ned, ned, 0.5, False, (), "", "") for number, ned in enumerate(neds))
    made = EvaluationReport("model-1", "dataset-1", "test", False, "2026", 0.5, 0.5, (0.4, 0.6), 0.5, 0.5, 0.0, 1.0, items=items)
    return replace(made, **change)


def test_a_clear_improvement_is_sure(tmp_path: Path) -> None:
    before, after = report([0.8, 0.7, 0.9, 0.6]), report([0.5, 0.6, 0.6, 0.5])
    found = evaluation.compare(before, after)
    assert found.items == 4
    assert found.difference == pytest.approx(-0.2)
    assert found.relative == pytest.approx(-0.2 / 0.75)
    assert found.low <= found.difference <= found.high < 0
    assert evaluation.compare(after, before).low > 0
    assert evaluation.compare(before, after) == found


def test_what_is_from_before_a_change_of_the_person_weighs_a_quarter() -> None:
    before, after = report([0.2, 0.2, 0.8, 0.8]), report([0.4, 0.4, 0.4, 0.4])
    assert evaluation.compare(before, after).difference == pytest.approx(-0.1)
    items = tuple(replace(item, former=number < 2) for number, item in enumerate(after.items))
    found = evaluation.compare(before, replace(after, items=items))
    assert found.difference == pytest.approx((0.25 * 0.2 * 2 - 0.4 * 2) / 2.5)
    assert (found.before, found.after) == (pytest.approx((0.25 * 0.2 * 2 + 0.8 * 2) / 2.5), pytest.approx(0.4))


@pytest.mark.parametrize("passages", [6, 12, 30])
@pytest.mark.parametrize("alike", [0.0, 0.8])
def test_of_eight_that_are_no_better_one_passes_as_seldom_as_it_says(passages: int, alike: float) -> None:
    rng, tries, sure = random.Random(passages), 300, 0
    for _ in range(tries):
        before, common = ([rng.gauss(0.5, 0.1) for _ in range(passages)] for _ in range(2))
        versions = [[alike * ned + (1 - alike) * rng.gauss(0.5, 0.1) for ned in common] for _ in range(8)]
        sure += max(evaluation.sure_of_each(report(before), [report(neds) for neds in versions])) >= 0.9
    assert sure <= tries / 10 + 2.5 * math.sqrt(tries * 0.09)


def test_much_alike_ones_need_hardly_more_proof_than_one() -> None:
    rng = random.Random(1)
    before = [rng.uniform(0.3, 0.7) for _ in range(10)]
    after = [ned - 0.04 + rng.gauss(0, 0.06) for ned in before]
    alike = [[ned + rng.gauss(0, 0.002) for ned in after] for _ in range(7)]
    apart = [[ned + rng.gauss(0, 0.06) for ned in before] for _ in range(7)]
    alone, among, others = (
        evaluation.sure_of_each(report(before), [report(neds) for neds in (after, *more)])[0] for more in ([], alike, apart)
    )
    assert others < 0.9 < among <= alone


def test_of_more_passages_than_all_changes_are_tried_of_the_better_is_told_from_the_worse() -> None:
    rng = random.Random(2)
    before = [rng.uniform(0.3, 0.7) for _ in range(30)]
    better, worse = (report([ned + shift + rng.gauss(0, 0.05) for ned in before]) for shift in (-0.05, 0.05))
    found = evaluation.sure_of_each(report(before), [worse, better])
    assert found[0] < 0.01
    assert 0.999 < found[1] <= surest(30)


def test_what_is_the_same_everywhere_and_single_passages() -> None:
    same = report([0.5, 0.4, 0.6])
    assert evaluation.sure_of_each(same, [same, report([0.4, 0.3, 0.5])]) == [0.0, 7 / 8]
    assert evaluation.sure_of_each(report([0.5]), [report([0.1])]) == [0.5]
    with pytest.raises(Invalid, match="share no passage"):
        evaluation.sure_of_each(report([]), [report([0.5])])


def test_former_passages_count_less_for_how_sure_it_is() -> None:
    before, after = report([0.2, 0.2, *[0.8] * 6]), report([0.6, 0.5, *[0.4 + 0.01 * number for number in range(6)]])
    items = tuple(replace(item, former=number < 2) for number, item in enumerate(before.items))
    assert evaluation.sure_of_each(replace(before, items=items), [after]) > evaluation.sure_of_each(before, [after])


def test_only_shared_passages_are_compared() -> None:
    assert evaluation.compare(report([0.8, 0.7]), report([0.6])).items == 1
    with pytest.raises(Invalid, match="share no passage"):
        evaluation.compare(report([]), report([0.5]))


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_the_interval_lies_around_the_mean_and_a_report_s_among_the_distances_that_there_are(values: list[float]) -> None:
    low, high = interval(values, rounds=200)
    assert low - 1e-9 <= fmean(values) <= high + 1e-9
    assert len(set(values)) > 1 or high - low < 1e-9
    low, high = report(values).interval or (2, 2)
    assert 0 <= low <= high <= 1


def test_a_single_passage_has_no_interval(world: small_world.World, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    one, two = (evaluate(world, ScriptedEngine(lambda *_: "words"), limit=limit) for limit in (1, 2))
    assert one.interval is None
    assert two.interval is not None
    assert evaluation.read_report(Path(one.path)) == one
    for report, told in ((one, False), (two, True)):
        monkeypatch.setattr(evaluation, "evaluate", lambda *_, report=report, **__: report)
        assert main(["evaluate"]) == 0
        assert ("90 % interval" in next(line for line in capsys.readouterr().out.splitlines() if "edit distance" in line)) == told
    assert main(["evaluate", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["interval"] == list(two.interval)
    old = json.loads(Path(one.path).read_text())
    Path(one.path).write_text(json.dumps({**old, "interval": [0.5, 0.5]}))
    assert evaluation.read_report(Path(one.path)) == one, "reports from before have a point"


def test_few_values_tell_as_little_as_student_says() -> None:
    """Of six normal values the 90 % interval holds the truth nine times in ten; without the spread it would not be eight."""
    rng = random.Random(0)
    held = 0
    for _ in range(400):
        low, high = interval([rng.gauss(0, 1) for _ in range(6)], rounds=300)
        held += low <= 0 <= high
    assert held >= 0.87 * 400


def test_the_interval_of_many_values_is_the_textbook_one() -> None:
    values = [0.0, 1.0] * 200
    low, high = interval(values)
    assert (low, high) == pytest.approx((0.5 - 1.645 * 0.025, 0.5 + 1.645 * 0.025), abs=0.006)


def test_a_plot_of_before_and_after(tmp_path: Path) -> None:
    path = evaluation.plot([report([0.8, 0.7, 0.3]), report([0.5, 0.6, 0.2])], tmp_path / "plots" / "x.png", labels=["before", "after"])
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size > 10_000
    with pytest.raises(Invalid):
        evaluation.plot([], tmp_path / "none.png")


def test_a_file_that_is_no_report(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    with pytest.raises(NotFound):
        evaluation.read_report(path)
    for text in ("{", json.dumps({"mean": 1}), "[]"):
        path.write_text(text)
        with pytest.raises(Invalid):
            evaluation.read_report(path)


def test_a_draft_that_is_known_is_not_written_again(world: small_world.World) -> None:
    """Known is what the same version, made up as it is, wrote for the same prompt."""

    class Told(ScriptedEngine):
        makeup = "tiny cpu"

    engine = Told(lambda messages, _: f"## Note\n- See [[Nowhere]] and\n{messages[-1]['content'][-30:]}\n")
    seen: list[tuple[int, int]] = []

    def measured(**options) -> tuple[EvaluationReport, int]:
        engine.calls.clear()
        report = evaluate(world, engine, progress=lambda *far: seen.append(far), **options)
        return report, len(engine.calls)

    first, written = measured()
    assert written == len(first.items)
    again, none = measured(again=False)
    assert (none, again.items, again.mean, again.valid) == (0, first.items, first.mean, first.valid)
    assert seen[-1] == (written, written)
    assert measured()[1] == written  # asked to
    reward.add_rule(world.library, "mention the weather")  # it stands in every prompt that measures
    datasets.build(world.library, kind="sft", split=(0.5, 0.1, 0.4))
    assert measured(again=False)[1] == written
    for change in ({"max_new_tokens": 64}, {"makeup": "tiny cuda"}):
        engine.makeup = change.pop("makeup", engine.makeup)
        assert measured(again=False, **change)[1] == written
    engine.makeup = ""  # as a server's, of which nobody knows what it runs
    assert measured(again=False)[1] == measured(again=False)[1] == written


def test_what_was_written_before_an_interruption_is_not_written_again(world: small_world.World) -> None:
    class Told(ScriptedEngine):
        makeup = "tiny cpu"

    engine = Told(lambda messages, _: f"## Note\n{messages[-1]['content'][-30:]}\n")
    whole = evaluate(world, engine)
    calls = list(engine.calls)
    logs = world.library.home / "logs"

    def interrupted(after: int, **options) -> None:
        def write(messages, number: int) -> str:
            if len(engine.calls) > after:
                raise KeyboardInterrupt
            return f"## Note\n{messages[-1]['content'][-30:]}\n"

        engine.calls.clear()
        engine.write = write
        with pytest.raises(KeyboardInterrupt):
            evaluate(world, engine, **options)

    def written(**options) -> int:
        engine.calls.clear()
        engine.write = lambda messages, _: f"## Note\n{messages[-1]['content'][-30:]}\n"
        assert [item.draft for item in evaluate(world, engine, **options).items] == [item.draft for item in whole.items]
        return len(engine.calls)

    interrupted(2)
    (begun,) = logs.glob("*.begun.jsonl")
    with begun.open("a") as file:
        file.write('\n{"makeup": "tiny cpu", "prom')  # killed while it was written
    interrupted(1)
    assert written() == len(calls) - 3
    assert not list(logs.glob("*.begun.jsonl"))
    assert written() == len(calls)
    interrupted(2)
    assert written(max_new_tokens=64) == len(calls)  # another length may give another draft
