"""Which versions are kept beside the current one, to write at times: those that held-out work cannot tell from it."""

from __future__ import annotations

from collections.abc import Sequence

from ..evaluation import compare
from .decide import FEWEST, LENGTHS, VALID_MARGIN, Contender, relative_length

MOST = 2  # every further version costs batches to try


def keep(current: Contender, others: Sequence[Contender]) -> dict[str, bool]:
    """Versions by id, each with whether examples stand in its prompts (the better of both ways); at most `MOST`, the nearest first.

    None is kept that is worse beyond the 90 % interval, breaks gates more often, writes too long or short, or was measured on too little.
    """
    kept: dict[str, bool] = {}
    for other in sorted(others, key=lambda contender: contender.report.mean):
        if other.model_id not in {current.model_id, *kept} and len(kept) < MOST and _harmless(current, other):
            kept[other.model_id] = other.examples
    return kept


def _harmless(current: Contender, other: Contender) -> bool:
    change = compare(current.report, other.report)
    length, usual = relative_length(other.report), relative_length(current.report)
    return (
        change.items >= FEWEST
        and change.low <= 0
        and other.report.valid >= current.report.valid - VALID_MARGIN
        and (LENGTHS[0] <= length <= LENGTHS[1] or abs(length - 1) <= abs(usual - 1))
    )
