"""Versions: registered with their history, chosen, rolled back."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from notewright.errors import Invalid, NotFound
from notewright.library import Library
from notewright.library.products import ModelStore
from notewright.models import bases, registry
from notewright.records import Dataset, Draft, Model, Run
from notewright.settings import Settings, save_settings


@pytest.fixture
def base(tmp_path: Path) -> bases.Base:
    folder = tmp_path / "base"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    return bases.fetch_base(str(folder))


def add(library: Library, base: bases.Base, tmp_path: Path, parent: str, role: str = "policy") -> Model:
    adapter = tmp_path / f"adapter-{parent}"
    adapter.mkdir()
    (adapter / "adapter_model.safetensors").write_bytes(parent.encode())
    run = library.runs.add(Run(library.runs.new_id(), "sft", "runs/x", "finished", "2026-01-01", "dataset-1", parent, {"seed": 1}))
    return registry.register(library, run, base=base, adapter=adapter, parent_id=parent, metrics={"loss": 0.5}, role=role)


def test_the_plain_base_is_registered_once_and_current_at_first(library: Library, home: Path, base: bases.Base) -> None:
    settings = Settings(home=home, base_model=base.name)
    first = registry.current(library, settings)
    assert (first.role, first.base, first.adapter_path) == ("base", base.name, "")
    assert registry.ensure_base_model(library, settings) == first == registry.current(library, settings)
    assert registry.adapter_folder(library, first) is None
    assert len(library.models.all()) == 1


def at_once(home: Path, monkeypatch: pytest.MonkeyPatch, work: Callable[[Library], object]) -> None:
    """Two that do the same, both of which have looked at what there is before either of them writes."""
    looked, look = threading.Barrier(2), ModelStore.all

    def slow(store: ModelStore, role: str = "") -> list[Model]:
        found = look(store, role)
        if role and not store._db.connection.in_transaction:
            with suppress(threading.BrokenBarrierError):
                looked.wait(20)
        return found

    def one() -> None:
        with Library.open(home) as library:
            work(library)

    with monkeypatch.context() as patch:
        patch.setattr(ModelStore, "all", slow)
        threads = [threading.Thread(target=one) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:1/v1"])
def test_two_that_use_it_first_at_once_register_it_once(
    library: Library, home: Path, base: bases.Base, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    settings = Settings(home=home, base_model=base.name, engine_url=url)
    at_once(home, monkeypatch, lambda library: registry.current(library, settings))
    assert len(library.models.all()) == 1
    assert len(library.models.promotions()) == 1


def test_two_that_find_another_base_named_at_once_promote_it_once(
    library: Library, home: Path, base: bases.Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.current(library, Settings(home=home))
    at_once(home, monkeypatch, lambda library: registry.current(library, Settings(home=home, base_model=base.name)))
    assert [reason for _, _, reason in library.models.promotions()] == ["first use", "the base that config.toml names"]


def test_a_base_named_later_writes_in_place_of_the_plain_one_and_of_nothing_else(
    library: Library, home: Path, tmp_path: Path, base: bases.Base
) -> None:
    plain = registry.current(library, Settings(home=home))
    assert plain.base == "seedling"
    named = Settings(home=home, base_model=base.name)
    first = registry.current(library, named)
    assert (first.role, first.base) == ("base", base.name)
    assert registry.current(library, Settings(home=home)) == plain  # named no longer
    assert registry.current(library, Settings(home=home, base_model="seedling")) == plain
    assert registry.current(library, named) == first
    assert registry.rollback(library) == plain  # the person's own word counts more than config.toml
    assert registry.current(library, named) == plain
    registry.use(library, first.id)
    trained = add(library, base, tmp_path, first.id)
    library.models.promote(trained.id, "trained by run-1")
    assert registry.current(library, Settings(home=home, base_model="seedling")) == trained


def test_a_base_named_for_one_training_is_the_current_one_where_none_is_configured(library: Library, home: Path, base: bases.Base) -> None:
    first = registry.ensure_base_model(library, Settings(home=home), base=base.name)
    assert registry.current(library, Settings(home=home)) == first
    assert registry.current(library, Settings(home=home, base_model="seedling")).base == "seedling"


def test_versions_keep_their_own_copy_and_their_history(library: Library, home: Path, tmp_path: Path, base: bases.Base) -> None:
    root = registry.ensure_base_model(library, Settings(home=home, base_model=base.name))
    one = add(library, base, tmp_path, root.id)
    two = add(library, base, tmp_path, one.id)
    assert library.models.current() == root
    assert (registry.adapter_folder(library, two) or Path()).joinpath("adapter_model.safetensors").read_bytes() == one.id.encode()
    assert two.adapter_path == f"models/{two.id}"
    assert [model.id for model in registry.lineage(library, two)] == [two.id, one.id, root.id]
    registry.use(library, one.id)
    registry.use(library, two.id)
    assert registry.rollback(library).id == one.id
    assert registry.rollback(library).id == root.id
    with pytest.raises(NotFound, match="no earlier version"):
        registry.rollback(library)
    described = registry.describe(library, two.id)
    assert described["parents"] == [one.id, root.id]
    assert described["current"] is False
    assert described["recipe"] == {"seed": 1}
    assert registry.describe(library)["id"] == root.id


def test_a_newer_seedling_takes_the_place_of_the_plain_one_and_refuses_old_adapters(
    library: Library, home: Path, tmp_path: Path, base: bases.Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bases, "seedling_folder", lambda: base.folder)
    settings = Settings(home=home)
    first = registry.current(library, settings)
    assert first.base == "seedling"
    trained = add(library, bases.fetch_base(""), tmp_path, first.id)
    (base.folder / "model.safetensors").write_bytes(b"better")
    second = registry.current(library, settings)
    assert second.id != first.id
    assert second.revision != first.revision
    assert registry.current(library, settings) == second
    with pytest.raises(Invalid, match="trained on another seedling") as caught:
        bases.fetch_base(trained.base, revision=trained.revision)
    assert "notewright train sft" in caught.value.hint


def test_a_base_folder_with_other_files_takes_the_place_of_the_former_one_and_refuses_its_adapters(
    library: Library, home: Path, tmp_path: Path, base: bases.Base
) -> None:
    settings = Settings(home=home, base_model=base.name)
    first = registry.current(library, settings)
    trained = add(library, base, tmp_path, first.id)
    (base.folder / "model.safetensors").write_bytes(b"better")
    second = registry.current(library, settings)
    assert (second.base, second.revision != first.revision) == (first.base, True)
    assert registry.current(library, settings) == second
    with pytest.raises(Invalid, match="trained on other files of"):
        registry.use(library, trained.id)
    registry.use(library, first.id)
    assert registry.current(library, settings) == second


def test_versions_of_before_folders_had_a_fingerprint_get_it_at_first_sight(
    library: Library, home: Path, tmp_path: Path, base: bases.Base
) -> None:
    older = replace(base, revision="")
    root = library.models.add(Model(library.models.new_id(), older.name, "", "base", "2026-01-01"))
    library.models.promote(root.id, "first use")
    old = add(library, older, tmp_path, root.id)
    library.models.promote(old.id, "better on held-out work")
    elsewhere = library.models.add(Model(library.models.new_id(), "/elsewhere", "", "base", "2026-01-01"))
    settings = Settings(home=home, base_model=base.name)

    current = registry.current(library, settings)
    assert (current.id, current.revision) == (old.id, base.revision)
    assert registry.ensure_base_model(library, settings).id == root.id == registry.plain(library, current).id
    new = library.models.add(replace(old, id=library.models.new_id(), revision=base.revision))
    registry.keep_contenders(library, {root.id: False}, beside=old.id)
    assert [model.id for model in registry.contenders(library)] == [root.id]
    assert registry.made_of(library, new) == registry.made_of(library, current)
    assert library.models.get(elsewhere.id) == elsewhere
    (base.folder / "model.safetensors").write_bytes(b"better")
    with pytest.raises(Invalid, match="trained on other files of"):
        registry.require_files(library, current)


def test_a_base_folder_that_is_gone_is_told_and_one_that_was_moved_recognised(
    library: Library, home: Path, tmp_path: Path, base: bases.Base
) -> None:
    settings = Settings(home=home, base_model=base.name)
    root = registry.current(library, settings)
    trained = add(library, base, tmp_path, root.id)
    registry.use(library, trained.id)
    moved, other = tmp_path / "moved", tmp_path / "other"
    base.folder.rename(moved)
    shutil.copytree(moved, other)
    (other / "model.safetensors").write_bytes(b"other")
    for model in (root, trained):
        with pytest.raises(NotFound, match="is gone: .*base") as caught:
            registry.require_files(library, model)
        assert "base_model in config.toml" in caught.value.hint
    for named in (base.folder, other):  # the same that is gone; another model
        assert registry.current(library, replace(settings, base_model=str(named))) == trained
    save_settings(replace(settings, base_model=str(moved)))
    registry.require_files(library, trained)
    assert [(model.base, model.revision) for model in library.models.all()] == [(str(moved), base.revision)] * 2
    assert registry.current(library, settings).id == trained.id
    assert registry.ensure_base_model(library, settings, base=str(moved)).id == root.id


def test_a_version_without_its_files_cannot_be_used(library: Library, home: Path, tmp_path: Path, base: bases.Base) -> None:
    root = registry.ensure_base_model(library, Settings(home=home, base_model=base.name))
    model = add(library, base, tmp_path, root.id)
    (library.home / model.adapter_path / "adapter_model.safetensors").unlink()
    with pytest.raises(NotFound, match="files of model-2 are gone"):
        registry.use(library, model.id)
    with pytest.raises(NotFound):
        registry.use(library, "model-99")


def test_a_folder_that_no_row_knows_of_stays_and_its_name_is_passed_over(
    library: Library, home: Path, tmp_path: Path, base: bases.Base
) -> None:
    root = registry.ensure_base_model(library, Settings(home=home, base_model=base.name))
    stale = library.home / "models" / "model-2"
    stale.mkdir(parents=True)
    (stale / "adapter_model.safetensors").write_bytes(b"newer than the copy of the library that was put back")
    model = add(library, base, tmp_path, root.id)
    assert model.id == "model-3"
    assert (stale / "adapter_model.safetensors").read_bytes().startswith(b"newer")
    assert (library.home / model.adapter_path / "adapter_model.safetensors").read_bytes() == root.id.encode()


def test_nothing_to_describe_yet(library: Library) -> None:
    with pytest.raises(NotFound, match="No model has been used yet"):
        registry.describe(library)


def test_pruning_keeps_the_newest_reward_model(library: Library, home: Path, tmp_path: Path, base: bases.Base) -> None:
    root = registry.ensure_base_model(library, Settings(home=home, base_model=base.name))
    made = []
    for number in range(4):
        (tmp_path / str(number)).mkdir()
        made.append(add(library, base, tmp_path / str(number), root.id, role="reward" if number < 2 else "policy"))
    assert [model.id for model in registry.prune(library, keep=1)] == [made[0].id, made[2].id]
    assert [model.role for model in made] == ["reward", "reward", "policy", "policy"]


def test_pruning_keeps_what_is_or_may_come_into_use(library: Library, home: Path, tmp_path: Path, base: bases.Base) -> None:
    root = registry.ensure_base_model(library, Settings(home=home, base_model=base.name))
    made = []
    for number in range(6):
        (tmp_path / str(number)).mkdir()
        made.append(add(library, base, tmp_path / str(number), made[1].id if number == 2 else root.id))
    library.models.promote(made[0].id, "trained by run-1")
    registry.use(library, made[2].id)
    library.models.promote(made[4].id, "better")
    would = registry.prune(library, keep=1, dry_run=True)
    assert [model.id for model in would] == [made[0].id, made[3].id]
    assert registry.prune(library, keep=1) == would
    whole = [model.id for model in made if (library.home / model.adapter_path).exists()]
    assert whole == [made[1].id, made[2].id, made[4].id, made[5].id]
    assert library.models.get(made[0].id).metrics["pruned_at"]
    assert library.models.get(made[0].id).metrics["loss"] == 0.5
    with pytest.raises(NotFound, match="files of .* are gone"):
        registry.use(library, made[0].id)
    assert registry.prune(library, keep=1) == []
    assert registry.rollback(library).id == made[2].id
    with pytest.raises(NotFound, match=f"files of {made[0].id} are gone"):  # the one before: pruned
        registry.rollback(library)
    assert registry.current(library, Settings(home=home, base_model=base.name)).id == made[2].id


@pytest.mark.parametrize(("said", "days", "kept"), [("", 0, True), ("ranking", 0, False), ("decision", 0, False), ("", 40, False)])
def test_pruning_keeps_both_versions_of_a_duel_that_is_not_decided(
    library: Library, home: Path, tmp_path: Path, base: bases.Base, said: str, days: int, kept: bool
) -> None:
    root = registry.ensure_base_model(library, Settings(home=home, base_model=base.name))
    made = []
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        made.append(add(library, base, tmp_path / str(number), root.id))
    at = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    for batch, writers in (("batch-1", made[:2]), ("batch-2", [made[2], made[2]])):
        library.drafts.add(Draft("", batch, "s", "", model.id, "text", place, 0, at) for place, model in enumerate(writers))
    if said:
        library.events.append(said, "batch-1" if said == "ranking" else "draft-1", {"batch": "batch-1"})
    assert [model.id for model in registry.prune(library, keep=0)] == [model.id for model in (made[2:] if kept else made)]


def test_pruning_keeps_what_can_go_on(library: Library, home: Path, tmp_path: Path, base: bases.Base) -> None:
    root = registry.ensure_base_model(library, Settings(home=home, base_model=base.name))
    made = []
    for number in range(7):
        (tmp_path / str(number)).mkdir()
        made.append(add(library, base, tmp_path / str(number), root.id, role="reward" if number in (1, 6) else "policy"))
    start, judge, stopped, first, current, unneeded = made[:6]
    for number, (model, status) in enumerate(((start, "interrupted"), (unneeded, "finished"), (unneeded, "failed"))):
        run = library.runs.add(Run(f"run-9{number}", "ppo", f"runs/run-9{number}", status, "2026-01-01", parent_model_id=model.id))
        (home / run.path).mkdir()
        (home / run.path / "judge.json").write_text(json.dumps({"reward": "ensemble", "model": judge.id if model is start else ""}))
    for number, state in ((1, {"sft_model": unneeded.id}), (2, {"sft_model": stopped.id, "ditto_model": first.id, "current": current.id})):
        (home / "runs" / f"improve-{number}").mkdir()
        (home / "runs" / f"improve-{number}" / "state.json").write_text(json.dumps(state))
    assert registry.prune(library, keep=0) == [unneeded]
    assert [registry.has_files(library, model) for model in made] == [True] * 5 + [False, True]
    (home / "runs" / "improve-2" / "state.json").write_text(json.dumps({"sft_model": stopped.id, "finished_at": "2026-01-01"}))
    library.runs.update("run-90", status="finished")
    assert registry.prune(library, keep=0) == made[:5]


def test_pruning_ends_what_a_killed_one_began(library: Library, home: Path, tmp_path: Path, base: bases.Base) -> None:
    root = registry.ensure_base_model(library, Settings(home=home, base_model=base.name))
    made = add(library, base, tmp_path, root.id)
    folder = home / made.adapter_path
    folder.rename(folder.with_name(folder.name + ".pruned"))  # and then its process was gone
    assert registry.prune(library, keep=0, dry_run=True) == []
    assert len(list((home / "models").iterdir())) == 1
    assert registry.prune(library, keep=0) == []
    assert not list((home / "models").iterdir())


def test_contenders_take_turns_until_the_person_decides(library: Library, home: Path, tmp_path: Path, base: bases.Base) -> None:
    root = registry.ensure_base_model(library, Settings(home=home, base_model=base.name))
    current = add(library, base, tmp_path, root.id)
    other = add(library, base, tmp_path, current.id)
    third = add(library, base, tmp_path, other.id)
    library.models.promote(current.id, "better on held-out work")
    registry.keep_contenders(library, {other.id: True, root.id: True}, beside=current.id)
    assert [model.id for model in registry.contenders(library)] == [root.id, other.id]
    assert library.models.get(other.id).metrics["examples"] is True
    assert other.id not in {model.id for model in registry.prune(library, keep=0, dry_run=True)}

    registry.keep_contenders(library, {third.id: False}, beside=current.id)  # the newest comparison has the last word
    assert [model.id for model in registry.contenders(library)] == [third.id]
    registry.keep_contenders(library, {}, beside=current.id)
    assert registry.contenders(library) == []

    registry.use(library, third.id)  # what the person chose writes alone
    assert registry.contenders(library) == []
    registry.use(library, current.id)
    assert registry.contenders(library) == []
    registry.keep_contenders(library, {other.id: False, third.id: False}, beside=current.id)
    assert [model.id for model in registry.contenders(library)] == [other.id]  # the third was left by hand
    registry.rollback(library)
    assert registry.contenders(library) == []

    library.models.promote(current.id, "better on held-out work")
    registry.keep_contenders(library, {other.id: False}, beside=current.id)
    folder = registry.adapter_folder(library, other) or Path()
    (folder / "adapter_model.safetensors").unlink()  # a folder alone is no adapter
    assert registry.contenders(library) == []
    shutil.rmtree(folder)
    assert registry.contenders(library) == []


def test_contenders_take_turns_after_a_clock_that_stood_ahead(
    library: Library, home: Path, tmp_path: Path, base: bases.Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = registry.ensure_base_model(library, Settings(home=home, base_model=base.name))
    current = add(library, base, tmp_path, root.id)
    with monkeypatch.context() as ahead:
        ahead.setattr("notewright.library.products.now", lambda: "2099-01-01T00:00:00+00:00")
        library.models.promote(current.id, "better on held-out work")
    registry.keep_contenders(library, {root.id: True}, beside=current.id)
    assert [model.id for model in registry.contenders(library)] == [root.id]
    registry.use(library, current.id)
    assert registry.contenders(library) == []


def test_a_server_that_is_configured_no_longer_is_not_asked(library: Library, tmp_path: Path) -> None:
    def settings(url: str) -> Settings:
        return Settings(home=library.home, vault=tmp_path, engine_url=url, engine_model="m" if url else "")

    ours = registry.current(library, settings(""))
    assert registry.current(library, settings("http://one:1/v1")).base == "http://one:1/v1"
    assert registry.current(library, settings("http://two:2/v1")).base == "http://two:2/v1"
    assert registry.current(library, settings("http://one:1/v1")).base == "http://one:1/v1"
    assert registry.current(library, settings("")) == ours
    assert registry.current(library, settings("http://two:2/v1")).base == "http://two:2/v1"
    registry.use(library, ours.id)  # by hand: a version of ours writes although a server is there
    assert registry.current(library, settings("http://two:2/v1")) == ours


def test_what_a_version_is_made_of_is_told_by_content(library: Library, home: Path, base: bases.Base) -> None:
    """Neither the dataset's name nor what only measures counts, nor whether the rate was looked for or known."""
    root = registry.ensure_base_model(library, Settings(home=home, base_model=base.name))
    hashes = {"train.jsonl": "a", "valid.jsonl": "b", "test.jsonl": "c"}
    for changed in ({}, {"test.jsonl": "d"}, {"train.jsonl": "d"}):
        dataset_id = library.datasets.new_id()
        library.datasets.add(Dataset(dataset_id, "sft", f"datasets/{dataset_id}", "2026-01-01", {"sha256": hashes | changed}))

    def made(dataset: str, recipe: dict[str, object], metrics: dict[str, object], method: str = "sft") -> tuple[str, ...]:
        run = library.runs.add(Run(library.runs.new_id(), method, "runs/x", "finished", "2026-01-01", dataset))
        model = Model(
            library.models.new_id(), base.name, "models/x", "policy", "2026-01-01", run.id, root.id, dataset, base.revision, recipe, metrics
        )
        return registry.made_of(library, library.models.add(model))

    searched = made("dataset-1", {"seed": 0, "learning_rate": 1.0, "rate_check": "on"}, {"learning_rate": 0.5})
    known: dict[str, object] = {"seed": 0, "learning_rate": 0.5, "rate_check": "off"}
    assert made("dataset-2", known, {}) == searched
    planned = Model("", base.name, "", "policy", "2026-01-02", "", root.id, "dataset-1", base.revision, known)
    assert registry.made_of(library, planned, "sft") == searched
    for other in (made("dataset-3", known, {}), made("dataset-1", known | {"seed": 1}, {}), made("dataset-1", known, {}, "ditto")):
        assert other != searched
