"""Losses on log-probabilities: lists of texts by preference, and single tokens by what an edit did to them. Pure tensors.

`leads` are the texts of a list against each other, a square: by how much the text of the row is ahead of that of the column, in nats times
beta. `levels` say who should be: a text beats every text of a higher level, and texts of one level are equals.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.functional import logsigmoid

SURE = 0.99


def compared(levels: Sequence[int]) -> list[tuple[int, int]]:
    """(The better, the worse) of every two texts that are not equals."""
    return [(a, b) for a, upper in enumerate(levels) for b, lower in enumerate(levels) if upper < lower]


def leads_of(scores: torch.Tensor) -> torch.Tensor:
    """Of texts that have one score each: beta times the log-ratio of policy and reference."""
    return scores[:, None] - scores[None]


def plackett_luce(leads: torch.Tensor, levels: Sequence[int], *, smoothing: float = 0.0) -> torch.Tensor:
    """Minus the mean log-chance of each choice that makes up the order: a text is taken before all texts below it.

    Equals are taken each against those below, not against each other. `smoothing` is the chance that the order was told the wrong way
    round (cDPO). With two texts this is DPO's sigmoid loss.
    """
    loss = _choices(leads, levels)
    if smoothing:
        loss = (1 - smoothing) * loss + smoothing * _choices(leads, [-level for level in levels])
    return loss


def _choices(leads: torch.Tensor, levels: Sequence[int]) -> torch.Tensor:
    parts = []
    for place, level in enumerate(levels):
        below = [other for other, lower in enumerate(levels) if lower > level]
        if below:
            parts.append(torch.logsumexp(-leads[place, [place, *below]], 0))  # its lead over itself is 0
    assert parts, "a list needs two levels"
    return torch.stack(parts).mean()


def pairwise(leads: torch.Tensor, levels: Sequence[int], *, smoothing: float = 0.0) -> torch.Tensor:
    """DPO's sigmoid loss (arXiv:2305.18290), the mean over all pairs of the list."""
    return _weighted_pairs(leads, levels, None, smoothing)


def lipo(leads: torch.Tensor, levels: Sequence[int], *, smoothing: float = 0.0) -> torch.Tensor:
    """LiPO-lambda (arXiv:2402.01878, eq. 10): a pair weighs as much as swapping it would change the list's discounted gain."""
    with torch.no_grad():
        depth = max(levels)
        gains = torch.tensor([2.0 ** ((depth - level) / max(1, depth)) - 1 for level in levels], device=leads.device)
        places = torch.empty(len(levels), device=leads.device)
        places[leads.sum(1).argsort(descending=True, stable=True)] = torch.arange(1.0, len(levels) + 1, device=leads.device)
        discounts = torch.log2(1 + places)
        weights = (gains[:, None] - gains[None]).abs() * (1 / discounts[:, None] - 1 / discounts[None]).abs()
    return _weighted_pairs(leads, levels, weights, smoothing)


def _weighted_pairs(leads: torch.Tensor, levels: Sequence[int], weights: torch.Tensor | None, smoothing: float) -> torch.Tensor:
    pairs = compared(levels)
    assert pairs, "a list needs two levels"
    better, worse = (list(side) for side in zip(*pairs, strict=True))
    gaps = leads[better, worse]
    each = -(1 - smoothing) * logsigmoid(gaps) - smoothing * logsigmoid(-gaps)
    if weights is None:
        return each.mean()
    chosen = weights[better, worse]
    return (each * chosen).sum() / chosen.sum().clamp(min=1e-8)


def offset_sigmoid(score: torch.Tensor, margin: float) -> torch.Tensor:
    """DPO with an offset (arXiv:2402.10571): the better text has to lead by `margin`."""
    return -logsigmoid(score - margin)


def likelihood(log_probs: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weighted mean of minus the tokens' log-probabilities; 0 where no token weighs anything."""
    return -(log_probs * weights).sum() / weights.sum().clamp(min=1e-8)


def unlikelihood(log_probs: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weighted mean of -log(1 - p) (arXiv:1908.04319), with p at most `SURE`: a token that is certain costs no more than ln 100, and still
    has a gradient, since it is the one that most needs to become less likely."""
    return -(torch.log1p(-SURE * log_probs.exp()) * weights).sum() / weights.sum().clamp(min=1e-8)


LISTS = {"pl": plackett_luce, "lipo": lipo, "pairs": pairwise}
