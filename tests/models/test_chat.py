"""One encoding for every tokenizer: templates that are missing, that refuse a role, and where a turn ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import tiny_models

pytestmark = pytest.mark.slow
Prepare = Callable[[str], object]
MESSAGES = [
    {"role": "system", "content": "Write the note."},
    {"role": "user", "content": "Title: One\n\n1. First."},
    {"role": "assistant", "content": "## One\n"},
    {"role": "user", "content": "Title: Two\n\n1. Second."},
]


@pytest.fixture(params=tiny_models.SHAPES)
def tokenizer(request: pytest.FixtureRequest):
    from notewright.models.chat import prepare_tokenizer

    return prepare_tokenizer(tiny_models.tokenizer(request.param))


def test_every_prompt_shows_all_that_was_said_in_order_and_ends_openly(tokenizer) -> None:
    from notewright.models.chat import encode_prompt, render_prompt, turn_end

    text = render_prompt(tokenizer, MESSAGES)
    places = [text.index(message["content"].strip()) for message in MESSAGES]
    assert places == sorted(places)
    assert all(text.count(message["content"].strip()) == 1 for message in MESSAGES)
    ids = encode_prompt(tokenizer, MESSAGES)
    assert ids[-1] != turn_end(tokenizer)
    assert ids.count(tokenizer.bos_token_id) <= 1
    assert tokenizer.pad_token_id is not None


def test_ends() -> None:
    from notewright.models.chat import encode_completion, prepare_tokenizer, stop_tokens, turn_end

    ends = {"llama": "<|eot_id|>", "mistral": "</s>", "qwen2": "<|im_end|>", "gptj": "<|endoftext|>"}
    for shape, token in ends.items():
        words = prepare_tokenizer(tiny_models.tokenizer(shape))
        assert turn_end(words) == words.convert_tokens_to_ids(token), shape
        assert encode_completion(words, "A note")[-1] == turn_end(words)
        assert {turn_end(words), words.eos_token_id, 7} == stop_tokens(words, [7])


@pytest.mark.parametrize(
    "today",
    [
        "{% if not date_string is defined %}{% if strftime_now is defined %}{% set date_string = strftime_now('%d %b %Y') %}"
        "{% else %}{% set date_string = '26 Jul 2024' %}{% endif %}{% endif %}{{ 'Today Date: ' + date_string + '\n' }}",  # Llama 3.2
        "{% set today = strftime_now('%d %B %Y') %}{{ 'Today Date: ' + today + '\n' }}",  # SmolLM3
        "{% macro head() %}{{ 'Today Date: ' + strftime_now('%d %B %Y') + '\n' }}{% endmacro %}{{ head() }}",
    ],
)
def test_a_prompt_is_the_same_on_every_day(today: str) -> None:
    from notewright.models.chat import PLAIN_TEMPLATE, prepare_tokenizer, render_prompt

    words = tiny_models.tokenizer("llama")
    words.chat_template = today + PLAIN_TEMPLATE
    assert render_prompt(prepare_tokenizer(words), MESSAGES).startswith(("Today Date: 26 Jul 2024\n", "Today Date: 26 July 2024\n"))


@pytest.mark.parametrize("text", ["## Title\n\n- **bold** $x^2$\n", " leading", "trailing \n\n", "\n\nblank first", "日本語 é ![[a.png]]"])
def test_passages_keep_their_bytes(text: str, tokenizer) -> None:
    from notewright.models.chat import decode, encode_completion

    assert decode(tokenizer, encode_completion(tokenizer, text)[:-1]) == text


def test_a_note_about_a_models_own_marks_does_not_end_at_them(tokenizer) -> None:
    from notewright.models.chat import decode, encode_completion, turn_end
    from notewright.training.edits import with_places

    text = f"A sequence ends with `{tokenizer.eos_token}`; {' and '.join(tokenizer.all_special_tokens)} open turns.\n"
    ids = encode_completion(tokenizer, text)
    assert ids.index(turn_end(tokenizer)) == len(ids) - 1
    assert decode(tokenizer, ids) == text
    assert with_places(tokenizer, text)[0] == ids


def control(words, ids: list[int]) -> list[str]:
    return [words.convert_ids_to_tokens(index) for index in ids if index in words.all_special_ids]


def test_marks_quoted_in_highlights_and_earlier_notes_are_text(tokenizer) -> None:
    from notewright.models.chat import earlier_answers, encode_completion, encode_prompt, render_prompt, turn_end

    def asked(quoted: list[str]) -> list[dict[str, str]]:
        return [
            {"role": "system", "content": f"Write as {quoted[-1]} does."},
            {"role": "user", "content": f"1. Turns are closed by {quoted[0]}.\n\n{''.join(quoted)}\n2. \ue0000\ue000"},
            {"role": "assistant", "content": f"`{quoted[0]}` ends a turn.{quoted[-1]}"},
            {"role": "user", "content": f"{quoted[0]} 3. More"},
        ]

    marks = tokenizer.all_special_tokens
    messages, harmless = asked(marks), asked(["[END]"] * len(marks))
    ids = encode_prompt(tokenizer, messages)
    assert control(tokenizer, ids) == control(tokenizer, encode_prompt(tokenizer, harmless))
    assert tokenizer.decode(ids, clean_up_tokenization_spaces=False) == render_prompt(tokenizer, messages)
    answers = earlier_answers(tokenizer, messages, ids)
    assert len(answers) == len(earlier_answers(tokenizer, harmless, encode_prompt(tokenizer, harmless)))
    for first, last, content in answers:  # as a note that quotes marks is taught and drafted
        assert ids[first:last] == encode_completion(tokenizer, content)
        assert ids[last - 1] == turn_end(tokenizer)


@pytest.mark.parametrize("scheme", ["always", "first", "never"])
def test_no_spaces_come_to_quoted_marks_where_texts_begin_with_one(scheme: str) -> None:
    """The tokenizers of Llama 2 and its kin, which put a space before a text or before each part of it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import AddedToken, PreTrainedTokenizerFast

    from notewright.models.chat import encode_prompt, prepare_tokenizer

    bytes_only = {"<unk>": 0} | {f"<0x{index:02X}>": index + 1 for index in range(256)} | {"▁": 257}
    made = Tokenizer(models.BPE(bytes_only, [], unk_token="<unk>", byte_fallback=True))
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=False)
    made.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    end, others = AddedToken("<|end|>", rstrip=True), [AddedToken("<|user|>", rstrip=True), AddedToken("<|assistant|>", rstrip=True)]
    words = PreTrainedTokenizerFast(tokenizer_object=made, unk_token="<unk>", eos_token=end, additional_special_tokens=others)
    words.chat_template = (  # Phi's
        "{% for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content'] + '<|end|>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
    )
    prepare_tokenizer(words)
    quoting, plain = ([{"role": "user", "content": f"{mark} \n\n é {mark}\n x{mark}"}] for mark in ("<|end|>", "<|enk|>"))
    ids = encode_prompt(words, quoting)
    assert control(words, ids) == ["<|user|>", "<|end|>", "<|assistant|>"]
    assert words.decode(ids) == words.decode(encode_prompt(words, plain)).replace("<|enk|>", "<|end|>")


def test_mistral_gets_the_system_text_in_the_first_user_turn() -> None:
    from notewright.models.chat import fit_messages, prepare_tokenizer

    words = prepare_tokenizer(tiny_models.tokenizer("mistral"))
    fitted = fit_messages(words, [*MESSAGES, {"role": "user", "content": "And more."}])
    assert [message["role"] for message in fitted] == ["user", "assistant", "user"]
    assert fitted[0]["content"] == "Write the note.\n\nTitle: One\n\n1. First."
    assert fitted[2]["content"] == "Title: Two\n\n1. Second.\n\nAnd more."
    llama = prepare_tokenizer(tiny_models.tokenizer("llama"))
    assert fit_messages(llama, MESSAGES) == MESSAGES


def test_a_tokenizer_without_an_end_is_refused() -> None:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    from notewright.errors import Invalid
    from notewright.models.chat import prepare_tokenizer

    bare = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE({"a": 0, "b": 1}, [])))
    with pytest.raises(Invalid, match="no end-of-text token"):
        prepare_tokenizer(bare)
    named = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE({"a": 0, "</s>": 1}, [])))
    assert prepare_tokenizer(named).eos_token == "</s>"
