"""Products taken the other way round are the same products."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import tiny_models
from notewright.models import engine as engines
from notewright.models import thin

pytestmark = pytest.mark.slow


@pytest.fixture
def turned(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a processor with AVX2 and no more, whatever this one has."""
    monkeypatch.setattr(thin, "pays", lambda: True)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("rows", [(2,), (1, 8), (3, 5), (4, 16), (1, 65), (1,), (0,)])
def test_products_are_the_same(rows: tuple[int, ...], bias: bool, turned: None) -> None:
    import torch

    layer = torch.nn.Linear(24, 40, bias=bias)
    states = torch.randn(*rows, 24, requires_grad=True)
    plain = layer(states)
    thin.prepare(layer)
    with torch.no_grad():
        torch.testing.assert_close(layer(states), plain)
    learnt = layer(states)
    assert torch.equal(learnt, plain)
    learnt.sum().backward()
    assert states.grad is not None


def test_it_is_used_for_few_rows_only_and_never_while_something_is_learnt(turned: None, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    plain: list[int] = []
    whole = torch.nn.functional.linear

    def linear(states: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        plain.append(len(states))
        return whole(states, *rest)

    monkeypatch.setattr(torch.nn.functional, "linear", linear)
    layer = torch.nn.Linear(24, 40, bias=False)
    thin.prepare(layer)
    with torch.no_grad():
        layer(torch.ones(2, 24)), layer(torch.ones(64, 24))
        assert plain == []
        layer(torch.ones(1, 24)), layer(torch.ones(65, 24))
        layer(torch.ones(2, 24))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            layer(torch.ones(3, 24))
    layer(torch.ones(4, 24))
    assert plain == [1, 65, 3, 4]


@pytest.mark.parametrize("shape", tiny_models.SHAPES)
def test_drafts_are_the_same(shape: str, tiny: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    messages = tiny_models.sft_rows(4)[3]["prompt"]
    found = []
    for pays in (False, True):
        monkeypatch.setattr(thin, "pays", lambda pays=pays: pays)
        writer = engines.Engine(tiny(shape), device="cpu")
        found.append(writer.generate(messages, n=3, max_new_tokens=40))
    assert found[0] == found[1]
