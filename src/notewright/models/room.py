"""How long a note may become, and whether that much of what a model sees is left beside its prompt."""

from __future__ import annotations

from collections.abc import Sequence

from ..prompts import Message

USUAL = 512  # tokens that a note may take, however little its highlights say
MOST = 2048  # tokens at once: those of all candidates stay in memory
FRAME = 64  # of them for what is no highlight's: headings, tags
LONGER = 1.25  # than its highlights are in the prompt; of 420 notes by simulated readers none was longer than 1.16 times that
LETTERS = 3  # characters a token, where there is no tokenizer to ask (a remote model)


def prompt_tokens(writer: object, messages: Sequence[Message]) -> int:
    """The prompt's length in the writer's tokens; 0 for one without a tokenizer (a remote one)."""
    tokenizer = getattr(writer, "tokenizer", None)
    if tokenizer is None:
        return 0
    from .chat import encode_prompt

    return len(encode_prompt(tokenizer, messages))


def longest_note(writer: object, messages: Sequence[Message]) -> int:
    """The most tokens that a note of the prompt's last turn may take: `USUAL`, and more, up to `MOST`, where its highlights say more."""
    return min(MOST, max(USUAL, likely_note(writer, messages)))


def likely_note(writer: object, messages: Sequence[Message]) -> int:
    """Tokens that suffice for nearly every note of the prompt's last turn."""
    asked, tokenizer = messages[-1]["content"], getattr(writer, "tokenizer", None)
    ids = tokenizer(asked, add_special_tokens=False, verbose=False)["input_ids"] if tokenizer is not None else asked[::LETTERS]
    return FRAME + int(LONGER * len(ids))


def fits(writer: object, messages: Sequence[Message], longest: int | None = None) -> bool:
    """Whether a likely note of at most `longest` tokens (default: `MOST`) has room beside the prompt, as far as the writer says what it
    sees."""
    context, likely = getattr(writer, "context", 0), likely_note(writer, messages)
    if longest is None and likely > MOST:
        return False
    return not context or prompt_tokens(writer, messages) + min(likely, longest or likely) <= context


def is_full(writer: object, messages: Sequence[Message], written: int, longest: int) -> bool:
    """Whether a note that came to no end after `written` tokens, of `longest` at most, reached the end of what the writer sees. A remote
    one, which does not say, has nothing else to stop at."""
    context = getattr(writer, "context", 0)
    return written < longest and (not context or prompt_tokens(writer, messages) + written >= context)
