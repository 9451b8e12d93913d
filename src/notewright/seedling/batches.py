"""Training batches as a pure function of (seed, step, stage, length): resuming needs no data cursor but the step."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import torch

from .chat import Encoder, Tokens
from .copying import copy_row, prose_row
from .corpora import Corpus
from .readers import note_row

Row = Callable[[random.Random, Encoder, Corpus, int], Tokens]
# Stretches of a stage, by progress from 0 to 1. A CPU can't pay for many long rows.
COPY_LENGTHS = ((0.0, 128), (0.5, 256), (0.8, 512))
NOTE_LENGTHS = ((0.0, {512: 0.6, 1024: 0.4}), (0.7, {512: 0.4, 1024: 0.5, 2048: 0.1}))
LONG_NOTE_LENGTHS = ((0.0, {1024: 0.8, 2048: 0.2}), (0.2, {1024: 0.5, 2048: 0.35, 4096: 0.15}))
MANY_NOTE_LENGTHS = ((0.0, {1024: 0.3, 2048: 0.4, 4096: 0.3}),)


@dataclass(frozen=True, slots=True)
class Batch:
    """`weights` are the targets' weights; `kinds` names each row's kind for the log."""

    ids: torch.Tensor
    weights: torch.Tensor
    kinds: tuple[str, ...]


def length_at(stage: str, progress: float, rng: random.Random, *, long: bool = False, many: float = 0.0) -> int:
    """Row length for a batch at `progress` (0-1) of its stage: short at first, long later; with `many` long from the start."""
    if stage == "copying":
        return [length for start, length in COPY_LENGTHS if progress >= start][-1]
    lengths = MANY_NOTE_LENGTHS if many else LONG_NOTE_LENGTHS if long else NOTE_LENGTHS
    shares = [shares for start, shares in lengths if progress >= start][-1]
    return rng.choices(list(shares), weights=list(shares.values()))[0]


def _row(stage: str, rng: random.Random, encoder: Encoder, corpus: Corpus, length: int, many: float) -> tuple[str, Tokens]:
    draw = rng.random()
    if stage == "copying":
        if draw < 0.05:
            return "prose", prose_row(rng, encoder, corpus, length, 0.3)
        return "copy", copy_row(rng, encoder, corpus, length)
    if draw < 0.04:
        return "prose", prose_row(rng, encoder, corpus, length, 0.3)
    if draw < 0.14:
        return "copy", copy_row(rng, encoder, corpus, length)
    return "note", note_row(rng, encoder, corpus, length, many)


def make_batch(
    encoder: Encoder,
    corpus: Corpus,
    *,
    seed: int,
    step: int,
    stage: str,
    progress: float,
    tokens: int,
    long: bool = False,
    many: float = 0.0,
) -> Batch:
    """About `tokens` tokens in rows of one length; `long`: up to 4,096 tokens a row; `many`: see `note_row`."""
    rng = random.Random(f"{seed}/{step}")
    length = length_at(stage, progress, rng, long=long, many=many)
    rows = [_row(stage, rng, encoder, corpus, length, many) for _ in range(max(1, tokens // length))]
    return Batch(
        torch.tensor([row.ids for _, row in rows]), torch.tensor([row.weights for _, row in rows]), tuple(kind for kind, _ in rows)
    )
