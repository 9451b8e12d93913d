"""SFT as a product: the state that writes best is kept, the rate is found once, sources are balanced, and it all survives a stop."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tiny_models
from notewright import training
from notewright.errors import Invalid, NotFound
from notewright.library import Library
from notewright.library.database import now
from notewright.models import registry
from notewright.records import Dataset, Source
from notewright.settings import Settings
from notewright.training import rates, sources, train
from tiny_training import Killed, in_process, same, weights

heavy = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning")]
Tiny = Callable[[str], Path]


@pytest.fixture
def split(library: Library) -> Dataset:
    """Twenty training rows and five that are held out."""
    rows = tiny_models.sft_rows(25)
    dataset_id = library.datasets.new_id()
    folder = library.home / "datasets" / dataset_id
    folder.mkdir()
    for name, part in (("train", rows[:20]), ("valid", rows[20:])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part), encoding="utf-8")
    (folder / "manifest.json").write_text("{}", encoding="utf-8")
    return library.datasets.add(Dataset(dataset_id, "sft", f"datasets/{dataset_id}", now()))


def watched(folder: Path) -> list[tuple[int, float]]:
    events = [json.loads(line) for line in (folder / "progress.jsonl").read_text().splitlines()]
    return [(event["at_step"], event["distance"]) for event in events if event["event"] == "check"]


class TestEarlyStop:
    pytestmark = heavy

    def options(self, tiny: Tiny, library: Library, split: Dataset, **more: Any) -> dict[str, Any]:
        recipe = {"max_steps": 22, "learning_rate": 1e-3, "rate_check": "off", "scheduler": "constant", "watch_rows": 4}
        return {"base": tiny("llama"), "dataset": library.home / split.path, **recipe, **more}

    def test_the_nearest_state_is_kept_and_a_stopped_run_keeps_the_same(
        self, tiny: Tiny, tmp_path: Path, library: Library, split: Dataset
    ) -> None:
        options = self.options(tiny, library, split)
        straight = in_process("sft", tmp_path / "straight", **options)
        checks = watched(tmp_path / "straight")
        assert [step for step, _ in checks] == [0, 11, 22]
        assert straight["distance"] == min(value for _, value in checks) < checks[0][1]
        assert straight["kept_step"] == next(step for step, value in reversed(checks) if value == straight["distance"])
        assert len(list((tmp_path / "straight" / "watch").glob("step-*"))) <= 2
        stopped = in_process("sft", tmp_path / "stopped", stop_at=12, **options)
        assert same(weights(tmp_path / "straight" / "adapter"), weights(tmp_path / "stopped" / "adapter"))
        told = ("checks", "steps", "first_loss", "loss", "tokens")
        assert [stopped[name] for name in told] == [straight[name] for name in told]

    def test_it_ends_when_nothing_is_gained_any_more(self, tiny: Tiny, tmp_path: Path, library: Library, split: Dataset) -> None:
        """A rate of next to nothing: no check gains anything, so the one after the first is the last. Of equals the later is kept."""
        metrics = in_process("sft", tmp_path / "run", **self.options(tiny, library, split, learning_rate=1e-9, patience=1, max_steps=33))
        assert [step for step, _ in watched(tmp_path / "run")] == [0, 11, 22]
        assert metrics["kept_step"] == 22
        assert metrics["steps"] == 22

    def test_killed_behind_its_last_check_it_comes_to_the_same_end(
        self, tiny: Tiny, tmp_path: Path, library: Library, split: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However soon its checkpoints follow one another; a later check would be nearer."""
        from notewright.training.session import Keeper
        from notewright.training.watch import Watch

        stepped = Keeper.on_step_end

        def save_always(self: Any, args: Any, state: Any, control: Any, **more: Any) -> None:
            stepped(self, args, state, control, **more)
            control.should_save = state.global_step < state.max_steps

        def restore(self: Any) -> None:
            monkeypatch.setattr(Watch, "restore", restored)
            raise Killed

        restored = Watch.restore
        monkeypatch.setattr(Keeper, "on_step_end", save_always)
        monkeypatch.setattr(Watch, "look", lambda self: (0.5, 0.3, 0.4, 0.1)[len(self.checks)])
        monkeypatch.setattr(Watch, "restore", restore)
        options = self.options(tiny, library, split, max_steps=33, patience=1)
        metrics = in_process("sft", tmp_path / "run", break_at=99, **options)  # or rather where it restores
        assert (metrics["kept_step"], metrics["steps"]) == (11, 22)

    def test_where_no_check_is_nearer_than_the_beginning_nothing_is_learnt(
        self, tiny: Tiny, tmp_path: Path, library: Library, split: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen = iter((0.4, 0.7, 0.5))
        monkeypatch.setattr("notewright.training.sampling.distance", lambda *_: next(seen))
        metrics = in_process("sft", tmp_path / "run", **self.options(tiny, library, split))
        assert (metrics["kept_step"], metrics["distance"]) == (0, 0.4)
        grown = {name: tensor for name, tensor in weights(tmp_path / "run" / "adapter").items() if "lora_B" in name}
        assert grown
        assert not any(tensor.any() for tensor in grown.values())

    def test_a_state_that_makes_words_up_is_not_kept(
        self, tiny: Tiny, tmp_path: Path, library: Library, split: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        options = self.options(tiny, library, split)
        assert in_process("sft", tmp_path / "well", **options)["kept_step"] > 0
        monkeypatch.setattr("notewright.training.babble.babbles", lambda *_: (0.01, 0.25))
        metrics = in_process("sft", tmp_path / "run", **options)
        assert (metrics["kept_step"], metrics["made_up"], metrics["made_up_before"]) == (0, 0.25, 0.01)
        assert not any(tensor.any() for name, tensor in weights(tmp_path / "run" / "adapter").items() if "lora_B" in name)
        assert "25% of the long words were made up (1% before)" in (tmp_path / "run" / "progress.jsonl").read_text()

    def test_such_a_training_is_not_made_current(
        self, tiny: Tiny, library: Library, split: Dataset, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = registry.current(library, settings).id

        def execute(folder: Path, *_: Any, **__: Any) -> dict[str, Any]:
            (folder / "adapter").mkdir()
            return {"event": "finished", "metrics": {"kept_step": kept}}

        monkeypatch.setattr(training.runs, "execute", execute)
        for kept in (0, 11):
            run = train(library, settings=settings, method="sft", dataset_id=split.id, base=str(tiny("llama")))
            assert (registry.current(library, settings).id == run.metrics["model"]) == (kept > 0)
            assert kept or registry.current(library, settings).id == before

    def test_where_too_few_are_held_out_what_teaches_is_written_before_and_after(
        self, tiny: Tiny, tmp_path: Path, library: Library, split: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = library.home / split.path
        rows = [json.dumps(row) + "\n" for row in tiny_models.sft_rows(11)]
        for name, part in (("train", rows[:8]), ("valid", rows[8:])):
            (folder / f"{name}.jsonl").write_text("".join(part), encoding="utf-8")
        options = self.options(tiny, library, split)
        metrics = in_process("sft", tmp_path / "run", **options)
        assert metrics["rows"] == 8
        assert [step for step, _ in watched(tmp_path / "run")] == [0, 22]
        assert metrics["kept_step"] == 22
        assert metrics["distance"] == metrics["checks"][-1][1]
        before = [0.8, 0.9, 0.7, 0.8, 0.9, 0.8, 0.7, 0.9]
        for name, moved, kept in (("gone wrong", [0.1], 0), ("hardly", [-0.1, 0.05], 0), ("surely", [-0.5, -0.2], 22)):
            after = [value + moved[number % len(moved)] for number, value in enumerate(before)]
            seen = iter((before, after))
            monkeypatch.setattr("notewright.training.sampling.distances", lambda *_, seen=seen: next(seen))
            assert in_process("sft", tmp_path / name, **options)["kept_step"] == kept


class TestRates:
    @pytest.mark.parametrize(
        ("distances", "factor"),
        [({0.5: 0.5, 1.0: 0.6, 2.0: 0.7}, 0.5), ({0.5: 0.595, 1.0: 0.6, 2.0: 0.61}, 1.0), ({0.5: 0.7, 1.0: 0.6, 2.0: 0.4}, 2.0)],
    )
    def test_another_factor_has_to_win_clearly(self, distances: dict[float, float], factor: float) -> None:
        assert rates.choose(distances) == factor

    @pytest.mark.slow
    @pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning")
    def test_the_first_training_of_a_base_finds_the_rate_and_later_ones_use_it(
        self, tiny: Tiny, library: Library, split: Dataset, settings: Settings
    ) -> None:
        overrides = {"epochs": 2.0, "lora_rank": 4}
        seen: list[dict[str, Any]] = []
        first = train(library, settings=settings, method="sft", base=str(tiny("llama")), overrides=overrides, progress=seen.append)
        tried = [event["factor"] for event in seen if event["event"] == "rate"]
        assert tried == [0.5, 1.0, 2.0]
        factor = first.metrics["rate_factor"]
        assert rates.remembered(library, str(first.metrics["base"])) == factor
        assert first.metrics["learning_rate"] == pytest.approx(factor * first.recipe["learning_rate"])

        def planned(event: dict[str, Any]) -> None:
            assert event["recipe"]["rate_check"] == "off"
            assert event["recipe"]["learning_rate"] == pytest.approx(first.metrics["learning_rate"])
            assert "rate check" in event["origins"]["learning_rate"]
            raise InterruptedError

        with pytest.raises(InterruptedError):
            train(library, settings=settings, method="sft", base=str(tiny("llama")), overrides=overrides, progress=planned)


class TestSources:
    rows = ({"source_id": "big"}, {"source_id": "big"}, {"source_id": "big"}, {"source_id": "big"}, {"source_id": "small", "weight": 0.5})

    def test_a_large_source_does_not_drown_a_small_one(self) -> None:
        alike = sources.row_weights(self.rows, 0.0, {})
        assert alike == pytest.approx([1 / 0.9] * 4 + [0.5 / 0.9])
        balanced = sources.row_weights(self.rows, 1.0, {})
        assert sum(balanced[:4]) == pytest.approx(2 * balanced[4])
        assert sum(balanced) / 5 == pytest.approx(1)

    def test_the_persons_own_weights_count(self) -> None:
        assert sources.row_weights(self.rows, 0.0, {"big": 0.0})[:4] == [0.0] * 4
        with pytest.raises(Invalid, match="no row of the dataset counts"):  # else all would count, which the person has just denied
            sources.row_weights(self.rows[:4], 0.5, {"big": 0.0})

    def test_titles_become_ids_and_nonsense_is_told(self, library: Library) -> None:
        library.sources.upsert([Source("The Nile", outside_ids=("readwise:7",))], origin="api", complete=True)
        assert sources.by_id(library, "The Nile = 0.2") == "readwise:7 = 0.2"
        assert sources.by_id(library, '"The Nile" = 0.2') == "readwise:7 = 0.2"
        with pytest.raises(NotFound):
            sources.by_id(library, "No such book = 1")
        with pytest.raises(Invalid, match="often is no weight"):
            sources.parse("The Nile = often")
        with pytest.raises(Invalid, match="-1 is no weight"):
            sources.parse("The Nile = -1")

    @pytest.mark.slow
    @pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning")
    def test_a_source_without_weight_teaches_nothing(self, tiny: Tiny, tmp_path: Path, library: Library, split: Dataset) -> None:
        options: dict[str, Any] = {"base": tiny("llama"), "dataset": library.home / split.path, "max_steps": 3}
        silent = "; ".join(f"s{number} = 0" for number in range(2)) + "; s2 = 1"
        own = in_process("sft", tmp_path / "own", source_weights=silent, **options)
        usual = in_process("sft", tmp_path / "usual", **options)
        assert own["first_loss"] != usual["first_loss"]


def test_a_weight_of_a_source_whose_title_holds_a_semicolon(library: Library) -> None:
    titles = ("Salt; a History", 'Say "yes"; or no', "A = b; c")
    library.sources.upsert(
        [Source(title=title, outside_ids=(f"url:https://x.org/{number};y",)) for number, title in enumerate(titles)],
        origin="markdown", complete=True,
    )  # fmt: skip
    said = '"Salt; a History" = 2; "Say ""yes""; or no"=0.5 ;"A = b; c" = 3; '
    assert sources.parse(said) == dict(zip(titles, (2, 0.5, 3), strict=True))
    assert sources.parse('Say "yes" = 2; "Yes", he said = 1') == {'Say "yes"': 2, '"Yes", he said': 1}
    kept = sources.by_id(library, said)
    assert sources.parse(kept) == {f"url:https://x.org/{number};y": weight for number, weight in enumerate((2, 0.5, 3))}
    with pytest.raises(Invalid, match="Salt is no weight") as told:
        sources.parse("Salt; a History = 2")
    assert "in double quotes" in told.value.hint
