"""The whole loop on a small world and a tiny base: stops anywhere, goes on, keeps what is current when nothing is better."""

from __future__ import annotations

import importlib
import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import small_world
from improving import choices, improve, measured
from notewright import datasets, drafting, evaluation, feedback, loop, training
from notewright.errors import Busy, Invalid, RunFailed
from notewright.evaluation.report import summarise
from notewright.library import Library, atwork, splits
from notewright.library.database import now
from notewright.library.examples import CHANGED, NOTICED
from notewright.loop.keep import keep
from notewright.models import registry
from notewright.records import Dataset, Draft, Model, Run
from notewright.training.recipes import resolve

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning"),
]


def test_nothing_better_means_nothing_changes(world: small_world.World) -> None:
    before = registry.current(world.library, world.settings)
    known = splits.assign(world.library, [pair.source_id for pair in world.library.pairs.all()])
    teaching = max(source_id for source_id, side in known.items() if side == "train")
    kept = {teaching: ["Beginnings", "Troubles"]}
    world.library.db.set_state("splits later", json.dumps({"known": kept, "held": {teaching: ["Beginnings"]}}))
    labels = ("base", "SFT", "SFT + examples", "current + examples")
    steps: list[str] = []  # as another process sees them
    report = improve(world, progress=lambda _: steps.append(str(atwork.at_work(world.library.home))))
    assert list(dict.fromkeys(step.partition(";")[0] for step in steps)) == [
        "looking at what is new", "building the data (sft)", "training (sft)", "building the data (edits)",
        "building the data (preference)", *(f"measuring {label}, {split}" for label in labels for split in ("later", "valid", "test")),
        "comparing the versions",
    ]  # fmt: skip
    told = [step for step in dict.fromkeys(steps) if step.startswith("measuring SFT, test; ")]
    (total,) = {step.split()[5] for step in told}
    assert [told[0].split()[3], told[-1].split()[3]] == ["0", total]
    assert atwork.at_work(world.library.home) is None
    assert report.promoted == ""
    for verdict in report.decision.verdicts:  # the chapter that was kept back is measured apart
        assert verdict.contender.later is not None
        assert [item.source_id for item in verdict.contender.later.items] == [teaching]
        assert teaching not in {item.source_id for item in verdict.contender.report.items}
        assert verdict.lately is not None
        assert world.library.models.get(verdict.contender.model_id).metrics["evaluation"]["split"] != "later"
    after = world.library.models.current()
    assert after is not None
    assert after.id == before.id
    assert [verdict.contender.label for verdict in report.decision.verdicts] == ["base", "SFT", "SFT + examples"]
    assert [reason.split(":")[0] for reason in report.skipped] == ["DITTO", "edits", "DPO"]
    page = Path(report.page).read_text(encoding="utf-8")
    assert f"{before.id} stays" in page
    assert f"Prompting wins: {before.id} writes untrained" in page  # the base writes, with examples: so the person is told
    assert report.reason in page.replace("&#x27;", "'")
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_what_a_training_does_before_its_steps_is_told_until_they_begin(tmp_path: Path) -> None:
    seen = []
    tell = importlib.import_module("notewright.loop.improve")._telling(tmp_path, atwork.AtWork("improve-1"), None)
    with atwork.alone(tmp_path):
        for event in (
            {"status": "training (sft)"}, {"event": "plan", "run": "run-1"}, {"event": "status", "status": "trying rate x0.5: step 1/9"},
            {"event": "step", "step": 1, "steps": 9}, {"evaluating": "SFT, test", "done": 0, "total": 6}, {"message": "words"},
        ):  # fmt: skip
            tell(event)
            seen.append(str(atwork.at_work(tmp_path)))
    before = "training (sft)"
    assert seen[:4] == [before, before, "training (sft): trying rate x0.5: step 1/9", before]
    assert seen[4:] == ["measuring SFT, test; 0 of 6 passages written"] * 2


def test_a_stopped_improve_goes_on_where_it_was(world: small_world.World) -> None:
    choices(world)

    def stop_in(place: str):
        def progress(event: dict[str, Any]) -> None:
            if place in str(event.get("evaluating", "")) or (place == event.get("run") and "total_steps" in event):
                raise KeyboardInterrupt

        return progress

    with pytest.raises(KeyboardInterrupt, match="go on from there with: notewright improve"):
        improve(world, progress=stop_in("run-2"))
    with pytest.raises(KeyboardInterrupt):
        improve(world, progress=stop_in("DPO"))
    report = improve(world)
    assert report.id == "improve-1"
    assert [verdict.contender.label for verdict in report.decision.verdicts] == ["base", "SFT", "SFT + examples", "DPO", "DPO + examples"]
    methods = [run.method for run in world.library.runs.all() if run.status == "finished"]
    assert methods == ["sft", "dpo"]
    refined = world.library.models.get(report.decision.verdicts[3].contender.model_id)
    assert refined.parent_id == report.decision.verdicts[1].contender.model_id
    state = json.loads((Path(report.folder) / "state.json").read_text())
    assert state["finished_at"]

    def stop(event: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        improve(world, progress=stop, fresh=True)
    assert (Path(report.folder).parent / "improve-2").is_dir()


def test_a_training_that_outlived_its_improve_is_waited_for(world: small_world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed outright, an improve leaves its training's process behind until that has saved its next step."""
    module, library = importlib.import_module("notewright.loop.improve"), world.library
    run = library.runs.add(Run("run-1", "sft", "runs/run-1", "running", now()))
    (library.home / "runs" / "run-1").mkdir()
    state = module._open(library.home / "runs", False)
    state.keep("sft_run", run.id)
    alive, seen = [True, True, False], []
    monkeypatch.setattr(module.training, "is_alive", lambda *_: alive.pop(0))
    monkeypatch.setattr(module.time, "sleep", lambda _: None)
    monkeypatch.setattr(module.training, "resume_run", lambda library, run_id, **_: library.runs.get(run_id))
    module._as_begun(state, {"effort": "", "set": {}, "reinforce": ""})
    work = module._Work(library, world.settings, state, 12, seen.append)
    assert work._run("sft", None, "", lambda _: None).status == "interrupted"
    assert seen == [*[{"status": "waiting until run-1 has stopped"}] * 2, {"status": "training (sft)"}]
    assert not alive


def test_a_training_that_was_stopped_from_elsewhere_stops_the_improve(world: small_world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    module, library = importlib.import_module("notewright.loop.improve"), world.library
    stopped = library.runs.add(Run("run-1", "sft", "runs/run-1", "interrupted", now()))
    monkeypatch.setattr(module._Work, "_run", lambda *_: stopped)
    with pytest.raises(training.Killed, match=r"run-1 was stopped") as caught:
        improve(world)
    assert "notewright improve" in caught.value.hint
    assert "finished_at" not in json.loads((library.home / "runs" / "improve-1" / "state.json").read_text(encoding="utf-8"))


def edits(world: small_world.World) -> None:
    """Six drafts of training sources, each made one heading deeper."""
    library = world.library
    known = splits.assign(library, [pair.source_id for pair in library.pairs.all()])
    for source_id in [source_id for source_id, side in known.items() if side == "train"][:6]:
        (draft,) = library.drafts.add(
            [
                Draft(
                    id="", batch_id=library.drafts.new_batch(), source_id=source_id, chapter="Beginnings", model_id="model-1",
                    text="## A fact\n- It concerns observers.", position=0, seed=0, created_at=now(),
                    messages=({"role": "user", "content": f"1. A fact of {source_id}"},),
                )
            ]
        )  # fmt: skip
        feedback.record_edit(library, draft_id=draft.id, final_text="### A fact\n- It concerns observers.")


def test_each_method_goes_on_from_the_one_before_where_there_is_data(world: small_world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is trained from what; the trainings and their drafts are stood in for."""
    choices(world)
    edits(world)
    trained: list[tuple[str, str, str]] = []
    library = world.library

    def train(self: Any, method: str, dataset: Dataset, *, start: str = "") -> Model:
        if method == "edits" and trouble:
            raise trouble
        if f"{method}_model" not in self.state:
            made = library.models.add(Model(library.models.new_id(), "base/none", "", "policy", now(), metrics={"kept_round": 2}))
            self.state.keep(f"{method}_model", made.id)
            trained.append((method, dataset.kind, start))
        return library.models.get(self.state[f"{method}_model"])

    def contender(self: Any, label: str, model: Model, examples: bool, pairs: Dataset) -> loop.Contender:
        item = evaluation.Item("p", "s", "n.md", 0.5, 0.5, 0.5, False, (), "draft", "passage")
        report = summarise(
            [item], model_id=model.id, dataset_id=pairs.id, split="test", examples=examples, created_at=now(), seconds=0.0, path=Path()
        )
        return loop.Contender(label, model.id, examples, report)

    module = importlib.import_module("notewright.loop.improve")  # the package's `improve` is the verb
    monkeypatch.setattr(module._Work, "_train", train)
    monkeypatch.setattr(module._Work, "_contender", contender)
    monkeypatch.setattr(module, "MINIMUM_WATCHED", 1)
    trouble: Exception | None = None
    report = improve(world)
    assert [(method, kind) for method, kind, _ in trained] == [
        ("sft", "sft"), ("ditto", "sft"), ("edits", "edits"), ("dpo", "preference"),
    ]  # fmt: skip
    made = [model.id for model in library.models.all() if model.role == "policy"]
    assert [start for _, _, start in trained] == ["", *made[:3]]
    labels = [verdict.contender.label for verdict in report.decision.verdicts]
    assert labels == ["base", "SFT", "SFT", "DITTO", "DITTO", "edits", "edits", "DPO", "DPO"]
    assert report.skipped == ()

    for trouble in (RunFailed("The training ran away."), Invalid("The dataset has 3 usable rows.")):
        trained.clear()
        report = improve(world, fresh=True)
        assert [method for method, _, _ in trained] == ["sft", "ditto", "dpo"]
        assert trained[2][2] == library.models.all()[-2].id  # DPO goes on from DITTO then
        assert report.skipped == (f"edits: {trouble.message}",)

    trouble = None
    trained.clear()
    report = improve(world, reinforce="grpo")
    assert "grpo" not in [method for method, _, _ in trained]
    assert report.skipped[0].startswith("GRPO: no reward may label yet. The taste: ")
    monkeypatch.setattr(module, "allowed", lambda library, reward, use: (reward, use) == ("ensemble", "label"))
    trained.clear()
    report = improve(world, reinforce="grpo", fresh=True)
    assert [method for method, _, _ in trained] == ["sft", "ditto", "edits", "dpo", "grpo"]
    assert trained[4][1:] == ("sft", library.models.all()[-2].id)  # it goes on from DPO
    assert report.skipped == ()
    with pytest.raises(Invalid, match="no method"):
        improve(world, reinforce="luck")


@pytest.mark.parametrize("moment", ["while it trains", "while it measures", "while it stands still"])
def test_a_version_that_was_chosen_meanwhile_is_what_has_to_be_beaten(
    world: small_world.World, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    library, module = world.library, importlib.import_module("notewright.loop.improve")
    registry.current(library, world.settings)
    chosen = library.models.add(Model(library.models.new_id(), "base/none", "", "policy", now(), metrics={"examples": False}))
    distances = {chosen.id: 0.1}  # nearer than the 0.3 of what is trained; the plain base is at 0.6

    def train(self: Any, method: str, dataset: Dataset, *, start: str = "") -> Model:
        if "sft_model" not in self.state:
            made = library.models.add(Model(library.models.new_id(), "base/none", "", "policy", now()))
            self.state.keep("sft_model", made.id)
            distances[made.id] = 0.3
            if moment == "while it trains":
                library.models.promote(chosen.id, "chosen")
            if moment == "while it stands still":
                raise KeyboardInterrupt
        return library.models.get(self.state["sft_model"])

    def contender(self: Any, label: str, model: Model, examples: bool, pairs: Dataset) -> loop.Contender:
        if moment == "while it measures" and label == "SFT":
            library.models.promote(chosen.id, "chosen")
        mean = distances.get(model.id, 0.6)
        items = [
            evaluation.Item(f"p{place}", "s", "n.md", mean + place / 100, 0.5, 0.5, False, (), "draft", "passage") for place in range(8)
        ]
        report = summarise(
            items, model_id=model.id, dataset_id=pairs.id, split="test", examples=examples, created_at=now(), seconds=0.0, path=Path()
        )
        return loop.Contender(label, model.id, examples, report)

    monkeypatch.setattr(module._Work, "_train", train)
    monkeypatch.setattr(module._Work, "_contender", contender)
    if moment == "while it stands still":
        with pytest.raises(KeyboardInterrupt):
            improve(world)
        library.models.promote(chosen.id, "chosen")
    report = improve(world)
    assert (report.current, report.promoted) == (chosen.id, "")
    current = library.models.current()
    assert current is not None
    assert current.id == chosen.id


def test_what_was_judged_after_the_data_were_built_is_for_the_next_one(world: small_world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    module, library = importlib.import_module("notewright.loop.improve"), world.library

    def contenders(self: Any) -> None:
        if steps.pop(0):
            self._refined("edits", "edits", "edits", Model("model-1", "base/none", "", "policy", now()))
        choices(world)
        raise KeyboardInterrupt

    monkeypatch.setattr(module._Work, "contenders", contenders)
    choices(world)
    steps = [False, True, True]  # it begins, goes on until the data are built, and goes on from there
    for judged in (6, 6, 12):
        with pytest.raises(KeyboardInterrupt):
            improve(world)
        assert loop.judged_since(library) == judged


def test_what_was_measured_is_found_in_a_home_that_was_moved_and_measured_again_where_it_is_gone(
    world: small_world.World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, library = importlib.import_module("notewright.loop.improve"), world.library
    model, pairs = registry.current(library, world.settings), datasets.build(library, kind="sft")
    state = module._open(library.home / "runs", False)
    module._as_begun(state, {"effort": "", "set": {}, "reinforce": ""})
    engine = small_world.ScriptedEngine(lambda *_: "words")
    monkeypatch.setattr(registry, "open_engine", lambda *_, **__: engine)

    def report() -> evaluation.EvaluationReport:
        return module._Work(library, world.settings, state, 12, lambda _: None)._report("base", model, False, pairs, "test")

    first, written = report(), len(engine.calls)
    state.keep(f"report {model.id} test", str(tmp_path / "where it was" / "logs" / Path(first.path).name))
    assert (report().path, len(engine.calls)) == (first.path, written)
    Path(first.path).unlink()
    assert (report().items, len(engine.calls)) == (first.items, 2 * written)


@pytest.mark.parametrize("broken", ["", "{", "[]"])
def test_a_broken_state_or_a_strange_folder_stops_nothing(library: Library, tmp_path: Path, broken: str) -> None:
    module, runs = importlib.import_module("notewright.loop.improve"), library.home / "runs"
    choices(small_world.build(library, tmp_path, things=("rivers",)))
    assert module._open(runs, False).path.parent.name == "improve-1"
    (runs / "improve-1 copy").mkdir()
    (runs / "improve-1" / "state.json").write_text(broken)
    assert loop.judged_since(library) == 1
    assert module._open(runs, False).path.parent.name == "improve-2"


def test_it_goes_on_as_it_was_begun_and_says_what_else_was_asked_for(world: small_world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    module, told, works = importlib.import_module("notewright.loop.improve"), [], []

    def contenders(self: Any) -> None:
        if "epochs" in self.overrides:
            self.state.keep("sft_run", "run-1")
        works.append((self.effort, self.overrides, self.state["reinforce"]))
        raise KeyboardInterrupt

    monkeypatch.setattr(module._Work, "contenders", contenders)

    def stopped(**options: Any) -> None:
        with pytest.raises(KeyboardInterrupt):
            loop.improve(world.library, settings=world.settings, progress=lambda event: told.append(event["message"]), **options)

    stopped(effort="quick", overrides={"lora_rank": "2"})
    stopped(overrides={"epochs": "2"})
    assert works.pop(0) == ("quick", {"lora_rank": "2"}, "")
    stopped()
    stopped(effort="quick", overrides={"epochs": "2"})
    assert len(told) == 4
    stopped(effort="thorough", overrides={"epochs": "2", "seed": "5"}, reinforce="grpo")
    assert works == [("quick", {"epochs": "2"}, "")] * 4  # once something is trained, as it was then
    assert told[-1] == (
        "improve-1 goes on as it was begun, without --effort thorough --set seed=5 --reinforce grpo. To begin anew with that, add --fresh."
    )
    stopped(reinforce="grpo", fresh=True)
    stopped()
    assert works[4:] == [("normal", {}, "grpo")] * 2


def test_how_long_it_has_been_at_work_is_told_without_the_time_in_between(
    world: small_world.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, clock, told = importlib.import_module("notewright.loop.improve"), [1000.0], []
    monkeypatch.setattr("time.time", lambda: clock[0])

    def contenders(self: Any) -> None:
        self.state.keep("sft_run", "run-1")
        told.append(atwork.at_work(world.library.home))
        clock[0] += 60
        raise KeyboardInterrupt

    monkeypatch.setattr(module._Work, "contenders", contenders)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            loop.improve(world.library, settings=world.settings)
        clock[0] += 5000
    assert [here.since for here in told] == [1000, 6000]
    state = world.library.home / "runs" / "improve-1" / "state.json"
    kept = json.loads(state.read_text(encoding="utf-8"))
    assert kept["seconds"] == 120
    state.write_text(json.dumps({**kept, "finished_at": "2026-01-01T00:00:00Z"}), encoding="utf-8")
    for effort in ("quick", "normal"):
        with pytest.raises(KeyboardInterrupt):
            loop.improve(world.library, settings=world.settings, effort=effort, fresh=True)
    assert [here.before for here in told] == [None, None, None, 120]


@pytest.mark.parametrize("method", training.METHODS)
def test_how_a_base_is_trained_on_this_machine_holds_for_every_method(method: str) -> None:
    asked = {"quantize": "4bit", "precision": "bfloat16", "activation_checkpointing": "on", "epochs": "2", "patience": "3"}
    values = importlib.import_module("notewright.loop.improve").values_for(method, asked)
    assert values == asked if method == "sft" else values.keys() == {"quantize", "precision", "activation_checkpointing"}
    resolve(method, parameters=1, rows=100, overrides=values)


def proven_without_examples(world: small_world.World) -> str:
    registry.current(world.library, world.settings)
    made = world.library.models.add(Model(world.library.models.new_id(), "base/none", "", "policy", now()))
    world.library.models.promote(made.id, "better on held-out work", examples=False)
    return made.id


def change(library: Library) -> None:
    library.db.set_state(CHANGED, now())
    library.db.set_state(NOTICED, now())


def test_after_a_change_the_current_version_is_measured_both_ways(world: small_world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    version = proven_without_examples(world)
    change(world.library)
    assert drafting.taught_examples(world.library, world.library.models.get(version)) == 2
    means = {"base": lambda _: 0.6, version: lambda examples: 0.3 if examples else 0.1}
    measured(
        world.library,
        monkeypatch,
        lambda model, examples: means.get(model.id, means.get(model.role, lambda _: 0.29))(examples),
        lambda _: None,
    )
    report = improve(world)
    assert report.promoted == version
    assert drafting.taught_examples(world.library, world.library.models.get(version)) == 0


def test_a_change_that_is_noticed_while_it_measures_is_heeded(world: small_world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    version, library = proven_without_examples(world), world.library

    def mean(model: Model, examples: bool) -> float:
        if model.id == version:
            return 0.1 if examples else 0.5
        return 0.6 if model.role == "base" else 0.7 if examples else 0.3

    measured(
        library, monkeypatch, mean, lambda label: change(library) if label == "current" and not library.db.get_state(NOTICED) else None
    )
    assert improve(world).promoted == ""
    assert drafting.taught_examples(library, library.models.get(version)) == 2


def test_what_a_resumed_improve_shows_is_what_was_decided(world: small_world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    base = registry.current(world.library, world.settings)
    measured(world.library, monkeypatch, lambda model, examples: 0.7 if model.id != base.id else 0.6 if examples else 0.1, lambda _: None)
    module = importlib.import_module("notewright.loop.improve")
    page = module.write_page

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_page", full)
    with pytest.raises(OSError, match="No space"):
        improve(world)
    monkeypatch.setattr(module, "write_page", page)
    report = improve(world)
    (verdict,) = (item for item in report.decision.verdicts if item.contender.model_id == base.id)
    assert verdict.comparison.after < verdict.comparison.before
    assert report.decision.winner is not None


@pytest.mark.parametrize("trained", [0.2, 0.6])  # better than the base, and not
def test_who_chose_another_version_after_the_decision_is_told_that_it_stays(
    trained: float, world: small_world.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, module = world.library, importlib.import_module("notewright.loop.improve")
    registry.current(library, world.settings)
    mine = library.models.add(Model(library.models.new_id(), "base/none", "", "policy", now()))
    measured(library, monkeypatch, lambda model, _: 0.6 if model.role == "base" else trained, lambda _: None)
    keep_state = module._State.keep

    def killed(self: Any, key: str, value: object) -> None:
        keep_state(self, key, value)
        if key == "promoted":
            raise KeyboardInterrupt

    monkeypatch.setattr(module._State, "keep", killed)
    with pytest.raises(KeyboardInterrupt):
        improve(world)
    monkeypatch.setattr(module._State, "keep", keep_state)
    registry.use(library, mine.id)
    report = improve(world)
    assert (report.promoted, report.current) == ("", mine.id)
    assert report.reason.endswith(f"Meanwhile you chose {mine.id}, and it stays")
    assert f"<h1>{mine.id} stays the current version</h1>" in Path(report.page).read_text(encoding="utf-8")
    assert library.models.current().id == mine.id


def test_an_improve_that_was_refused_for_too_few_passages_looks_at_them_anew(
    world: small_world.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = world.library
    sides = splits.assign(library, [pair.source_id for pair in library.pairs.all()])
    teaching = [pair for pair in library.pairs.all() if sides[pair.source_id] == "train"]
    for pair in teaching[2:]:
        library.pairs.decide(pair.id, "rejected")
    with pytest.raises(Invalid, match="2 training rows; sft needs at least 8"):
        improve(world)
    for pair in teaching[2:]:
        library.pairs.decide(pair.id, "accepted")
    measured(library, monkeypatch, lambda model, _: 0.6 if model.role == "base" else 0.2, lambda _: None)
    assert improve(world).promoted


def test_where_choices_came_before_notes_further_sources_can_still_measure(
    world: small_world.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was judged first teaches for ever, if its hash says so: the first six sources do."""
    library = world.library
    library.db.set_state("splits", json.dumps({f"readwise:b-{thing}": "train" for thing in small_world.THINGS[:6]}))
    pairs = library.pairs.all()
    paired = [pair for pair in pairs if library.sources.get(pair.source_id).id in splits.known(library)]
    library.pairs.propose([replace(pair, id="") for pair in paired])
    assert len({pair.source_id for pair in library.pairs.all()}) == 6
    with pytest.raises(Invalid) as refused:
        improve(world)
    assert "Pair notes of further sources" in refused.value.hint
    library.pairs.propose([replace(pair, id="") for pair in (*paired, *(pair for pair in pairs if pair.source_id == "readwise:b-peat"))])
    measured(library, monkeypatch, lambda model, _: 0.6 if model.role == "base" else 0.2, lambda _: None)
    assert improve(world).promoted


def test_a_kept_version_keeps_how_much_better_or_worse_it_measured(world: small_world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    base, rng = registry.current(world.library, world.settings), random.Random(4)
    measured(world.library, monkeypatch, lambda model, examples: (0.4 if examples else 0.9) + rng.uniform(-0.2, 0.2), lambda _: None)
    report = improve(world)
    (other,) = [model for model in world.library.models.all() if model.metrics.get("contender")]
    change = next(item.comparison for item in report.decision.verdicts if item.contender.model_id == other.id and item.contender.examples)
    assert report.promoted == ""
    kept = {"beside": base.id, "promotions": 1, "difference": change.difference, "error": change.error}
    assert other.metrics["contender"] == kept | {"at": other.metrics["contender"]["at"]}
    assert change.error == pytest.approx((change.high - change.low) / 3.29, rel=1e-3)
    assert change.error > 0


@pytest.mark.parametrize(("keep", "stay"), [(1, [False, True]), (0, [True, True])])
def test_files_of_old_versions_that_nothing_needs_go_when_it_ends(
    keep: int, stay: list[bool], world: small_world.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = world.library
    first = registry.current(library, world.settings)
    folders = []
    for _ in stay:
        folders.append(folder := library.home / "models" / library.models.new_id())
        folder.mkdir(parents=True)
        library.models.add(Model(folder.name, first.base, f"models/{folder.name}", "policy", now(), parent_id=first.id))
    measured(library, monkeypatch, lambda model, examples: 0.5, lambda label: None)
    told: list[str] = []
    world = replace(world, settings=replace(world.settings, keep_versions=keep))
    improve(world, progress=lambda event: told.append(str(event.get("message", ""))))
    assert [folder.exists() for folder in folders] == stay
    assert [bool(library.models.get(folder.name).metrics.get("pruned_at")) for folder in folders] == [not stays for stays in stay]
    gone = stay.count(False)
    assert any(f"The files of {gone} old version" in text for text in told) == bool(gone)


def test_of_a_versions_ways_the_one_is_kept_that_is_nearer_to_the_newest_passages() -> None:
    def way(version: str, examples: bool, former: float, new: float) -> loop.Contender:
        items = [
            evaluation.Item(
                f"p{at}", "s", "n.md", (former if at < 12 else new) + at % 3 / 50, 0.5, 0.5, False, (), "a b", "a b", former=at < 12
            )
            for at in range(16)
        ]
        told = {"dataset_id": "d", "split": "test", "created_at": now(), "seconds": 0.0, "path": Path()}
        return loop.Contender(version, version, examples, summarise(items, model_id=version, examples=examples, **told))

    ways = [way("model-2", False, 0.10, 0.50), way("model-2", True, 0.20, 0.25)]
    assert keep(way("model-1", True, 0.30, 0.30), ways) == {"model-2": True}


def test_only_one_at_a_time(world: small_world.World) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom notewright.library.atwork import alone\n"
        "with alone(Path(sys.argv[1])):\n    print('in', flush=True)\n    time.sleep(60)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(world.library.home)], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "in\n"
        with pytest.raises(Busy, match="Another notewright improve"):
            improve(world)
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


@pytest.mark.parametrize(("things", "lacks"), [(3, "It takes 8 pairs"), (4, "All pairs are of 4 sources; it takes 5")])
def test_what_cannot_begin_is_refused_before_it_says_that_it_begins(
    things: int, lacks: str, world: small_world.World, tmp_path: Path
) -> None:
    with Library.create(tmp_path / "other") as library:
        few = small_world.build(library, tmp_path / "few", things=small_world.THINGS[:things])
        few = replace(few, settings=replace(few.settings, base_model=world.settings.base_model))
        told: list[dict[str, Any]] = []
        with pytest.raises(Invalid, match=lacks) as refused:
            improve(few, progress=told.append)
        assert refused.value.message == loop.lacking(library)
        assert not told
        assert not list(library.home.glob("runs/improve-*"))
