"""Which versions are kept beside the current one, to write at times: those that held-out work cannot tell from it."""

from __future__ import annotations

from collections.abc import Sequence

from ..evaluation import compare
from .decide import FEWEST, Contender, harms

MOST = 2  # every further version costs batches to try


def keep(current: Contender, others: Sequence[Contender]) -> dict[str, bool]:
    """Versions by id, each with whether examples stand in its prompts (the better of both ways); at most `MOST`, the nearest first.

    None is kept that is worse beyond the 90 % interval, that `harms` has something against, or that was measured on too little.
    """
    kept: dict[str, bool] = {}
    for other in sorted(others, key=lambda contender: compare(current.proven, contender.proven).after):
        if other.model_id not in {current.model_id, *kept} and len(kept) < MOST and _harmless(current, other):
            kept[other.model_id] = other.examples
    return kept


def _harmless(current: Contender, other: Contender) -> bool:
    change = compare(current.proven, other.proven)
    return change.items >= FEWEST and change.low <= 0 and not harms(current, other)
