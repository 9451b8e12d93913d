"""A dataset folder's rows as token ids, and the order in which a training sees them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from datasets import Dataset
from torch.utils.data import Sampler

from ..errors import Invalid
from ..models import chat
from ..reward import neural
from ..vault.pointers import stand_in

IGNORED = -100


@dataclass(frozen=True, slots=True)
class Rows:
    """Encoded rows. `too_long` were left out, and are reported; `tokens` counts each row once, `trained` its passages."""

    dataset: Any
    lengths: list[int]
    too_long: int
    trained: int

    @property
    def tokens(self) -> int:
        return sum(self.lengths)


def encode_sft(rows: list[dict[str, Any]], tokenizer: Any, max_length: int, *, weights: Sequence[float] = ()) -> Rows:
    """`input_ids`, `labels` and `weights` of the tokens: passages and their ends are learnt, the rest is context only.

    Of a passage that says more than its highlights only what they tell is learnt (`told`). The passages that a prompt shows as examples are
    the person's too: they are learnt in passing, each with the weight of its own row, unless they say more than that.
    Addresses and ids of highlights, which no prompt shows, are learnt as one and the same (`stand_in`): drafting fills them in.
    """
    more = {stand_in(row["completion"][0]["content"]) for row in rows if "told" in row}
    rows = [_told(row) for row in rows]
    encoded, lengths, trained = [], [], 0
    end = chat.turn_end(tokenizer)
    weights = weights or [1.0] * len(rows)
    known = {row["completion"][0]["content"]: weight for row, weight in zip(rows, weights, strict=True)}
    for row, weight in zip(rows, weights, strict=True):
        prompt = chat.encode_prompt(tokenizer, row["prompt"])
        completion = chat.encode_completion(tokenizer, row["completion"][0]["content"])
        assert completion[-1] == end, "the turn's end must be learnt"
        if len(prompt) + len(completion) <= max_length:
            labels, scale = [IGNORED] * len(prompt), [0.0] * len(prompt)
            for first, last, shown in chat.earlier_answers(tokenizer, row["prompt"], prompt):
                if shown not in more:
                    labels[first:last] = prompt[first:last]
                    scale[first:last] = [known.get(shown, weight)] * (last - first)
            labels, scale = labels + completion, scale + [weight] * len(completion)
            encoded.append({"input_ids": prompt + completion, "labels": labels, "weights": scale})
            lengths.append(len(labels))
            trained += sum(label != IGNORED for label in labels)
    return Rows(_dataset(encoded, ("input_ids", "labels", "weights")), lengths, len(rows) - len(encoded), trained)


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """The row with its passages as they can be written from what the prompt shows."""
    if "told" in row:
        row = {**row, "completion": [{**row["completion"][0], "content": row["told"]}]}
    prompt, completion = ([{**turn, "content": _written(turn)} for turn in row[name]] for name in ("prompt", "completion"))
    return {**row, "prompt": prompt, "completion": completion}


def _written(turn: dict[str, str]) -> str:
    return stand_in(turn["content"]) if turn["role"] == "assistant" else turn["content"]


def encode_choices(
    rows: Sequence[dict[str, Any]], tokenizer: Any, max_length: int
) -> tuple[Rows, list[dict[str, Any]], list[tuple[list[int], int]], list[tuple[list[int], int]]]:
    """`chosen_ids` and `rejected_ids` as a reward model sees them; also the rows that fit, and both their texts with where each begins."""
    usable, chosen, rejected = [], [], []
    for row in rows:
        better, worse = (neural.encode(tokenizer, (row["prompt"], row[side][0]["content"])) for side in ("chosen", "rejected"))
        if max(len(better[0]), len(worse[0])) <= max_length:
            usable.append(row)
            chosen.append(better)
            rejected.append(worse)
    pairs = [(better, worse) for (better, _), (worse, _) in zip(chosen, rejected, strict=True)]
    lengths = [max(len(better), len(worse)) for better, worse in pairs]
    encoded = [{"chosen_ids": better, "rejected_ids": worse} for better, worse in pairs]
    return Rows(_dataset(encoded, ("chosen_ids", "rejected_ids")), lengths, len(rows) - len(usable), 0), usable, chosen, rejected


def order(pairs: Sequence[tuple[str, str]]) -> tuple[list[str], list[int]]:
    """Texts by level, and their levels: 0 for those that nothing beats, else one below the lowest that beats them."""
    beaten: dict[str, set[str]] = {}
    for better, worse in pairs:
        beaten.setdefault(better, set())
        beaten.setdefault(worse, set()).add(better)
    levels: dict[str, int] = {}
    while len(levels) < len(beaten):
        ready = [text for text, by in beaten.items() if text not in levels and by <= levels.keys()]
        if not ready:  # two equal texts were ranked apart: of such a circle only its first pair is kept
            return [*pairs[0]], [0, 1]
        levels |= {text: 1 + max((levels[other] for other in beaten[text]), default=-1) for text in ready}
    texts = sorted(levels, key=lambda text: levels[text])
    return texts, [levels[text] for text in texts]


def _dataset(rows: Sequence[dict[str, Any]], columns: tuple[str, ...]) -> Dataset:
    return Dataset.from_dict({name: [row[name] for row in rows] for name in columns})


def require_rows(rows: Rows, minimum: int, *, max_length: int) -> None:
    """Refuse a training on fewer rows than it can learn from."""
    if len(rows.lengths) < minimum:
        left_out = f" ({rows.too_long} more are longer than max_length = {max_length} tokens)" if rows.too_long else ""
        raise Invalid(
            f"The dataset has {len(rows.lengths)} usable rows{left_out}; this method needs at least {minimum}.",
            "Accept more pairs or record more choices, then build the dataset again: notewright dataset sft|preference",
        )


class LengthSampler(Sampler[int]):
    """Row order for one epoch after another: batches of rows of similar length, in random order.

    Lengths are blurred by a tenth so that neighbours change from epoch to epoch. The order depends on (seed, epoch) only, so a resumed
    training goes on exactly where it was. A last batch that is not full comes last. Over few batches alike rows in a batch cost more in
    loss than padding costs in time (lab notes), so `auto` groups from `MANY_BATCHES` on.
    """

    MANY_BATCHES = 100

    def __init__(self, lengths: list[int], batch: int, seed: int, *, grouping: str = "auto") -> None:
        self.lengths, self.batch, self.seed = lengths, batch, seed
        self.grouped = grouping == "on" or (grouping == "auto" and len(lengths) >= self.MANY_BATCHES * batch)
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        random = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        if not self.grouped:
            yield from torch.randperm(len(self.lengths), generator=random).tolist()
            return
        blur = 1 + 0.2 * (torch.rand(len(self.lengths), generator=random) - 0.5)
        order = (torch.tensor(self.lengths) * blur).argsort(descending=True).tolist()
        batches = [order[start : start + self.batch] for start in range(0, len(order), self.batch)]
        last = batches.pop() if batches and len(batches[-1]) < self.batch else []
        for index in torch.randperm(len(batches), generator=random).tolist():
            yield from batches[index]
        yield from last
