"""The bundled tokenizer gives back every byte and is one that llama.cpp knows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notewright.seedling import model_dir
from notewright.seedling.tokenizer import MARKS, SPECIAL, VOCABULARY, load, straight, train

TOKENIZER = load(model_dir())


@given(st.text())
@example("![[figure 1.png|center|600]]\n*Bråte* – $x_1^2$ 👩‍🔬 \r\n\t ** [[a|b]]")
@example("\n\n   \n- **a**\n> [!quote] p. 34\n\x00\u2028\ufeff")
def test_text_comes_back_exactly(text: str) -> None:
    assert TOKENIZER.decode(TOKENIZER.encode(text).ids, skip_special_tokens=False) == text


def test_every_byte_has_a_token() -> None:
    vocabulary = TOKENIZER.get_vocab()
    from tokenizers.pre_tokenizers import ByteLevel

    assert set(ByteLevel.alphabet()) <= set(vocabulary)


def test_it_holds_exactly_its_vocabulary() -> None:
    assert TOKENIZER.get_vocab_size() == VOCABULARY
    assert [TOKENIZER.token_to_id(token) for token in SPECIAL] == list(range(len(SPECIAL)))


@pytest.mark.parametrize("mark", MARKS)
def test_marks_are_single_tokens(mark: str) -> None:
    assert len(TOKENIZER.encode(mark).ids) == 1


def test_digits_stand_apart() -> None:
    assert len(TOKENIZER.encode("20261").ids) == 5


def test_llama_cpp_knows_the_pre_tokenizer(bundled: Path) -> None:
    """Digits(individual) then ByteLevel is what its converter calls smollm."""
    parts = json.loads((bundled / "tokenizer.json").read_text(encoding="utf-8"))["pre_tokenizer"]["pretokenizers"]
    assert [part["type"] for part in parts] == ["Digits", "ByteLevel"]
    assert parts[0]["individual_digits"]
    assert not parts[1]["add_prefix_space"]


def test_straight_quotes() -> None:
    assert straight("“it’s”") == '"it\'s"'


@pytest.mark.slow
def test_training_is_deterministic_and_gives_the_bundled_one(folder: Path, bundled: Path) -> None:
    made, known = train(folder), load(bundled)
    assert made.get_vocab() == known.get_vocab()
    assert json.loads(made.to_str())["model"] == json.loads(known.to_str())["model"]
