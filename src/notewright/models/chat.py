"""Messages -> token ids: the one encoding that training and drafting share, for any tokenizer.

A training row is `encode_prompt(messages) + encode_completion(passage)`; drafting feeds `encode_prompt(messages)`, and stops at the turn's
end. The two parts are always encoded apart, so the prompt's ids are exactly the beginning of the row's ids, whatever the tokenizer would
merge across the boundary. Nothing is trimmed: a passage keeps its bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from jinja2.exceptions import TemplateError
from transformers import PreTrainedTokenizerBase

from ..errors import Invalid
from ..prompts import Message
from . import marks
from .lookup import LONGEST_RUN

# For bases without a chat template (GPT-J, plain Llama): headed turns, the assistant's closed by the end-of-text token.
PLAIN_TEMPLATE = (
    "{% if add_bos %}{{ bos_token }}{% endif %}"
    "{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ message['content'] + '\\n\\n' }}"
    "{% elif message['role'] == 'user' %}{{ '### Highlights\\n' + message['content'] + '\\n\\n' }}"
    "{% else %}{{ '### Note\\n' + message['content'] + eos_token + '\\n\\n' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '### Note\\n' }}{% endif %}"
)
ENDS = ("<|end|>", "<|im_end|>", "<|eot_id|>", "<|endoftext|>", "</s>", "<eos>")
PROBE = "notewright probe"
# Templates of Llama 3.2, SmolLM3 and others tell the day, so that what is drafted today would have another prompt than what was trained on
# yesterday. For them it is always that of Llama's own templates without a clock; a macro, as transformers hands no functions to a template.
DAY = datetime(2024, 7, 26)
ONE_DAY = (
    "{% macro strftime_now(format) %}{{ format"
    + "".join(f" | replace('%{letter}', '{DAY.strftime('%' + letter)}')" for letter in "aAbBdHIjmMpSyY")
    + " }}{% endmacro %}"
)

_refusals: dict[str, tuple[bool, bool]] = {}
_ends: dict[tuple[str, int], int] = {}


def prepare_tokenizer(tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """Give a tokenizer what drafting needs: an end token, a padding token, a chat template. Changes and returns it."""
    if tokenizer.eos_token_id is None:
        known = [token for token in ENDS if token in tokenizer.get_vocab()]
        if not known:
            raise Invalid("This base model's tokenizer has no end-of-text token.", "Choose another base model, or set its eos_token.")
        tokenizer.eos_token = known[0]
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    if isinstance(tokenizer.chat_template, dict):
        templates = tokenizer.chat_template
        tokenizer.chat_template = templates.get("default") or next(iter(templates.values()))
    if not tokenizer.chat_template:
        begins = tokenizer.bos_token_id is not None and tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id
        tokenizer.chat_template = "{% set add_bos = " + str(begins).lower() + " %}" + PLAIN_TEMPLATE
    return tokenizer


def _render(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], *, open_turn: bool) -> str:
    template = str(tokenizer.chat_template)
    # enable_thinking: Qwen 3 and its kin would otherwise think aloud before the note; other templates ignore it.
    text = tokenizer.apply_chat_template(
        list(messages), chat_template=ONE_DAY + template if "strftime_now" in template else template, tokenize=False,
        add_generation_prompt=open_turn, enable_thinking=False,
    )  # fmt: skip
    assert isinstance(text, str)
    return text


def _probe(tokenizer: PreTrainedTokenizerBase) -> tuple[bool, bool]:
    """Whether the template refuses (or swallows) a system turn, and whether it refuses two turns of one role."""
    key = str(tokenizer.chat_template)
    if key not in _refusals:
        user = {"role": "user", "content": "u"}

        def refused(messages: list[Message]) -> bool:
            try:
                return PROBE not in _render(tokenizer, messages, open_turn=True)
            except (TemplateError, KeyError, TypeError):
                return True

        _refusals[key] = (
            refused([{"role": "system", "content": PROBE}, user]),
            refused([user, {"role": "user", "content": PROBE}]),
        )
    return _refusals[key]


def fit_messages(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message]) -> list[Message]:
    """Messages as this template takes them: a refused system turn goes into the next user turn, refused repeats of a role are joined."""
    no_system, no_repeats = _probe(tokenizer)
    fitted: list[Message] = []
    carried: list[str] = []
    for message in messages:
        role, content = message["role"], message["content"]
        if role == "system" and no_system:
            carried.append(content)
            continue
        if carried and role == "user":
            content = "\n\n".join([*carried, content])
            carried = []
        if no_repeats and fitted and fitted[-1]["role"] == role:
            fitted[-1] = {"role": role, "content": fitted[-1]["content"] + "\n\n" + content}
        else:
            fitted.append({"role": role, "content": content})
    return fitted


def render_prompt(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message]) -> str:
    """The prompt as text; it ends where the assistant's words begin."""
    try:
        return _render(tokenizer, fit_messages(tokenizer, messages), open_turn=True)
    except TemplateError as error:
        raise Invalid(
            f"This model does not take these turns: {error}", "Begin with system or user, then let the roles alternate."
        ) from error


def encode_prompt(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message]) -> list[int]:
    """What the person wrote is plain text in it, the marks of the template that it quotes too."""
    hidden, covers, quoted = marks.hide(tokenizer, messages)
    text = render_prompt(tokenizer, hidden)
    if quoted:
        return marks.encode(tokenizer, text, covers, quoted)
    return list(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])  # who asks looks at the length


def turn_end(tokenizer: PreTrainedTokenizerBase) -> int:
    """The token that closes an assistant turn: the first special token after the content, else the end of text."""
    assert tokenizer.eos_token_id is not None, "prepare_tokenizer was not called"
    key = (str(tokenizer.chat_template), int(tokenizer.eos_token_id))
    if key not in _ends:
        _ends[key] = _find_end(tokenizer)
    return _ends[key]


def _find_end(tokenizer: PreTrainedTokenizerBase) -> int:
    turns = [{"role": "user", "content": "u"}, {"role": "assistant", "content": PROBE}]
    tail = _render(tokenizer, turns, open_turn=False).rpartition(PROBE)[2]
    for token in tokenizer(tail, add_special_tokens=False)["input_ids"]:
        if token in marks.special_ids(tokenizer):
            return int(token)
    return int(tokenizer.eos_token_id)


def encode_completion(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """The passage's ids, closed by the turn's end: what the model should learn to write, and to stop. A `</s>` that the person wrote is
    spelt out, or it would end the note there and be lost."""
    return [*tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"], turn_end(tokenizer)]


def encode_answers(tokenizer: PreTrainedTokenizerBase, texts: Iterable[str]) -> list[list[int]]:
    """Passages with the last few tokens of a prompt before them."""
    before = encode_prompt(tokenizer, [{"role": "user", "content": PROBE}])[-LONGEST_RUN:]
    return [[*before, *encode_completion(tokenizer, text)] for text in texts]


def earlier_answers(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], ids: Sequence[int]) -> list[tuple[int, int, str]]:
    """Where the assistant's earlier turns stand in `ids`, the encoded prompt: (first token, one behind the turn's end, content).

    Only those that stand there token by token as the model itself would write them: some templates put a space before a turn, or rewrite
    it once others follow.
    """
    found = []
    for place, message in enumerate(messages):
        if message["role"] == "assistant":
            before, answer = encode_prompt(tokenizer, messages[:place]), encode_completion(tokenizer, message["content"])
            behind = len(before) + len(answer)
            if list(ids[:behind]) == before + answer:
                found.append((len(before), behind, message["content"]))
    return found


def decode(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> str:
    """Written ids as text, without the turn's end and other special tokens."""
    text = tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)
    assert isinstance(text, str)
    return text


def stop_tokens(tokenizer: PreTrainedTokenizerBase, generation_eos: int | Sequence[int] | None = None) -> set[int]:
    """Every token that ends a draft: the turn's end, the end of text, and what the model's own generation config adds."""
    extra = [generation_eos] if isinstance(generation_eos, int) else list(generation_eos or ())
    return {turn_end(tokenizer), int(tokenizer.eos_token_id or 0), *extra}
