"""Losses against values worked out by hand."""

from __future__ import annotations

import math

import pytest

pytestmark = pytest.mark.slow


def sigmoid_loss(gap: float) -> float:
    return math.log(1 + math.exp(-gap))


def test_with_two_texts_every_list_loss_is_dpos() -> None:
    import torch

    from notewright.training.losses import LISTS, leads_of

    for loss in LISTS.values():
        assert float(loss(leads_of(torch.tensor([0.7, 0.2])), [0, 1])) == pytest.approx(sigmoid_loss(0.5), abs=1e-6)
        assert float(loss(leads_of(torch.tensor([0.2, 0.7])), [1, 0])) == pytest.approx(sigmoid_loss(0.5), abs=1e-6)
        smooth = float(loss(leads_of(torch.tensor([0.7, 0.2])), [0, 1], smoothing=0.1))
        assert smooth == pytest.approx(0.9 * sigmoid_loss(0.5) + 0.1 * sigmoid_loss(-0.5), abs=1e-6)


def test_a_ranking_is_a_row_of_choices() -> None:
    """First 1 out of 3, then 1 out of 2."""
    import torch

    from notewright.training.losses import leads_of, plackett_luce

    a, b, c = 1.0, 0.5, -0.5
    first = math.log(math.exp(a) + math.exp(b) + math.exp(c)) - a
    second = math.log(math.exp(b) + math.exp(c)) - b
    assert float(plackett_luce(leads_of(torch.tensor([a, b, c])), [0, 1, 2])) == pytest.approx((first + second) / 2, abs=1e-6)


def test_equals_are_not_compared() -> None:
    import torch

    from notewright.training.losses import leads_of, pairwise, plackett_luce

    scores = leads_of(torch.tensor([1.0, 1.0, 0.0]))
    assert float(plackett_luce(scores, [0, 0, 1])) == pytest.approx(sigmoid_loss(1.0), abs=1e-6)
    assert float(pairwise(scores, [0, 0, 1])) == pytest.approx(sigmoid_loss(1.0), abs=1e-6)


def test_lipo_weighs_pairs_by_what_a_swap_would_change() -> None:
    import torch

    from notewright.training.losses import leads_of, lipo

    scores, levels = [0.3, 0.1, 0.2], [0, 1, 2]
    gains = [2.0**1 - 1, 2.0**0.5 - 1, 0.0]
    places = [1, 3, 2]  # by score
    pairs = ((0, 1), (0, 2), (1, 2))
    discounts = [1 / math.log2(1 + place) for place in places]
    weights = {(a, b): abs(gains[a] - gains[b]) * abs(discounts[a] - discounts[b]) for a, b in pairs}
    by_hand = sum(weight * sigmoid_loss(scores[a] - scores[b]) for (a, b), weight in weights.items()) / sum(weights.values())
    assert float(lipo(leads_of(torch.tensor(scores)), levels)) == pytest.approx(by_hand, abs=1e-6)


def test_token_losses() -> None:
    import torch

    from notewright.training.losses import likelihood, offset_sigmoid, unlikelihood

    chances, weights = torch.tensor([0.5, 0.25, 1.0]), torch.tensor([1.0, 0.5, 0.0])
    assert float(likelihood(chances.log(), weights)) == pytest.approx((math.log(2) + 0.5 * math.log(4)) / 1.5, abs=1e-6)
    by_hand = -(math.log(1 - 0.99 * 0.5) + 0.5 * math.log(1 - 0.99 * 0.25)) / 1.5
    assert float(unlikelihood(chances.log(), weights)) == pytest.approx(by_hand, abs=1e-6)
    certain = torch.zeros(1, requires_grad=True)
    cost = unlikelihood(certain, torch.ones(1))
    cost.backward()
    assert float(cost.detach()) == pytest.approx(math.log(100), abs=1e-3)
    assert certain.grad is not None
    assert float(certain.grad) == pytest.approx(99, abs=0.1)  # what is certain is pushed the most
    assert float(offset_sigmoid(torch.tensor(0.5), 0.2)) == pytest.approx(sigmoid_loss(0.3), abs=1e-6)
