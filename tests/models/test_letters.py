"""Drafts are made of whole letters, whatever the vocabulary spells them with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny_models
from notewright.models import engine
from notewright.models.generation import sample
from notewright.models.letters import Letters, letters_of, spellings
from notewright.seedling import model_dir

ODD = "§ → é ✓ 日本語 🙂 👩‍🔬 ‑ x² “naïve” — \ufffd"


def fallback_tokenizer(folder: Path) -> Any:
    """Whole words, and single bytes for all else, as Llama 2 and Mistral have them."""
    from tokenizers import Tokenizer, decoders, models
    from transformers import PreTrainedTokenizerFast

    words = ["<unk>", "</s>", "a", "b", "▁a", "é"]
    vocabulary = {text: place for place, text in enumerate([*words, *(f"<0x{byte:02X}>" for byte in range(256))])}
    backend = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>", byte_fallback=True))
    backend.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", unk_token="<unk>")


@pytest.fixture(scope="module", params=["seedling", "fallback", *tiny_models.SHAPES])
def tokenizer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("tokenizer")
    if request.param == "fallback":
        return fallback_tokenizer(folder)
    return AutoTokenizer.from_pretrained(model_dir()) if request.param == "seedling" else tiny_models.tokenizer(request.param)


@pytest.fixture(scope="module")
def letters(tokenizer: Any) -> Letters:
    return Letters(tokenizer, len(tokenizer) + 3)


def allowed(letters: Letters, ids: list[int]) -> int | None:
    """The state after these tokens; None where one of them may not follow."""
    state = 0
    for token in ids:
        if letters.masks[state, token] < 0:
            return None
        state = int(letters.next[state, token])
    return state


@settings(max_examples=100, deadline=None)
@given(text=st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.just(ODD)))
def test_every_text_may_be_written(tokenizer: Any, letters: Letters, text: str) -> None:
    assert allowed(letters, tokenizer(text, add_special_tokens=False)["input_ids"]) == 0


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_what_may_be_written_is_a_text(tokenizer: Any, letters: Letters, data: st.DataObject) -> None:
    """Any walk through the allowed tokens, in bytes, is the beginning of valid UTF-8, whole where the state says so."""
    state, written, spelt = 0, b"", spellings(tokenizer)
    odd = sorted(spelt, key=lambda token: (len(spelt[token]), token))[:400]  # all single bytes are among them
    for _ in range(data.draw(st.integers(1, 12))):
        token = data.draw(st.sampled_from([token for token in odd if letters.masks[state, token] == 0]))
        state, written = int(letters.next[state, token]), written + spelt[token]
        whole = written.decode(errors="ignore").encode()
        assert written.startswith(whole)
        assert len(written) - len(whole) <= 3
        assert (written == whole) == (state == 0)


def test_a_special_token_does_not_end_a_begun_letter(tokenizer: Any, letters: Letters) -> None:
    begun = next(token for token, spelt in spellings(tokenizer).items() if spelt == b"\xc2")
    state = int(letters.next[0, begun])
    assert state > 0
    assert letters.masks[0, tokenizer.eos_token_id] == 0
    assert letters.masks[state, tokenizer.eos_token_id] < 0
    assert bool((letters.masks[state, -3:] < 0).all())  # scores that no token has


def test_a_model_that_knows_nothing_writes_letters(tmp_path: Path) -> None:
    """A random model falls for lonely bytes at once; in every way of drafting they are kept out."""
    folder = tiny_models.build("llama", tmp_path / "base")
    model, own = engine.load_base(folder)
    prompt = own("§ → §")["input_ids"]
    options: dict[str, Any] = {"seeds": list(range(16)), "stops": set(), "pad": 0, "max_new_tokens": 40}
    broken = sample(model, [prompt], **options)
    kept = sample(model, [prompt], letters=letters_of(own, model), **options)
    greedy = sample(model, [prompt], letters=letters_of(own, model), **options | {"temperature": 0.0})
    assert any("\ufffd" in own.decode(ids) for ids in broken)
    for ids in [*kept, *greedy]:
        assert "\ufffd" not in own.decode(ids).rstrip("\ufffd")  # the last letter may have been cut off by the limit
    drafts = engine.Engine(folder, device="cpu").generate([{"role": "user", "content": "§ → §"}], n=6, max_new_tokens=60, temperature=1.5)
    assert all("\ufffd" not in draft.text.rstrip("\ufffd") for draft in drafts)


def test_other_tokenizers_are_left_alone() -> None:
    class Plain:
        """A tokenizer without a backend that could be asked."""

    free = Letters(Plain(), 10)
    assert bool((free.masks[0] == 0).all())
    assert bool((free.next == 0).all())


def test_spellings_are_those_of_the_library() -> None:
    """GPT-2's letters for bytes, as the tokenizers library has them."""
    from tokenizers.pre_tokenizers import ByteLevel

    from notewright.models import letters

    assert set(letters._BYTES) == set(ByteLevel.alphabet())
    assert sorted(letters._BYTES.values()) == list(range(256))
