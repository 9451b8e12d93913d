"""How long a note may become follows from what its highlights say, and what the model sees."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest
from transformers import AutoTokenizer

from notewright.models.room import MOST, USUAL, fits, likely_note, longest_note, prompt_tokens
from notewright.prompts import build_messages
from notewright.sample.read import load_sources
from notewright.seedling import model_dir
from notewright.seedling.corpora import Corpus, Text
from notewright.seedling.readers import Reader


@dataclass
class Local:
    tokenizer: object
    context: int


@pytest.fixture(scope="module")
def tokenizer() -> object:
    return AutoTokenizer.from_pretrained(model_dir())


@pytest.mark.parametrize("seed", range(20))
def test_a_reader_s_note_has_room(tokenizer, seed: int) -> None:
    texts = tuple(item.text for source in load_sources() for chapter in source.chapters for item in chapter.highlights)
    corpus = Corpus((Text("sample", texts, ("",) * len(texts)),))
    rng = random.Random(seed)
    prompt, note = Reader.draw(rng, corpus).exchange(rng, corpus, tokens=rng.choice((300, 2000)))
    writer = Local(tokenizer, 4096)
    assert len(tokenizer(note)["input_ids"]) < likely_note(writer, build_messages(prompt)) <= longest_note(writer, build_messages(prompt))


def test_short_notes_have_the_usual_room_and_long_ones_more(tokenizer) -> None:
    short, long = [{"role": "user", "content": "1. One."}], [{"role": "user", "content": "1. One word after the other. " * 200}]
    for writer in (Local(tokenizer, 4096), object()):  # a remote one has no tokenizer
        assert longest_note(writer, short) == USUAL
        assert longest_note(writer, long) > 2 * USUAL


def test_what_fits(tokenizer) -> None:
    messages = [{"role": "user", "content": "1. One word after the other. " * 20}]
    needed = prompt_tokens(Local(tokenizer, 0), messages) + likely_note(Local(tokenizer, 0), messages)
    assert fits(Local(tokenizer, needed), messages)
    assert not fits(Local(tokenizer, needed - 1), messages)
    assert fits(Local(tokenizer, needed - 1), messages, longest=10)  # who asks for less needs less
    assert fits(Local(tokenizer, needed), messages, longest=5000)
    assert fits(object(), messages)
    many = [{"role": "user", "content": "1. One word after the other. " * 400}]
    assert not fits(Local(tokenizer, 1 << 20), many)  # however much it sees
    assert longest_note(Local(tokenizer, 1 << 20), many) == MOST
    assert fits(Local(tokenizer, 1 << 20), many, longest=5000)
    assert prompt_tokens(object(), messages) == 0
