"""A draft that says the same over and over is ended, unless its prompt does so too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiny_models
from notewright.models.circles import LARGEST, LEAST, LOOK_EVERY, TIMES, circle, due

Tiny = Callable[[str], Path]


@given(st.lists(st.integers(0, 9)), st.lists(st.integers(0, 9), min_size=1, max_size=LARGEST), st.integers(0, 30))
def test_what_goes_round_often_and_long_enough_is_a_circle(before: list[int], ring: list[int], more: int) -> None:
    rounds = max(TIMES, -(-LEAST // len(ring)) + 1)
    ids = before + ring * rounds + (ring * 30)[:more]
    size = circle(ids)
    assert 0 < size <= len(ring)
    assert ids[-LEAST:] == ids[-LEAST - size : -size]


@given(st.permutations(range(200)))
def test_what_is_said_twice_is_none(ring: list[int]) -> None:
    assert not circle(ring * 2)


@pytest.mark.parametrize("ids", [[], [1], [1] * (LEAST // 2), list(range(500)), [1, 2, 3] * 20])
def test_short_or_various_ones_are_none(ids: list[int]) -> None:
    assert not circle(ids)


def test_it_is_looked_at_the_same_lengths_however_it_grows() -> None:
    """By one token or eight at a time."""
    for step in range(1, 9):
        lengths = [due(now, now + step) for now in range(0, 300, step)]
        assert [length for length in lengths if length] == list(range(LOOK_EVERY, 300, LOOK_EVERY))


@contextmanager
def going_round(model: Any, ring: Sequence[int]) -> Iterator[None]:
    """The model says the tokens of the ring one after the other."""
    follows = dict(zip(ring, [*ring[1:], ring[0]], strict=True))

    def turn(_: Any, args: tuple[Any, ...], given: dict[str, Any], output: Any) -> Any:
        ids = given["input_ids"][:, -output.logits.shape[1] :].tolist()
        for row, tokens in enumerate(ids):
            for place, token in enumerate(tokens):
                output.logits[row, place, follows.get(token, ring[0])] = 1e4
        return output

    hook = model.register_forward_hook(turn, with_kwargs=True)
    try:
        yield
    finally:
        hook.remove()


@pytest.mark.slow
@pytest.mark.parametrize("shape", tiny_models.SHAPES)
def test_drafts_that_go_round_are_ended(shape: str, tiny: Tiny) -> None:
    from notewright.models.engine import Engine

    engine = Engine(tiny(shape), device="cpu")
    messages = tiny_models.sft_rows(4)[3]["prompt"]
    ring = engine.tokenizer(" mud is", add_special_tokens=False)["input_ids"]
    assert len(set(ring)) == len(ring)
    expected = -(-max(LEAST + len(ring), TIMES * len(ring)) // LOOK_EVERY) * LOOK_EVERY
    with going_round(engine._model, ring):
        items = engine.generate(messages, n=2, max_new_tokens=400)
        assert [(item.finished, item.tokens) for item in items] == [(False, expected)] * 2
        assert engine.generate(messages, n=1, max_new_tokens=40)[0].tokens == 40
        each = [item for _, item in engine.write_each([messages], max_new_tokens=400)]
        assert [(item.finished, item.tokens, item.text) for item in each] == [(False, expected, items[0].text)]
        quoting = [*messages[:-1], {"role": "user", "content": "> mud is" + "\n> mud is" * 30}]
        (quoted,) = engine.generate(quoting, n=1, max_new_tokens=200)
        assert quoted.tokens == 200, "what the prompt says over and over may be quoted"
        assert [item.tokens for _, item in engine.write_each([quoting], max_new_tokens=200)] == [200]
