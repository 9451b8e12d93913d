"""Where a recipe's values come from, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from notewright.errors import Invalid, NotFound
from notewright.library import Library
from notewright.models import bases
from notewright.records import Run
from notewright.training import _for_this_person, _plan, recipes

SEEDLING, SEVEN = 4_300_000, 7_000_000_000


def test_precedence_is_default_tables_preset_file_flag(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("learning_rate = 1e-3\nlora_rank = 8\neffort = 3\n")
    resolved = recipes.resolve(
        "sft", parameters=SEEDLING, rows=45, effort="quick", recipe_file=file, overrides={"learning_rate": 2e-3, "seed": None}
    )
    recipe, origins = resolved.recipe, resolved.origins
    assert recipe.learning_rate == 2e-3
    assert origins["learning_rate"] == "flag"
    assert recipe.lora_rank == 8
    assert origins["lora_rank"] == "mine.toml"
    assert recipe.effort == 3
    assert origins["effort"] == "mine.toml"
    assert recipe.lora_alpha == 16
    assert origins["lora_alpha"] == "2 x lora_rank"
    assert recipe.batch_size == 2
    assert origins["batch_size"] == "base of 4.3M parameters"
    assert recipe.seed == 0
    assert origins["seed"] == "default"
    assert any(line.strip().startswith("lora_rank = 8") and "mine.toml" in line for line in recipes.explain(resolved))


def test_effort_presets_scale_the_epochs() -> None:
    epochs = {effort: recipes.resolve("sft", parameters=SEVEN, rows=200, effort=effort).recipe.epochs for effort in recipes.EFFORTS}
    assert epochs["quick"] < epochs["normal"] < epochs["thorough"]
    assert epochs["normal"] == 4


@pytest.mark.parametrize(
    ("parameters", "rows", "rate", "batch"),
    [
        (SEEDLING, 45, 1.5e-3, 2),
        (135_000_000, 45, 1.5e-3, 2),
        (500_000_000, 200, 8e-4, 4),
        (1_700_000_000, 400, 3e-4, 8),
        (SEVEN, 200, 2e-4, 4),
        (SEVEN, 20, 1e-4, 2),
    ],
)
def test_defaults_follow_model_and_data_size(parameters: int, rows: int, rate: float, batch: int) -> None:
    recipe = recipes.resolve("sft", parameters=parameters, rows=rows).recipe
    assert (recipe.learning_rate, recipe.batch_size) == (rate, batch)


@pytest.mark.parametrize(
    ("rows", "effort", "steps"),
    [
        (14, "quick", 98),
        (14, "normal", 130),
        (14, "thorough", 260),
        (30, "quick", 65),
        (45, "quick", 66),
        (8, "quick", 56),
        (100, "quick", 75),
    ],
)
def test_a_tiny_base_gets_its_updates_from_few_passages(rows: int, effort: str, steps: int) -> None:
    assert recipes.total_steps(recipes.resolve("sft", parameters=SEEDLING, rows=rows, effort=effort).recipe, rows) == steps


@pytest.mark.parametrize(
    ("rows", "effort", "steps"),
    [(8, "quick", 18), (8, "normal", 60), (44, "quick", 33), (44, "normal", 110), (100, "normal", 250), (300, "normal", 300)],
)
def test_a_real_base_learns_from_few_passages_in_many_small_updates(rows: int, effort: str, steps: int) -> None:
    assert recipes.total_steps(recipes.resolve("sft", parameters=SEVEN, rows=rows, effort=effort).recipe, rows) == steps


def test_the_processes_that_share_a_batch_get_a_part_each() -> None:
    def batch(among: int, **overrides: int) -> int:
        return recipes.resolve("sft", parameters=SEVEN, rows=44, overrides=overrides, among=among).recipe.batch_size

    assert [batch(among) for among in (1, 2, 3, 8)] == [2, 2, 3, 8]
    assert batch(3, batch_size=8) == 8, "as it was asked for, and refused"


@pytest.mark.parametrize(
    ("parameters", "rows", "steps"),
    [(SEEDLING, 24, 60), (SEEDLING, 4, 16), (SEEDLING, 400, 300), (SEVEN, 24, 30), (SEVEN, 4, 30), (SEVEN, 400, 100)],
)
def test_few_edits_give_their_updates_to_a_tiny_base_twice_as_many(parameters: int, rows: int, steps: int) -> None:
    assert recipes.total_steps(recipes.resolve("edits", parameters=parameters, rows=rows).recipe, rows) == steps


def test_all_problems_are_reported_together(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text('learning_rat = 1\nbatch_size = "many"\nscheduler = "wavy"\n')
    with pytest.raises(Invalid) as caught:
        recipes.resolve("sft", parameters=SEEDLING, rows=45, recipe_file=file, overrides={"beta": 0.1, "lora_rank": -1, "epochs": "x"})
    text = " ".join(caught.value.problems)
    assert len(caught.value.problems) == 6
    words = (
        "'learning_rat'",
        "batch_size must be a whole number",
        "wavy",
        "flag: unknown key",
        "between 0 and 1024",
        "epochs must be a number",
    )
    for word in words:
        assert word in text, word
    assert "learning_rate" in caught.value.hint


def test_flags_may_be_text() -> None:
    recipe = recipes.resolve(
        "dpo", parameters=SEEDLING, rows=9, overrides={"beta": "0.3", "max_steps": "5", "length_grouping": "off", "precision": "float32"}
    ).recipe
    assert isinstance(recipe, recipes.DpoRecipe)
    assert (recipe.beta, recipe.max_steps, recipe.length_grouping, recipe.precision) == (0.3, 5, "off", "float32")


def test_a_saved_recipe_loads_again() -> None:
    resolved = recipes.resolve("dpo", parameters=SEEDLING, rows=9)
    assert recipes.load("dpo", resolved.values()) == resolved.recipe


def test_steps() -> None:
    recipe = recipes.resolve("sft", parameters=SEVEN, rows=45, overrides={"epochs": 2.0, "batch_size": 4}).recipe
    assert recipes.total_steps(recipe, 45) == 24
    assert recipes.total_steps(recipes.resolve("sft", parameters=SEVEN, rows=45, overrides={"max_steps": 7}).recipe, 45) == 7


def test_missing_or_broken_files_and_words(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        recipes.resolve("sft", parameters=1, rows=9, recipe_file=tmp_path / "none.toml")
    (tmp_path / "broken.toml").write_text("a = = 1")
    with pytest.raises(Invalid, match="not valid TOML"):
        recipes.resolve("sft", parameters=1, rows=9, recipe_file=tmp_path / "broken.toml")
    with pytest.raises(Invalid, match="no effort"):
        recipes.resolve("sft", parameters=1, rows=9, effort="heroic")
    with pytest.raises(Invalid, match="no training method"):
        recipes.resolve("magic", parameters=1, rows=9)


def test_the_memory_told_before_is_that_of_the_whole_process() -> None:
    """Two trainings of the sample with `--effort quick` took 2.43 and 2.49 GB at most."""
    run = Run("run-1", "sft", "runs/run-1", "created", "2026-01-01T00:00:00+00:00", metrics={"base": "seedling"})

    def told(**overrides: object) -> dict[str, Any]:
        resolved = recipes.resolve("sft", parameters=6_672_128, rows=44, effort="quick", overrides=overrides)
        return _plan(run, bases.read_config(bases.seedling_folder()), resolved, 44, 6_672_128)

    plan = told()
    assert plan["memory"] == pytest.approx(2.46e9, rel=0.3)
    assert f"memory: about {plan['memory'] / 1e9:.1f} GB, Python and its libraries included" in plan["message"]
    assert told(early_stop="off")["memory"] < plan["memory"] == told(batch_size=4)["memory"]  # a row at a time, however many a batch has
    assert told(batch_size=2, max_length=256)["memory"] < told(batch_size=4, max_length=256)["memory"]


@pytest.mark.parametrize(
    ("method", "size", "told"),
    [
        ("sft", 134_515_008, "some 18 min"),  # 18 minutes 21 s were measured with one thread of 80e9
        ("ditto", 134_515_008, "some 4 h"),
        ("sft", 6_672_128, ""),
        ("ppo", 134_515_008, ""),  # nobody knows
    ],
)
def test_hours_on_a_processor_are_told_before(method: str, size: int, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from notewright.models import catalogue, engine

    monkeypatch.setattr(engine, "pick_device", lambda device: device)
    monkeypatch.setattr(catalogue, "speed", lambda training=False: 80e9 if training else 320e9)
    run = Run("run-1", method, "runs/run-1", "created", "2026-01-01T00:00:00+00:00", metrics={"base": "small"})
    resolved = recipes.resolve(method, parameters=size, rows=44, effort="quick")

    def said(device: str) -> str:
        lines = _plan(run, bases.read_config(bases.seedling_folder()), resolved, 44, size, device)["message"].splitlines()
        return next((line.strip().removeprefix("time: ") for line in lines if "time:" in line), "")

    assert said("cpu") == (f"{told} on this processor, without checks" if told else "")
    assert not said("cuda")


@pytest.mark.parametrize("size", [10**8, 2 * 10**9])
def test_the_memory_told_is_of_the_numbers_the_base_will_be_in(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from notewright.models import precision

    run = Run("run-1", "sft", "runs/run-1", "created", "2026-01-01T00:00:00+00:00", metrics={"base": "large"})
    resolved = recipes.resolve("sft", parameters=size, rows=44)
    monkeypatch.setattr(bases, "free_memory", lambda: 10**12)

    def told(native: bool) -> int:
        monkeypatch.setattr(precision, "native_bf16", lambda device: native)
        memory: int = _plan(run, bases.read_config(bases.seedling_folder()), resolved, 44, size)["memory"]
        return memory

    assert told(native=False) - told(native=True) > 1.9 * size  # four bytes a weight, not two


@pytest.mark.parametrize(("rows", "batch", "updates"), [(8, 2, 60), (40, 2, 60), (41, 4, 65), (200, 4, 150)])
def test_a_tiny_base_reads_few_rankings_two_at_a_time(rows: int, batch: int, updates: int) -> None:
    recipe = recipes.resolve("dpo", parameters=SEEDLING, rows=rows).recipe
    assert (recipe.batch_size, recipes.total_steps(recipe, rows)) == (batch, updates)
    assert recipes.resolve("dpo", parameters=SEEDLING, rows=rows, overrides={"batch_size": 4}).recipe.batch_size == 4
    assert recipes.resolve("dpo", parameters=10**9, rows=rows).recipe.batch_size == (2 if batch == 2 else 8)


@pytest.mark.parametrize(("method", "rows"), [("sft", 1), ("dpo", 2), ("kto", 8)])
def test_the_memory_checked_is_that_of_the_rows_a_method_reads_at_once(method: str, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """KTO compares the drafts of a batch, which is therefore read whole; DPO's rows have two texts."""
    from types import SimpleNamespace
    from typing import cast

    from notewright.training import session as sessions
    from notewright.training.data import Rows

    told: list[int] = []
    monkeypatch.setattr(bases, "memory_needed", lambda *_, rows, **__: told.append(rows) or 1)
    recipe = SimpleNamespace(batch_size=4, quantize="", lora_rank=16, lora_dropout=0.0, activation_checkpointing="off")
    job = SimpleNamespace(method=method, base_folder=str(bases.seedling_folder()), base="seedling", force=False)
    session = SimpleNamespace(
        recipe=recipe, job=job, device="cpu", free=1 << 40, parameters=7, half=None, checkpointing=False, in_passes=True,
        model=SimpleNamespace(dtype="torch.float32"), reporter=SimpleNamespace(emit=lambda *_, **__: None),
    )  # fmt: skip
    monkeypatch.setattr(sessions.splitting, "is_split", lambda _: False)
    sessions.check_memory(cast(Any, session), Rows(None, [2000, 900], 0, 500), written=1)
    assert set(told) == {rows}


def test_the_memory_told_for_own_drafts_is_that_of_a_minibatch() -> None:
    run = Run("run-1", "grpo", "runs/run-1", "created", "2026-01-01T00:00:00+00:00", metrics={"base": "seedling"})

    def told(**overrides: object) -> int:
        resolved = recipes.resolve("grpo", parameters=6_672_128, rows=44, overrides=overrides)
        memory: int = _plan(run, bases.read_config(bases.seedling_folder()), resolved, 44, 6_672_128)["memory"]
        return memory

    assert told(batch_size=64, minibatch=8) == told(batch_size=32, minibatch=8) < told(batch_size=64)


def test_a_seed_that_numpy_does_not_take_is_refused_at_once() -> None:
    with pytest.raises(Invalid, match="seed must be between 0 and 4000000000, not 4294967296"):
        recipes.resolve("sft", parameters=10**6, rows=40, overrides={"seed": 2**32})
    assert recipes.resolve("sft", parameters=10**6, rows=40, overrides={"seed": 4_000_000_000}).recipe.seed == 4_000_000_000


def test_kto_on_single_drafts_is_refused_at_once() -> None:
    with pytest.raises(Invalid, match="batch_size = 1"):
        recipes.resolve("kto", parameters=10**6, rows=400, overrides={"batch_size": 1})
    assert recipes.resolve("kto", parameters=10**6, rows=400, overrides={"batch_size": 2}).recipe.batch_size == 2


def test_why_rates_are_tried_does_not_claim_that_nothing_was_trained_before(library: Library) -> None:
    """A quick training tries none, nor one whose rate is given."""
    origins = _for_this_person(library, recipes.resolve("sft", parameters=6_700_000, rows=45), "seedling").origins
    assert origins["rate_check"] == "no rate was looked for on this base yet"
