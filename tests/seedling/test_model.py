"""The bundled model: its folder is complete, it loads plainly, copies byte for byte and follows an example."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from notewright.prompts import build_messages
from notewright.records import Highlight, Prompt, Source
from notewright.seedling.card import sha256


def test_the_folder_is_complete_and_small(bundled: Path) -> None:
    names = {file.name for file in bundled.iterdir()}
    assert {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "README.md"} <= names
    assert "chat_template.jinja" in names
    assert sum(file.stat().st_size for file in bundled.iterdir()) <= 32e6


def test_the_card_belongs_to_the_weights(bundled: Path) -> None:
    card = (bundled / "README.md").read_text(encoding="utf-8")
    assert sha256(bundled / "model.safetensors") in card
    for word in ("CC-BY-4.0", "Apache-2.0", "MIT", "CC0", "## Limits", "## Recipe"):
        assert word in card
    if (bundled / "evaluation.json").exists():
        assert json.loads((bundled / "evaluation.json").read_text(encoding="utf-8"))["weights"] in card


@pytest.fixture(scope="module")
def loaded(bundled: Path):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(bundled, dtype=torch.float32).eval(), AutoTokenizer.from_pretrained(bundled)


def write(loaded, messages: list[dict[str, str]]) -> str:
    model, tokenizer = loaded
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    inputs = tokenizer(text, return_tensors="pt", add_special_tokens=False, return_token_type_ids=False)
    out = model.generate(**inputs, max_new_tokens=300, do_sample=False)[0, inputs["input_ids"].shape[1] :]
    return tokenizer.decode(out, skip_special_tokens=True)


def prompt(*texts: str, chapter: str = "Wood") -> Prompt:
    source = Source(title="The Slow River Handbook", author="Marit Ekholm-Dray", tags=("rivers",))
    highlights = tuple(
        Highlight(text, location=30 + 2 * number, location_type="page", chapter=chapter) for number, text in enumerate(texts)
    )
    return Prompt(source, highlights, chapter=chapter)


@pytest.mark.slow
def test_it_has_the_promised_shape(loaded) -> None:
    model, tokenizer = loaded
    assert 4e6 <= model.num_parameters() <= 16e6
    assert model.config.max_position_embeddings == 4096
    assert model.config.vocab_size == len(tokenizer) == 4096


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "A single fallen alder can hold back forty tonnes of gravel.",
        "In 1935 the crews of Varde moved 41,250 stones, at 3.75 kroner each.",
        "The Swedish crews have a word for it, “bråte”, a heap of wood that stays.",
    ],
)
def test_it_copies_a_highlight_byte_for_byte(loaded, text: str) -> None:
    example = prompt("Trout will spawn behind the log by the second autumn.", "Take it out and the gravel leaves.", chapter="Fish")
    note = "## Fish\n\n- Trout will spawn behind the log by the second autumn. (p. 30)\n- Take it out and the gravel leaves. (p. 32)"
    messages = build_messages(prompt(text, "The gravel stays where the water is slow."), [(example, note)])
    assert text in write(loaded, messages)


@pytest.mark.slow
def test_without_an_example_it_writes_a_note(loaded) -> None:
    note = write(loaded, build_messages(prompt("The wood stays where it fell.", "Every log is a small dam.")))
    assert "The wood stays where it fell." in note
    assert "Wood" in note.splitlines()[0]
