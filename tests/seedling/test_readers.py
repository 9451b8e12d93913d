"""Simulated readers and training rows: deterministic, of the asked length, in the product's prompt format."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from notewright.prompts import SYSTEM
from notewright.seedling import corpora
from notewright.seedling.batches import length_at, make_batch
from notewright.seedling.chat import Encoder
from notewright.seedling.copying import copy_row, prose_row
from notewright.seedling.corpora import HELD_OUT, Corpus, split_sentences
from notewright.seedling.readers import Reader, note_row
from notewright.seedling.styles import DEFAULTS
from notewright.seedling.tokenizer import load


@pytest.fixture(scope="module")
def encoder(bundled: Path) -> Encoder:
    return Encoder(load(bundled))


@pytest.mark.parametrize("make", [note_row, copy_row, prose_row])
@pytest.mark.parametrize("length", [64, 128, 512])
def test_rows_repeat_and_have_their_length(encoder: Encoder, corpus: Corpus, make, length: int) -> None:
    rows = [make(random.Random(5), encoder, corpus, length) for _ in range(2)]
    assert rows[0].ids == rows[1].ids
    assert len(rows[0].ids) == len(rows[0].weights) == length


def test_only_the_assistant_is_a_target(encoder: Encoder, corpus: Corpus) -> None:
    row = note_row(random.Random(1), encoder, corpus, 1024)
    said = encoder.tokenizer.decode([i for i, w in zip(row.ids, row.weights, strict=True) if not w], skip_special_tokens=False)
    assert said.startswith(f"<|system|>\n{SYSTEM}<|end|>\n<|user|>\nTitle: ")
    assert "<|assistant|>\n" in said


def test_exchanges_grow_with_what_is_asked(corpus: Corpus) -> None:
    rng = random.Random(0)
    counts = [
        [len(Reader.draw(rng, corpus).exchange(rng, corpus, tokens=tokens)[0].highlights) for _ in range(30)] for tokens in (120, 1500)
    ]
    assert max(counts[0]) < 8
    assert 8 < max(counts[1]) <= 25


def test_rows_may_lead_up_to_many_highlights(encoder: Encoder, corpus: Corpus) -> None:
    def most(many: float) -> list[int]:
        """The most highlights that a prompt of each row has."""
        rows = [note_row(random.Random(seed), encoder, corpus, 2048, many) for seed in range(12)]
        texts = [encoder.tokenizer.decode(row.ids, skip_special_tokens=False) for row in rows]
        asked = [[turn.split("<|end|>")[0] for turn in text.split("<|user|>")[1:]] for text in texts]
        return [max(sum(line[:1].isdigit() for line in prompt.splitlines()) for prompt in prompts) for prompts in asked]

    usual, led = most(0.0), most(1.0)
    assert sum(count >= 10 for count in led) >= 8
    assert sum(led) > 1.3 * sum(usual)
    assert max(led) <= 25


def test_default_readers(corpus: Corpus) -> None:
    assert {Reader.with_default_style(random.Random(seed), corpus).style for seed in range(60)} <= set(DEFAULTS)


def test_a_batch_depends_on_seed_and_step_alone(encoder: Encoder, corpus: Corpus) -> None:
    def batch(step: int, stage: str):
        return make_batch(encoder, corpus, seed=3, step=step, stage=stage, progress=0.1, tokens=2048)

    for stage in ("copying", "notes"):
        assert batch(1, stage).ids.equal(batch(1, stage).ids)
        assert not batch(1, stage).ids.equal(batch(2, stage).ids)


def test_rows_grow_longer() -> None:
    rng = random.Random(0)
    assert [length_at("copying", p, rng) for p in (0.0, 0.6, 0.9)] == [128, 256, 512]
    assert max(length_at("notes", 0.1, rng) for _ in range(50)) == 1024
    assert max(length_at("notes", 0.9, rng) for _ in range(50)) == 2048
    assert max(length_at("notes", 0.0, rng, many=0.5) for _ in range(50)) == 4096


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two!  Three?", ["One.", "Two!", "Three?"]),
        ("Dr. Vance of St. Ives left. J. S. Mill stayed.", ["Dr. Vance of St. Ives left.", "J. S. Mill stayed."]),
        ("“Stop.” He did.", ["“Stop.”", "He did."]),
        ("no end", ["no end"]),
        ("It cost 3.50 today. ok so.", ["It cost 3.50 today. ok so."]),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert split_sentences(text) == expected


def test_training_never_reads_the_held_out_texts(folder: Path) -> None:
    training = {text.name for text in corpora.load(folder).texts}
    held_out = {text.name for text in corpora.load(folder, held_out=True).texts}
    assert held_out == set(HELD_OUT)
    assert not training & held_out


def test_pepys_is_weighed_down(folder: Path) -> None:
    texts = corpora.load(folder).texts
    share = next(text.weight for text in texts if "pepys" in text.name) / sum(text.weight for text in texts)
    assert share < 0.06


def test_a_missing_folder_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="NOTEWRIGHT_CORPORA"):
        corpora.load(tmp_path / "nowhere")
