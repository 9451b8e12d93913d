"""A chat template's marks in the person's own words: `<|im_end|>` in a highlight is text to be read and copied, and ends no turn.

The words stand in the rendered prompt among the template's marks of the same letters. So each quoted mark is hidden while the template is
filled in, and what stands between two of the template's own marks is read as plain text where one was quoted in it. Prompts that quote
none are read as ever.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from weakref import WeakKeyDictionary

from transformers import PreTrainedTokenizerBase

from ..prompts import Message

_known: WeakKeyDictionary[PreTrainedTokenizerBase, tuple[re.Pattern[str], frozenset[int]]] = WeakKeyDictionary()


def special_ids(tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    return _marks(tokenizer)[1]


def _marks(tokenizer: PreTrainedTokenizerBase) -> tuple[re.Pattern[str], frozenset[int]]:
    """What a tokenizer reads as a mark, and its tokens for that."""
    if tokenizer not in _known:
        added = {index: str(token) for index, token in tokenizer.added_tokens_decoder.items() if token.special}
        found = {*added.values(), *tokenizer.all_special_tokens}
        longest_first = sorted(filter(None, found), key=len, reverse=True)
        ids = frozenset({*added, *tokenizer.all_special_ids})
        _known[tokenizer] = re.compile("|".join(map(re.escape, longest_first)) or "(?!)"), ids
    return _known[tokenizer]


def hide(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message]) -> tuple[list[Message], re.Pattern[str], list[str]]:
    """Messages with something else in the place of each quoted mark, what finds that, and the marks in order."""
    marks, quoted = _marks(tokenizer)[0], list[str]()
    words = [message["content"] for message in messages]
    cover = next(letter for letter in map(chr, range(0xE000, 0xF900)) if not any(letter in text for text in words))

    def cover_one(found: re.Match[str]) -> str:
        quoted.append(found[0])
        return f"{cover}{len(quoted) - 1}{cover}"

    hidden: list[Message] = [{"role": message["role"], "content": marks.sub(cover_one, message["content"])} for message in messages]
    return hidden, re.compile(f"{cover}(\\d+){cover}"), quoted


def encode(tokenizer: PreTrainedTokenizerBase, text: str, covers: re.Pattern[str], quoted: Sequence[str]) -> list[int]:
    """The ids of a prompt that was rendered from hidden messages, with the quoted marks back in it."""
    whole, spans, behind = "", list[tuple[int, int]](), 0
    for found in covers.finditer(text):
        whole += text[behind : found.start()]
        spans.append((len(whole), len(whole) + len(quoted[int(found[1])])))
        whole, behind = whole + quoted[int(found[1])], found.end()
    whole += text[behind:]

    def quotes(begin: int, end: int) -> bool:
        return any(first < end and begin < last for first, last in spans)

    coded = tokenizer(whole, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    special, found_ids = special_ids(tokenizer), list[int]()
    stretch, begin = list[int](), 0
    for token, (first, last) in [*zip(coded["input_ids"], coded["offset_mapping"], strict=True), (-1, (len(whole), len(whole)))]:
        if token >= 0 and (token not in special or quotes(first, last)):
            stretch.append(token)
            continue
        after = found_ids[-1] if found_ids else None
        found_ids += _plain(tokenizer, whole[begin:first], after) if quotes(begin, first) else stretch
        found_ids += [token] if token >= 0 else []
        stretch, begin = [], last
    return found_ids


def _plain(tokenizer: PreTrainedTokenizerBase, text: str, after: int | None) -> list[int]:
    """Text as it is read behind the mark `after`, quoted marks and all. Some tokenizers put a space only before what begins a text."""
    begun = ""
    if after is not None:
        mark = tokenizer.convert_ids_to_tokens(after)
        if tokenizer(f"{mark}a", add_special_tokens=False)["input_ids"][1:] != tokenizer("a", add_special_tokens=False)["input_ids"]:
            begun = "\x01"  # which merges with nothing
    coded = tokenizer(begun + text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True, verbose=False)
    return [token for token, (first, _) in zip(coded["input_ids"], coded["offset_mapping"], strict=True) if first >= len(begun)]
