"""Datasets, runs, models and drafts: rows that come back as they went in; the current model and rolling back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from notewright.errors import NotFound
from notewright.library import Library
from notewright.library.database import now
from notewright.library.products import BETTER, CHOSEN, TRAINED
from notewright.records import Dataset, Draft, Model, Run

AT = "2026-01-01T00:00:00+00:00"


def model(library: Library) -> str:
    return library.models.add(Model(library.models.new_id(), "base", "models/x", "policy", AT, recipe={"rank": 8})).id


def draft(batch_id: str, position: int = 0) -> Draft:
    return Draft(
        id="", batch_id=batch_id, source_id="s", chapter="C", model_id="model-1", text="é\n", position=position, seed=2**31, created_at=AT,
        messages=({"role": "user", "content": "“x”"},), sampling={"temperature": 0.8}, problems=("bad",), highlight_ids=("h1", "h2"),
    )  # fmt: skip


def test_a_dataset_moves_with_the_home(library: Library, tmp_path: Path) -> None:
    inside = Dataset(library.datasets.new_id(), "sft", str(library.home / "datasets" / "dataset-1"), AT, {"rows": 3})
    outside = Dataset(library.datasets.new_id(), "preference", str(tmp_path / "elsewhere"), AT)
    assert library.datasets.add(inside) == inside
    library.datasets.add(outside)
    assert library.datasets.all() == [inside, outside]
    assert library.datasets.all("sft") == [inside]
    library.close()
    shutil.move(library.home, tmp_path / "moved")
    with Library.open(tmp_path / "moved") as moved:
        assert moved.datasets.get("dataset-1").path == str(tmp_path / "moved" / "datasets" / "dataset-1")
        assert moved.datasets.get("dataset-2").path == outside.path


def test_run_metrics_are_merged(library: Library) -> None:
    run = library.runs.add(Run(library.runs.new_id(), "sft", "runs/run-1", "created", AT, recipe={"epochs": 3}, metrics={"loss": 2.0}))
    assert library.runs.all() == [run]
    changed = library.runs.update(run.id, status="finished", metrics={"tokens": 9})
    assert (changed.status, changed.metrics, changed.recipe) == ("finished", {"loss": 2.0, "tokens": 9}, {"epochs": 3})
    assert library.runs.update(run.id, metrics={"loss": 1.0}).status == "finished"


def test_model_metrics_are_merged(library: Library) -> None:
    model_id = model(library)
    library.models.set_metrics(model_id, {"edit_distance": 0.5})
    assert library.models.set_metrics(model_id, {"valid": 1.0}).metrics == {"edit_distance": 0.5, "valid": 1.0}


def test_versions_are_found_by_role_and_by_metric(library: Library) -> None:
    kept, left, other = (model(library) for _ in range(3))
    reward = library.models.add(Model(library.models.new_id(), "base", "models/y", "reward", AT)).id
    library.models.set_metrics(kept, {"contender": {"beside": left}})
    library.models.set_metrics(left, {"contender": None, "loss": float("nan")})
    library.models.set_metrics(other, {"told": 'no "contender" of this one'})
    assert [item.id for item in library.models.with_metric("contender")] == [kept]
    assert [item.id for item in library.models.all("reward")] == [reward]
    assert [item.id for item in library.models.all()] == [kept, left, other, reward]


def test_no_model_is_current_before_the_first_promotion(library: Library) -> None:
    model(library)
    assert library.models.current() is None
    with pytest.raises(NotFound, match="no earlier version"):
        library.models.rollback()


def test_rolling_back_walks_further_back(library: Library) -> None:
    one, two, three = (model(library) for _ in range(3))
    for model_id in (one, two, two, three):
        library.models.promote(model_id, "better")
    assert [library.models.rollback().id, library.models.rollback().id] == [two, one]
    with pytest.raises(NotFound):
        library.models.rollback()
    library.models.promote(three, "chosen")
    assert library.models.rollback().id == one


def test_rolling_back_takes_back_how_a_version_was_prompted_too(library: Library) -> None:
    one, two = model(library), model(library)
    library.models.promote(one, "first use")
    library.models.promote(one, "better with examples", examples=True)
    library.models.promote(two, "better", examples=False)
    library.models.set_metrics(one, {"examples": False})  # it took turns without
    found = [library.models.rollback() for _ in range(2)]
    assert [(item.id, item.metrics.get("examples")) for item in found] == [(one, True), (one, None)]
    assert library.models.get(two).metrics["examples"] is False
    with pytest.raises(NotFound):
        library.models.rollback()


def test_a_rollback_brings_back_what_had_proven_the_prompting(library: Library) -> None:
    """Whether that is older than a change of the person decides how the version is asked."""
    one, two = model(library), model(library)
    library.models.promote(one, "better", examples=False, asked_at="2026-01-01")
    library.models.promote(one, "better", examples=False, asked_at="2026-02-01")
    library.models.promote(two, "better", examples=True, asked_at="2026-03-01")
    library.models.set_metrics(one, {"examples": True, "asked_at": "2026-03-01"})  # as a contender of the other
    back = library.models.rollback()
    assert (back.id, back.metrics["examples"], back.metrics["asked_at"]) == (one, False, "2026-02-01")
    with pytest.raises(NotFound):
        library.models.rollback()


def test_what_was_promoted_before_prompting_was_kept_is_left_as_it_is(library: Library) -> None:
    one, two = model(library), model(library)
    for model_id in (one, two):
        library.models.promote(model_id, "better", examples=True)
    with library.db.write() as connection:
        connection.execute("UPDATE promotions SET prompting = NULL")
    library.models.promote(two, "chosen")
    assert library.models.rollback().metrics["examples"] is True
    with pytest.raises(NotFound):
        library.models.rollback()


def test_drafts_come_back_by_batch_in_order(library: Library) -> None:
    first, second = library.drafts.new_batch(), library.drafts.new_batch()
    stored = library.drafts.add([draft(first, 1), draft(first, 0)])
    library.drafts.add([draft(second)])
    assert [item.id for item in stored] == ["draft-1", "draft-2"]
    assert [item.id for item in library.drafts.batch(first)] == ["draft-2", "draft-1"]
    one = library.drafts.get("draft-1")
    assert one == stored[0]
    assert (one.text, one.messages, one.sampling, one.problems, one.highlight_ids) == (
        "é\n", ({"role": "user", "content": "“x”"},), {"temperature": 0.8}, ("bad",), ("h1", "h2"),
    )  # fmt: skip
    assert len(library.drafts.all()) == 3


@pytest.mark.parametrize(
    "ask",
    [
        lambda library: library.datasets.get("dataset-9"),
        lambda library: library.runs.get("run-9"),
        lambda library: library.models.get("model-9"),
        lambda library: library.models.promote("model-9", "x"),
        lambda library: library.drafts.get("draft-9"),
        lambda library: library.drafts.batch("batch-9"),
    ],
)
def test_unknown_ids_say_what_to_do(library: Library, ask) -> None:
    with pytest.raises(NotFound) as caught:
        ask(library)
    assert "notewright " in caught.value.hint


def test_what_was_gone_back_from_is_known_until_it_is_current_again(library: Library) -> None:
    models = library.models
    for _ in range(2):
        models.add(Model(models.new_id(), "base/none", "", "policy", now()))
    models.promote("model-1", "first use", examples=False)
    models.promote("model-2", "better")
    models.promote("model-2", "better", examples=True)
    assert models.went_back_from() == []
    models.promote("model-2", "better", examples=False)
    models.rollback()
    assert models.went_back_from() == [("model-2", False)]  # only this way
    models.rollback()
    models.rollback()
    assert [model_id for model_id, _ in models.went_back_from()] == ["model-2"] * 3
    assert ("model-2", None) in models.went_back_from()
    models.promote("model-2", "chosen", examples=True)
    assert models.went_back_from() == [("model-2", False)]


@pytest.mark.parametrize(
    ("made", "chosen", "left"),
    [
        (["model-2"], ["model-1"], ["model-2"]),  # as a rollback would
        (["model-2", "model-3"], ["model-1"], ["model-2", "model-3"]),  # as two would
        (["model-2", "model-3"], ["model-2"], ["model-3"]),
        (["model-3"], ["model-2"], ["model-3"]),  # an older one, though it never was current
        (["model-2"], ["model-3"], []),
        (["model-2"], ["model-2"], []),
        (["model-2"], ["model-1", "model-2"], []),  # and back again
        (["model-2"], ["model-1", "model-2", "model-1"], ["model-2"]),
        (["model-2", "model-3"], ["model-1", "model-3"], []),
        (["model-2", "model-3"], ["model-1", "model-2"], ["model-3"]),
        (["model-2", "model-1"], ["model-2"], ["model-1"]),  # prompting had won
        ([], ["model-3", "model-2", "model-1"], []),  # all of these the person only tried
    ],
)
def test_who_chooses_what_came_before_goes_back(library: Library, made: list[str], chosen: list[str], left: list[str]) -> None:
    models = library.models
    for _ in range(3):
        model(library)
    models.promote("model-1", "first use")
    for reason, versions in ((f"{BETTER}: 0.6 -> 0.2", made), (CHOSEN, chosen)):
        for version in versions:
            models.promote(version, reason)
    assert sorted(models.went_back_from()) == [(version, None) for version in left]


def test_a_training_on_the_persons_word_is_gone_back_from_too(library: Library) -> None:
    one, two = model(library), model(library)
    library.models.promote(one, "first use")
    library.models.promote(two, f"{TRAINED}run-1 on your word; not compared with the version before")
    library.models.promote(one, CHOSEN)
    assert library.models.went_back_from() == [(two, None)]
