"""Linear reward heads on frozen states: logistic regression on the difference between the better and the worse text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

STRENGTHS = (1.0, 10.0, 100.0, 1000.0)  # ridge penalties tried; the lists that a head has not seen choose


@dataclass(frozen=True, slots=True)
class Heads:
    """`tensors`: weights (heads, width), centre and spread (width) of the states. `strength` is the chosen penalty."""

    tensors: dict[str, torch.Tensor]
    strength: float


def fit_heads(differences: torch.Tensor, states: torch.Tensor, folds: list[int], members: int, *, weights: list[int]) -> Heads:
    """One head for each fold, fitted without it (with one member: one head on everything)."""
    centre, spread = states.mean(0), states.std(0, unbiased=False).clamp(min=1e-6)
    scaled, fold, weight = differences / spread, torch.tensor(folds), torch.tensor(weights, dtype=torch.float32)
    best: tuple[float, float, torch.Tensor] | None = None
    for strength in STRENGTHS:
        rows = [_fit(scaled[fold != k], weight[fold != k], strength) for k in range(members)] if members > 1 else []
        heads = torch.stack(rows or [_fit(scaled, weight, strength)])
        gaps = (heads[fold if members > 1 else torch.zeros_like(fold)] * scaled).sum(1)
        loss = float((torch.nn.functional.softplus(-gaps) * weight).sum() / weight.sum())
        if best is None or loss < best[0]:
            best = loss, strength, heads
    assert best is not None
    return Heads({"weights": best[2], "centre": centre, "spread": spread}, best[1])


def _fit(rows: torch.Tensor, weight: torch.Tensor, strength: float) -> torch.Tensor:
    """Ridge-penalised logistic regression through the origin, by L-BFGS in the span of the rows (few rows, many columns)."""
    kernel = rows @ rows.T
    alpha = torch.zeros(len(rows), requires_grad=True)
    optimiser = torch.optim.LBFGS([alpha], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Any:
        optimiser.zero_grad()
        gaps = kernel @ alpha
        loss = (torch.nn.functional.softplus(-gaps) * weight).sum() + strength / 2 * alpha @ gaps
        loss.backward()
        return loss

    optimiser.step(closure)
    return (alpha.detach() @ rows).contiguous()
