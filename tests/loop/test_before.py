"""What went before an improve: nothing new, what failed, what the person went back from, files that are gone."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path
from typing import Any

import pytest

import small_world
import tiny_models
from improving import choices, improve, measured
from notewright import datasets, drafting, evaluation, loop, training
from notewright.errors import Invalid, NotFound, RunFailed
from notewright.evaluation.report import summarise
from notewright.library import Library, atwork, splits
from notewright.library.database import now
from notewright.models import registry
from notewright.records import Dataset, Model, Run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning"),
]


def test_where_nothing_is_new_nothing_is_made_and_compared_again(world: small_world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    library = world.library
    registry.current(library, world.settings)
    measured(library, monkeypatch, lambda model, _: 0.6, lambda _: None)
    first = improve(world)
    assert first.promoted == ""
    measured(library, monkeypatch, lambda model, _: 0.6, lambda _: pytest.fail("it was measured"))
    again = improve(world)
    assert (again.id, again.page, again.promoted) == (first.id, first.page, "")
    assert again.reason.startswith("Nothing is new since improve-1: the same would be made and compared again")
    assert not (library.home / "runs" / "improve-2").exists()
    choices(world, 1)
    measured(library, monkeypatch, lambda model, _: 0.6, lambda _: None)
    assert improve(world).id == "improve-2"
    assert improve(world, fresh=True).id == "improve-3"
    assert improve(world, effort="quick").id == "improve-4"
    assert improve(world, effort="quick", confidence=0.8).id == "improve-5"


def test_what_failed_is_tried_again_though_nothing_is_new(world: small_world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    library, memory = world.library, [3]
    base = registry.current(library, world.settings)
    choices(world, 6)
    measured(library, monkeypatch, lambda model, _: 0.6, lambda _: None)

    def train(self: Any, method: str, dataset: Dataset, *, start: str = "") -> Model:
        if method == "dpo" and memory[-1] < 9:
            raise Invalid("It needs 9 GB of memory.", "Close other programs.")
        if f"{method}_model" not in self.state:
            made = Model(library.models.new_id(), base.base, "", "policy", now(), dataset_id=dataset.id, revision=base.revision)
            self.state.keep(f"{method}_model", library.models.add(made).id)
        return library.models.get(self.state[f"{method}_model"])

    monkeypatch.setattr(importlib.import_module("notewright.loop.improve")._Work, "_train", train)
    assert "DPO: It needs 9 GB of memory." in improve(world).skipped
    memory.append(16)
    report = improve(world)
    assert "DPO" in {verdict.contender.label for verdict in report.decision.verdicts}
    assert improve(world).reason.startswith("Nothing is new since improve-2")


def test_what_the_person_went_back_from_is_not_promoted_again(world: small_world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page fails after the promotion; the person goes back; the `improve` that goes on only writes its page."""
    library, module = world.library, importlib.import_module("notewright.loop.improve")
    base = registry.current(library, world.settings)

    def train(self: Any, method: str, dataset: Dataset, *, start: str = "") -> Model:
        if "sft_model" not in self.state:
            made = library.models.add(Model(library.models.new_id(), "base/none", "", "policy", now()))
            self.state.keep("sft_model", made.id)
        return library.models.get(self.state["sft_model"])

    def contender(self: Any, label: str, model: Model, examples: bool, pairs: Dataset) -> loop.Contender:
        mean = 0.6 if model.role == "base" else 0.5 if examples else 0.2
        items = [
            evaluation.Item(f"p{place}", "s", "n.md", mean + place / 100, 0.5, 0.5, False, (), "draft", "passage") for place in range(8)
        ]
        report = summarise(
            items, model_id=model.id, dataset_id=pairs.id, split="test", examples=examples, created_at=now(), seconds=0.0, path=Path()
        )
        return loop.Contender(label, model.id, examples, report)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module._Work, "_train", train)
    monkeypatch.setattr(module._Work, "_contender", contender)
    written = module.write_page
    monkeypatch.setattr(module, "write_page", full)
    with pytest.raises(OSError, match="No space"):
        improve(world)
    promoted = library.models.current()
    assert promoted is not None
    assert promoted.role == "policy"
    assert promoted.metrics["edit_distance"] == pytest.approx(0.235)  # without examples, as it will write
    assert registry.distances(promoted) == pytest.approx({"without_examples": 0.235, "with_examples": 0.535})
    assert registry.rollback(library).id == base.id
    monkeypatch.setattr(module, "write_page", written)
    report = improve(world)
    assert (report.id, report.promoted, report.current) == ("improve-1", "", base.id)
    assert report.reason.endswith(f"Meanwhile you chose {base.id}, and it stays")
    assert registry.current(library, world.settings).id == base.id


def test_the_person_who_goes_back_is_not_overruled_before_there_is_something_new_to_learn(
    world: small_world.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = world.library
    base = registry.current(library, world.settings)
    trained = datasets.build(library, kind="sft", settings=world.settings)
    teaching = splits.assign(library, [pair.source_id for pair in library.pairs.all()])

    def train(self: Any, method: str, dataset: Dataset, *, start: str = "") -> Model:
        if "sft_model" not in self.state:
            made = Model(library.models.new_id(), base.base, "", "policy", now(), dataset_id=dataset.id, revision=base.revision)
            self.state.keep("sft_model", library.models.add(made).id)
        return library.models.get(self.state["sft_model"])

    measured(library, monkeypatch, lambda model, _: 0.6 if model.role == "base" else 0.2, lambda _: None)
    monkeypatch.setattr(importlib.import_module("notewright.loop.improve")._Work, "_train", train)
    promoted = improve(world).promoted
    assert library.models.get(promoted).dataset_id == trained.id
    registry.rollback(library)
    assert improve(world).reason.startswith("Nothing is new")
    choices(world, 1)  # of which SFT learns nothing
    report = improve(world)
    assert report.promoted == ""
    assert {verdict.contender.model_id for verdict in report.decision.verdicts} == {base.id}
    assert f"SFT: you went back from {promoted}, which was made of the same" in report.skipped
    assert registry.contenders(library) == []
    registry.use(library, promoted)  # by hand
    registry.rollback(library)
    library.pairs.decide(next(pair.id for pair in library.pairs.all() if teaching[pair.source_id] != "train"), "rejected")
    assert improve(world).promoted == ""  # it taught nothing
    library.pairs.decide(next(pair.id for pair in library.pairs.all() if teaching[pair.source_id] == "train"), "rejected")
    assert improve(world).promoted


def test_what_was_made_of_the_same_before_is_not_trained_again(world: small_world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data may be frozen under another name meanwhile; it is their content that counts."""
    library, module = world.library, importlib.import_module("notewright.loop.improve")
    base, trains = registry.current(library, world.settings), module._Work._train
    measured(library, monkeypatch, lambda model, _: 0.6 if model.role == "base" else 0.2, lambda _: None)
    monkeypatch.setattr(module._Work, "_train", trains)
    promoted = improve(world).promoted
    assert [run.metrics["model"] for run in library.runs.all()] == [promoted]
    registry.use(library, base.id)  # as good as a rollback
    choices(world, 1)
    report = improve(world)
    assert report.promoted == ""
    assert f"SFT: you went back from {promoted}" in report.skipped
    pair = next(pair for pair in library.pairs.all())
    for status in ("rejected", "accepted"):
        library.pairs.decide(pair.id, status)
        datasets.build(library, kind="sft", settings=world.settings)
    assert improve(world).promoted == ""
    assert len(library.runs.all()) == 1
    monkeypatch.setattr(training, "__version__", "another program")
    improve(world, fresh=True)
    assert len(library.runs.all()) == 2


def test_what_learnt_nothing_is_told_and_not_measured(world: small_world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    library, seen = world.library, []
    base = registry.current(library, world.settings)
    measured(library, monkeypatch, lambda model, _: 0.6 if model.role == "base" else 0.2, seen.append)

    def train(self: Any, method: str, dataset: Dataset, *, start: str = "") -> Model:
        if f"{method}_model" not in self.state:
            made = Model(library.models.new_id(), base.base, "", "policy", now(), revision=base.revision, metrics={"kept_step": 0})
            self.state.keep(f"{method}_model", library.models.add(made).id)
        return library.models.get(self.state[f"{method}_model"])

    monkeypatch.setattr(importlib.import_module("notewright.loop.improve")._Work, "_train", train)
    report = improve(world)
    assert "SFT" not in seen
    assert report.promoted == ""
    assert report.skipped[0] == "SFT: nothing brought it nearer to your own passages, so that it writes as before this training"


def test_a_current_version_whose_files_are_gone_is_told_before_anything_is_trained(
    world: small_world.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = world.library
    base = registry.current(library, world.settings)
    lost = library.models.add(Model(library.models.new_id(), base.base, "models/lost", "policy", now(), revision=base.revision))
    library.models.promote(lost.id, "better on held-out work")
    measured(library, monkeypatch, lambda model, _: 0.6 if model.role == "base" else 0.2, lambda _: pytest.fail("it was measured"))
    with pytest.raises(NotFound, match=r"files of .* are gone") as caught:
        improve(world)
    assert "models use" in caught.value.hint
    assert [model.id for model in library.models.all()] == [base.id, lost.id]
    registry.use(library, base.id)
    measured(library, monkeypatch, lambda model, _: 0.6 if model.role == "base" else 0.2, lambda _: None)
    assert improve(world).promoted


def test_a_current_version_whose_base_has_other_files_is_told_before_anything_is_trained(
    world: small_world.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, base = world.library, Path(world.settings.base_model)
    plain = registry.current(library, world.settings)
    made = library.models.add(Model(library.models.new_id(), plain.base, "models/made", "policy", now(), revision=plain.revision))
    (library.home / made.adapter_path).mkdir(parents=True)
    (library.home / made.adapter_path / "adapter_model.safetensors").write_bytes(b"")
    library.models.promote(made.id, "better on held-out work")
    tiny_models.build("llama", base, context=1280, seed=1)
    measured(library, monkeypatch, lambda model, _: 0.6, lambda _: pytest.fail("it was measured"))
    with pytest.raises(Invalid, match=r"trained on other files of"):
        improve(world)
    with pytest.raises(Invalid, match=r"trained on other files of"):
        drafting.draft(library, settings=world.settings, source="rivers", chapter="Beginnings", n=1, written=1)
    assert not library.runs.all()


def begun(library: Library, method: str, dataset_id: str, progress: Any, status: str) -> Run:
    """A run that `training.train` began and that ended so."""
    run = library.runs.add(Run(library.runs.new_id(), method, "runs/gone", "running", now(), dataset_id))
    progress({"event": "plan", "run": run.id})
    return library.runs.update(run.id, status=status)


def test_a_training_that_failed_is_begun_with_what_there_is_then(world: small_world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    library, module, asked = world.library, importlib.import_module("notewright.loop.improve"), []

    def train(library: Library, *, method: str, dataset_id: str, effort: str, overrides: Any, progress: Any, **_: Any) -> Run:
        asked.append((dataset_id, effort, overrides))
        begun(library, method, dataset_id, progress, "failed")
        raise RunFailed("The loss is no number.", "See the log.")

    monkeypatch.setattr(module.training, "train", train)
    first, *_ = library.pairs.all()
    for options in ({"effort": "thorough", "overrides": {"learning_rate": "0.5"}}, {}, {"effort": "quick"}):
        with pytest.raises(RunFailed, match="no number"):
            loop.improve(library, settings=world.settings, **options)
        library.pairs.decide(first.id, "rejected")
    (one, two, three) = asked
    assert [effort for _, effort, _ in asked] == ["thorough", "normal", "quick"]
    assert (one[2], two[2], three[2]) == ({"learning_rate": "0.5"}, {}, {})
    assert one[0] != two[0] == three[0]
    assert len(list((library.home / "runs").glob("improve-*"))) == 1


def test_a_training_that_cannot_go_on_begins_anew(world: small_world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped, and then its folder was deleted, or the home moved."""
    library, module, told = world.library, importlib.import_module("notewright.loop.improve"), []

    def train(library: Library, *, method: str, dataset_id: str, progress: Any, **_: Any) -> Run:
        begun(library, method, dataset_id, progress, "interrupted")
        raise training.Killed("The training process was killed.", "Go on.")

    monkeypatch.setattr(module.training, "train", train)
    for _ in range(2):
        with pytest.raises(training.Killed):
            improve(world, progress=told.append)
    assert [run.status for run in library.runs.all()] == ["failed", "interrupted"]
    assert any("run-1 cannot go on" in event.get("message", "") for event in told)


def test_a_version_whose_files_were_deleted_meanwhile_is_made_again(world: small_world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    library, module, made = world.library, importlib.import_module("notewright.loop.improve"), []

    def train(library: Library, *, method: str, dataset_id: str, progress: Any, **_: Any) -> Run:
        run = begun(library, method, dataset_id, progress, "finished")
        folder = library.home / "models" / f"made-{len(made)}"
        folder.mkdir()
        (folder / "adapter_model.safetensors").write_bytes(b"")
        made.append(
            library.models.add(
                Model(library.models.new_id(), "base/none", f"models/{folder.name}", "policy", now(), run_id=run.id, dataset_id=dataset_id)
            )
        )
        return library.runs.update(run.id, metrics={"model": made[-1].id})

    def contender(self: Any, label: str, model: Model, examples: bool, pairs: Dataset) -> loop.Contender:
        raise KeyboardInterrupt

    monkeypatch.setattr(module.training, "train", train)
    monkeypatch.setattr(module._Work, "_contender", contender)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            improve(world)
    assert len(made) == 1
    (library.home / made[0].adapter_path / "adapter_model.safetensors").unlink()
    with pytest.raises(KeyboardInterrupt):
        improve(world)
    assert len(made) == 2
    assert atwork.unfinished(library.home)["sft_model"] == made[1].id


def test_one_that_learnt_from_what_was_removed_since_is_given_up(world: small_world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    library = world.library
    registry.current(library, world.settings)

    def stop(label: str) -> None:
        raise KeyboardInterrupt

    measured(library, monkeypatch, lambda model, _: 0.6, stop)
    with pytest.raises(KeyboardInterrupt):
        improve(world)
    measured(library, monkeypatch, lambda model, _: 0.6, lambda _: None)
    title = "A Book of Moss"
    library.hidden.remove([library.sources.find(title).id])
    seen: list[str] = []
    assert improve(world, progress=lambda event: seen.append(str(event.get("message")))).id == "improve-2"
    assert f"The one before it learnt from what you removed since ({title}), and is given up." in seen
    assert library.hidden.taught_by(library.datasets.all("sft")[-1]) == []
    assert len(library.hidden.taught_by(library.datasets.all("sft")[0])) == 1


@pytest.mark.parametrize("other", [True, False])
def test_who_tried_another_base_is_told_which_one_this_builds_on(
    other: bool, world: small_world.World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = world.library
    first = registry.current(library, world.settings)
    version = library.models.new_id()
    (folder := library.home / "models" / version).mkdir(parents=True)
    (folder / "adapter_model.safetensors").write_bytes(b"")
    base = str(shutil.copytree(first.base, tmp_path / "my own")) if other else first.base
    library.models.add(Model(version, base, f"models/{version}", "policy", now()))
    library.models.promote(version, "trained")
    measured(library, monkeypatch, lambda model, examples: 0.5, lambda label: None)
    told: list[str] = []
    improve(world, progress=lambda event: told.append(str(event.get("message", ""))))
    said = [text for text in told if "It builds on" in text]
    assert len(said) == other
    assert all(f"{version}, which writes now" in text and f"notewright init --base '{base}'" in text for text in said)
