"""Training repeats itself, resumes, learns to copy in the small, and exports what transformers loads."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from notewright.seedling import corpora
from notewright.seedling.batches import make_batch
from notewright.seedling.export import export
from notewright.seedling.network import SHAPES, build, losses
from notewright.seedling.train import Maker, Recipe, Trainer, main, plot

from .conftest import PARAGRAPHS

pytestmark = pytest.mark.slow
RECIPE = Recipe(shape="tiny", tokens_per_step=256, copy_tokens=256 * 90, warmup_steps=10)


@pytest.fixture
def books(tmp_path: Path) -> Path:
    folder = tmp_path / "books"
    folder.mkdir()
    (folder / "one.txt").write_text("\n\n".join(PARAGRAPHS), encoding="utf-8")
    return folder


def trainer(folder: Path, books: Path, bundled: Path, minutes: float = 600, workers: int = 0) -> Trainer:
    vocabulary = folder / "tokenizer"
    vocabulary.mkdir(parents=True, exist_ok=True)
    shutil.copy(bundled / "tokenizer.json", vocabulary)
    return Trainer(folder, RECIPE, device="cpu", minutes=minutes, corpus=books, compiled=False, workers=workers)


def weights(one: Trainer) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in one.model.parameters()])


def test_the_first_hundred_steps_repeat(tmp_path: Path, books: Path, bundled: Path) -> None:
    runs = [trainer(tmp_path / name, books, bundled) for name in ("a", "b")]
    logged = [run.run(max_steps=100, log_every=10) for run in runs]
    assert logged[0] == logged[1]
    assert torch.equal(weights(runs[0]), weights(runs[1]))
    assert logged[0][-1] < logged[0][0]


def test_a_resumed_run_goes_on_as_if_never_stopped(tmp_path: Path, books: Path, bundled: Path) -> None:
    straight = trainer(tmp_path / "straight", books, bundled)
    straight.run(max_steps=20)
    trainer(tmp_path / "broken", books, bundled).run(max_steps=8)
    resumed = trainer(tmp_path / "broken", books, bundled)
    resumed.load()
    assert resumed.progress.step == 8
    resumed.run(max_steps=20)
    assert torch.equal(weights(straight), weights(resumed))


def test_a_short_run_has_a_curve_and_is_resumed_with_its_own_recipe(
    tmp_path: Path, books: Path, bundled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    (folder / "tokenizer").mkdir(parents=True)
    shutil.copy(bundled / "tokenizer.json", folder / "tokenizer")
    common = ["--out", str(folder), "--corpora", str(books), "--no-compile", "--threads", "1", "--minutes", "60"]
    main([*common, "--steps", "3", "--shape", "tiny", "--tokens-per-step", "512", "--seed", "4"])
    assert (folder / "loss.png").exists()
    before = (folder / "recipe.json").read_text()
    with pytest.raises(SystemExit):
        main([*common, "--resume", "--steps", "5", "--seed", "5"])
    assert "leave out: seed" in capsys.readouterr().err
    main([*common, "--resume", "--steps", "5"])
    assert (folder / "recipe.json").read_text() == before
    assert json.loads((folder / "log.jsonl").read_text().splitlines()[-1])["step"] == 5


def test_batches_made_in_other_processes_are_the_same(tmp_path: Path, books: Path, bundled: Path) -> None:
    runs = [trainer(tmp_path / str(workers), books, bundled, workers=workers) for workers in (0, 1)]
    for run in runs:
        run.run(max_steps=4)
    assert torch.equal(weights(runs[0]), weights(runs[1]))


def test_the_rate_rises_stays_and_falls(tmp_path: Path, books: Path, bundled: Path) -> None:
    run = trainer(tmp_path / "run", books, bundled, minutes=10)
    factors = []
    for step, elapsed in ((0, 0.0), (50, 60.0), (50, 180.0), (50, 390.0), (50, 600.0)):
        run.progress.step, run.progress.elapsed = step, elapsed
        factors.append(run.rate_factor())
    assert factors == pytest.approx([0.1, 1.0, 1.0, 0.5, 0.0])


def test_loss_counts_targets_only(tmp_path: Path, books: Path, bundled: Path) -> None:
    run = trainer(tmp_path / "run", books, bundled)
    maker = Maker(run.vocabulary, books, RECIPE)
    batch = make_batch(maker.encoder, maker.corpus, seed=0, step=0, stage="copying", progress=0.0, tokens=512)
    loss, sums = losses(run.model, run.body, batch.ids, batch.weights)
    targets = torch.where(batch.weights[:, 1:] > 0, batch.ids[:, 1:], -100)
    logits = run.model(batch.ids).logits[:, :-1]
    expected = torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1))
    assert sums[:, 1].sum() == (targets != -100).sum()
    assert (sums[:, 0].sum() / sums[:, 1].sum()).item() == pytest.approx(expected.item(), rel=1e-4)
    assert loss.item() > 0


def test_log_plot_and_export(tmp_path: Path, books: Path, bundled: Path) -> None:
    run = trainer(tmp_path / "run", books, bundled)
    run.run(max_steps=4, log_every=2)
    assert [json.loads(line)["step"] for line in (run.folder / "log.jsonl").read_text().splitlines()] == [2, 4]
    plot(run.folder, tmp_path / "loss.png")
    assert (tmp_path / "loss.png").stat().st_size > 1000
    out = export(run.folder / "checkpoint.pt", tmp_path / "model", "a test")
    model = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32)
    ids = AutoTokenizer.from_pretrained(out)("1. Slow water", return_tensors="pt", return_token_type_ids=False)
    ours = run.model.eval()(ids["input_ids"]).logits
    assert torch.allclose(model(**ids).logits, ours, atol=0.05)
    assert "sha256" in (out / "README.md").read_text(encoding="utf-8")
    assert {file.stat().st_mode & 0o777 for file in out.iterdir()} == {0o644}


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_build(shape: str) -> None:
    model = build(shape, 0)
    assert model.config.tie_word_embeddings
    assert model.config.max_position_embeddings == 4096


def test_a_run_may_begin_from_an_exported_model(tmp_path: Path, books: Path, bundled: Path) -> None:
    first = trainer(tmp_path / "first", books, bundled)
    first.run(max_steps=3)
    folder = export(tmp_path / "first" / "checkpoint.pt", tmp_path / "exported", "a test")
    second = Trainer(tmp_path / "second", RECIPE, device="cpu", minutes=600, corpus=books, compiled=False, start=folder)
    assert len(second.recipe.started_from) == 64
    assert torch.equal(weights(second), weights(first).to(torch.bfloat16).float())
    second.run(max_steps=2)
    assert not torch.equal(weights(second), weights(first))
    card = (export(tmp_path / "second" / "checkpoint.pt", tmp_path / "again", "another one") / "README.md").read_text(encoding="utf-8")
    assert card.index("3 steps of 256; 0 minutes on a test") < card.index("From these weights") < card.index("2 steps of 256")
    resumed = trainer(tmp_path / "second", books, bundled)
    resumed.load()
    assert resumed.recipe.started_from == second.recipe.started_from


def test_a_book_without_paragraphs_is_no_text_to_draw_from(tmp_path: Path) -> None:
    """As one whose lines are broken at a fixed width: drawn from, it would end a training of hours."""
    (tmp_path / "broken.txt").write_text("Words that are broken\nin every line\n\nand once more\nas they go on\n")
    (tmp_path / "markdown" / "tables").mkdir(parents=True)
    (tmp_path / "markdown" / "tables" / "a.md").write_text("| a | b |\n|---|---|\n")
    with pytest.raises(FileNotFoundError, match="paragraphs"):
        corpora.load(tmp_path)
    corpora.load.cache_clear()
    (tmp_path / "whole.txt").write_text("Words that go on in one line to their end.\n")
    assert [text.name for text in corpora.load(tmp_path).texts] == ["whole"]
