"""Guesses are what followed in the prompt, and refused ones leave no trace in a draft."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import tiny_models
from notewright.models import engine as engines
from notewright.models.lookup import Lookup, Places


@pytest.mark.parametrize(
    ("written", "guess"),
    [
        ([], [9, 9, 9]),  # the prompt ends with 3 4 5, and what followed 3 4 5 earlier is taken
        ([1, 2, 3], [4, 5, 9]),
        ([7, 2, 3], [4, 5, 9]),  # a run of two is enough
        ([8, 8], [8, 8, 8]),  # nothing known
        ([5, 9, 9], [9, 9, 3]),
    ],
)
def test_guesses(written: list[int], guess: list[int]) -> None:
    assert Lookup([1, 2, 3, 4, 5, 9, 9, 9, 9, 3, 4, 5]).guess(written, 3) == guess


def test_of_two_places_the_later_counts_and_the_end_is_filled() -> None:
    assert Lookup([1, 2, 3, 1, 2, 4]).guess([1, 2], 3) == [4, 4, 4]


def test_refused_guesses_are_hidden_and_positions_go_on() -> None:
    places = Places(2, 2, 3)
    seen, positions = places.ask()
    assert positions.tolist() == [[2, 3, 4], [2, 3, 4]]
    assert seen.tolist() == [[1] * 3] * 2
    places.keep(0, 1)
    places.keep(1, 3)
    seen, positions = places.ask()
    assert positions.tolist() == [[3, 4, 5], [5, 6, 7]]
    assert seen.tolist() == [[1, 0, 0, 1, 1, 1], [1] * 6]
    places.select([1])
    assert places.ask()[1].tolist() == [[8 - 3, 9 - 3, 10 - 3]]


@pytest.mark.slow
@pytest.mark.parametrize("shape", tiny_models.SHAPES)
@pytest.mark.parametrize("wrong", [0, 3], ids=["all guesses right", "every third wrong"])
def test_drafts_are_those_written_without_guessing(
    shape: str, wrong: int, tiny: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = tiny_models.sft_rows(4)[3]["prompt"]
    writer = engines.Engine(tiny(shape), device="cpu")
    steps: list[int] = []
    ids: list[int] = []
    ended = engines.Row.result

    def kept(row: engines.Row) -> engines.Generated:
        ids[:] = ids or row.ids
        return ended(row)

    monkeypatch.setattr(engines, "GUESSED", 0)
    monkeypatch.setattr(engines.Row, "result", kept)
    alone = writer.generate(messages, n=2, max_new_tokens=40, on_token=lambda *_: steps.append(0))
    assert len(steps) == 40
    monkeypatch.undo()

    def oracle(_: Lookup, written: list[int], count: int) -> list[int]:
        known = ids[len(written) : len(written) + count]
        guess = known + [1] * (count - len(known))
        return [token + 1 if wrong and number % wrong == 0 else token for number, token in enumerate(guess)]

    monkeypatch.setattr(Lookup, "guess", oracle)
    steps.clear()
    assert writer.generate(messages, n=1, max_new_tokens=40, on_token=lambda *_: steps.append(0)) == alone[:1]
    assert writer.generate(messages, n=2, max_new_tokens=40) == alone
    slides = shape == "mistral"  # a sliding window forgets places, so nothing is guessed there
    assert len(steps) < 20 if not wrong and not slides else len(steps) <= 40


@pytest.mark.slow
@pytest.mark.parametrize("shape", tiny_models.SHAPES)
def test_guesses_do_not_reach_behind_what_a_base_can_see(shape: str, tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "1. The river carries silt."}]
    writer = engines.Engine(tiny_models.build(shape, tmp_path, context=96), device="cpu")
    written = writer.generate(messages, n=4, temperature=1.0, max_new_tokens=512)
    left = 96 - len(engines.chat.encode_prompt(writer.tokenizer, messages))
    assert max(item.tokens for item in written) == left
