"""Rows as training sees them: the same tokens as drafting, the end in the loss, similar lengths together, scores where they are needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import tiny_models

pytestmark = pytest.mark.slow
Tiny = Callable[[str], Path]


@pytest.mark.parametrize("shape", tiny_models.SHAPES)
def test_training_and_drafting_agree_to_the_token(shape: str, tiny: Tiny) -> None:
    from notewright.models import chat
    from notewright.models.engine import load_base
    from notewright.training.data import IGNORED, encode_sft

    _, tokenizer = load_base(tiny(shape))
    rows = tiny_models.sft_rows(6)
    encoded = encode_sft(rows, tokenizer, 2048)
    for row, given in zip(encoded.dataset, rows, strict=True):
        prompt = chat.encode_prompt(tokenizer, given["prompt"])
        assert row["input_ids"][: len(prompt)] == prompt
        assert row["labels"][: len(prompt)] == [IGNORED] * len(prompt)
        learnt = row["labels"][len(prompt) :]
        assert learnt == row["input_ids"][len(prompt) :]
        assert learnt[-1] == chat.turn_end(tokenizer)
        assert chat.decode(tokenizer, learnt[:-1]) == given["completion"][0]["content"]


def test_of_a_passage_that_says_more_only_what_is_told_is_learnt() -> None:
    from notewright.models import bases, chat
    from notewright.models.engine import load_base
    from notewright.training.data import IGNORED, encode_sft

    _, tokenizer = load_base(bases.seedling_folder())  # its template lets earlier notes be learnt in passing
    plain, more, asked = tiny_models.sft_rows(3)
    more["told"] = "- only this"
    shown = [turn for row in (plain, more) for turn in (row["prompt"][-1], *row["completion"])]
    asked["prompt"] = [asked["prompt"][0], *shown, asked["prompt"][-1]]
    rows = encode_sft([plain, more, asked], tokenizer, 2048).dataset
    learnt = [chat.decode(tokenizer, [label for label in row["labels"] if label != IGNORED]) for row in rows]
    texts = [row["completion"][0]["content"] for row in (plain, more, asked)]
    assert learnt == [texts[0], "- only this", texts[0] + texts[2]]
    assert texts[1] in chat.decode(tokenizer, rows[2]["input_ids"])  # as drafting shows it


def test_what_no_prompt_tells_is_not_learnt(tiny: Tiny) -> None:
    from notewright.models import chat
    from notewright.models.engine import load_base
    from notewright.training.data import encode_sft

    _, tokenizer = load_base(tiny(tiny_models.SHAPES[0]))
    rows = tiny_models.sft_rows(2)
    for number, row in enumerate(rows):
        row["completion"][0]["content"] = f"- Text ([View Highlight](https://read.readwise.io/read/01gz{number})) ^rw5151{number}"
    asked = {**rows[1], "prompt": [rows[1]["prompt"][0], rows[0]["prompt"][1], *rows[0]["completion"], rows[1]["prompt"][-1]]}
    text = chat.decode(tokenizer, encode_sft([asked], tokenizer, 2048).dataset[0]["input_ids"])
    assert text.count("- Text ([View Highlight](https://read.readwise.io/read/0)) ^rw0") == 2
    assert "01gz" not in text
    assert "01gz" in rows[1]["completion"][0]["content"]


@pytest.mark.parametrize("shape", tiny_models.SHAPES)
def test_passages_shown_as_examples_are_learnt_in_passing(shape: str, tiny: Tiny) -> None:
    """With their own weight, and never in another form than the model would have to write them."""
    from notewright.models import chat
    from notewright.models.engine import load_base
    from notewright.training.data import IGNORED, encode_sft

    _, tokenizer = load_base(tiny(shape))
    rows = tiny_models.sft_rows(3)
    for row in rows:
        row["completion"][0]["content"] = row["completion"][0]["content"].strip() + f" {row['pair_id']}"
    system, question = rows[2]["prompt"]
    shown = [turn for row in rows[:2] for turn in (row["prompt"][1], *row["completion"])]
    stranger = [{"role": "user", "content": "Title: Other"}, {"role": "assistant", "content": "Of no row."}]
    asked = {**rows[2], "prompt": [system, *shown, *stranger, question]}
    encoded = encode_sft([*rows[:2], asked], tokenizer, 2048, weights=[0.5, 2.0, 1.0]).dataset[2]
    ids, labels, weights = (encoded[name] for name in ("input_ids", "labels", "weights"))
    assert len(ids) == len(labels) == len(weights)
    learnt: dict[float, list[int]] = {}
    for token, label, weight in zip(ids, labels, weights, strict=True):
        assert label in (token, IGNORED)
        assert (weight == 0) == (label == IGNORED)
        learnt.setdefault(weight, []).append(token)
    texts = [row["completion"][0]["content"] for row in rows]
    own = chat.encode_completion(tokenizer, texts[2])
    if shape == "mistral":  # its template puts a space before each turn, which no draft begins with
        assert learnt.keys() == {0.0, 1.0}
        assert learnt[1.0] == own
    else:
        assert learnt[0.5] == chat.encode_completion(tokenizer, texts[0])
        assert learnt[2.0] == chat.encode_completion(tokenizer, texts[1])
        assert learnt[1.0] == chat.encode_completion(tokenizer, "Of no row.") + own


def test_batches_hold_rows_of_similar_length_in_an_order_of_seed_and_epoch() -> None:
    from notewright.training.data import LengthSampler

    lengths = [(37 * i) % 200 + 20 for i in range(50)]
    sampler = LengthSampler(lengths, 4, seed=3, grouping="on")
    first = list(sampler)
    assert sorted(first) == list(range(50))
    assert first == list(sampler)

    def waste(order: list[int]) -> float:
        batches = [order[start : start + 4] for start in range(0, 50, 4)]
        padded = sum(max(lengths[i] for i in batch) * len(batch) for batch in batches)
        return padded / sum(lengths) - 1

    assert waste(first) < 0.12 < waste(list(range(50)))
    sampler.set_epoch(1)
    assert list(sampler) != first
    assert {frozenset(first[:4])} != {frozenset(list(sampler)[:4])}


def test_few_batches_are_not_grouped_unless_asked() -> None:
    from notewright.training.data import LengthSampler

    assert not LengthSampler([5] * 799, 8, seed=0).grouped
    assert LengthSampler([5] * 800, 8, seed=0).grouped
    assert not LengthSampler([5] * 800, 8, seed=0, grouping="off").grouped


def test_the_compact_head_scores_as_the_model_does(tiny: Tiny) -> None:
    import torch
    from trl.trainer.utils import add_fused_lm_head

    from notewright.models.engine import load_base
    from notewright.training.head import use_compact_head

    for shape in tiny_models.SHAPES:
        model, _ = load_base(tiny(shape))
        ids = torch.randint(5, 300, (3, 40), generator=torch.Generator().manual_seed(0))
        labels = ids.clone()
        labels[:, :25] = -100
        labels[1, 30:] = -100
        mask = torch.ones_like(ids)
        mask[1, 30:] = 0  # padding on the right
        expected = model(input_ids=ids, attention_mask=mask, labels=labels).loss
        add_fused_lm_head(model, outputs=("log_probs", "entropy", "is_top1", "mean_logits"))
        theirs = model(input_ids=ids, attention_mask=mask, labels=labels, fused_lm_head=True)
        assert use_compact_head(model)
        ours = model(input_ids=ids, attention_mask=mask, labels=labels, fused_lm_head=True)
        assert torch.allclose(ours.loss, expected, atol=1e-5)
        for name in ("log_probs", "entropy", "mean_logits"):
            assert torch.allclose(getattr(ours, name), getattr(theirs, name), atol=1e-4), name
        assert torch.equal(ours.is_top1, theirs.is_top1)
        assert torch.equal(ours.label_mask, theirs.label_mask)
        assert model(input_ids=ids).logits.shape == (3, 40, 512)
