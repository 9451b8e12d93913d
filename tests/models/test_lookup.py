"""Guesses are what followed in the prompt, and refused ones leave no trace in a draft."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import tiny_models
from notewright.models import engine as engines
from notewright.models.lookup import LIKE, Known, Lookup, Memory, Places


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


def test_the_same_prompts_drafts_come_first_and_taught_passages_last() -> None:
    taught = Known([[50, 3, 4, 5, 60, 61]], LIKE)
    prompt = [1, 2, 3, 4, 9, 9, 7, 8]
    assert Lookup(prompt, taught=taught).guess([3, 4], 2) == [9, 9]
    assert Lookup(prompt, taught=taught).guess([4, 5], 2) == [60, 61]
    assert Lookup(prompt, taught=taught).guess([2, 5], 2) == [60, 61]  # a run of one
    drafts = [[2, 3, 4, 70], [7, 3, 4, 71]]
    assert Lookup(prompt, taught=taught, drafts=drafts).guess([2, 3, 4], 2) == [70, 70]
    assert Lookup(prompt, taught=taught, drafts=drafts).guess([5, 3, 4], 2) == [9, 9]  # a run of two is not enough
    assert Lookup(prompt, drafts=drafts).guess([2], 3) == [3, 4, 70]  # as a draft begins, behind the prompt's end


def test_passages_are_asked_for_once_and_few_of_many_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    from notewright.models import lookup

    monkeypatch.setattr(lookup, "TAUGHT", 10)
    asked: list[int] = []
    memory = Memory(lambda: asked.append(0) or [[100 + number] * 3 for number in range(10)])  # type: ignore[func-returns-value]
    found = [memory.lookup([1], drafts=True).guess([100 + number], 1) for number in range(10)]
    assert asked == [0]
    assert [guess[0] for guess in found if guess] == [100 + number for number in range(10)]  # what is not known is guessed again
    assert len(memory.taught._ends) < 10 * 2
    memory.teach(lambda: [[1, 2]])
    assert memory.lookup([3], drafts=True).guess([1], 1) == [2]


def test_the_drafts_of_the_last_prompts_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    from notewright.models import lookup

    monkeypatch.setattr(lookup, "PROMPTS", 2)
    memory = Memory()
    for prompt in ([1, 1, 1], [2, 2, 2], [1, 1, 1], [3, 3, 3]):
        memory.keep(prompt, [[40, 41, 42, 43]])
    known = [memory.lookup([number] * 3, drafts=True).guess([40, 41, 42], 1) == [43] for number in (1, 2, 3)]
    assert known == [True, False, True]
    assert memory.lookup([1, 1, 1], drafts=False).guess([40, 41, 42], 1) == [42]


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


@pytest.mark.slow
def test_what_a_version_was_taught_is_written_in_fewer_steps(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    messages = tiny_models.sft_rows(4)[3]["prompt"]
    writer = engines.Engine(tiny("llama"), device="cpu")
    steps: list[int] = []

    def write() -> tuple[list[engines.Generated], int]:
        steps.clear()
        return writer.generate(messages, n=2, max_new_tokens=60, on_token=lambda *_: steps.append(0)), len(steps)

    plain, before = write()
    rows = [{"prompt": messages, "completion": [{"role": "assistant", "content": draft.text}]} for draft in plain]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    writer.use_adapter(None, taught=[tmp_path, tmp_path / "gone"])
    taught, after = write()
    assert taught == plain
    assert after < before  # what a random base writes is other tokens when it is read
    (tmp_path / "train.jsonl").write_text("{", encoding="utf-8")
    writer.use_adapter(None)
    writer.use_adapter(None, taught=[tmp_path])
    assert write() == (plain, before)
