"""What training feeds is what the exported chat template renders."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from notewright.prompts import build_messages
from notewright.seedling import model_dir
from notewright.seedling.chat import Encoder
from notewright.seedling.corpora import Corpus
from notewright.seedling.readers import Reader
from notewright.seedling.tokenizer import load

TOKENIZER = AutoTokenizer.from_pretrained(model_dir())
ENCODER = Encoder(load(model_dir()))


@pytest.mark.parametrize("seed", range(8))
def test_hand_rendering_equals_the_template(corpus: Corpus, seed: int) -> None:
    rng = random.Random(seed)
    reader = Reader.draw(rng, corpus)
    shown, asked = reader.exchange(rng, corpus, tokens=300), reader.exchange(rng, corpus, tokens=200)
    messages = [*build_messages(asked[0], [shown]), {"role": "assistant", "content": asked[1]}]
    tokens = ENCODER.messages(messages)
    rendered = TOKENIZER.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
    assert rendered["input_ids"] == tokens.ids
    assert rendered["assistant_masks"] == [int(weight) for weight in tokens.weights]


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_prompt_and_note_meet_at_a_token_border(note: str) -> None:
    """Encoding the prompt and the note apart gives the ids of both together, for notes that begin with something visible."""
    if note != note.lstrip() or "<|" in note:
        return
    messages = [{"role": "user", "content": "1. x"}]
    prompt = TOKENIZER.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)["input_ids"]
    whole = ENCODER.messages([*messages, {"role": "assistant", "content": note}])
    assert whole.ids == [*prompt, *ENCODER.text(note), *ENCODER.end, *ENCODER.newline]


def test_the_end_token_ends_generation(bundled: Path) -> None:
    assert TOKENIZER.eos_token == "<|end|>"
    assert TOKENIZER.pad_token_id == 0
