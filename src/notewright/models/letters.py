"""Only whole letters: which tokens may follow so that what is written stays valid UTF-8.

A byte-level vocabulary spells rare letters in several tokens (`§` in two bytes). A small model that has just begun to learn such a letter
may go on with bytes that are none, and then in circles; no person's note has such bytes, so nothing is lost by not drawing them.
"""

from __future__ import annotations

import re
from typing import Any
from weakref import WeakKeyDictionary

import torch

Ranges = tuple[tuple[int, int], ...]  # the bytes that a begun letter still needs

_TAIL = (0x80, 0xBF)
_LEADS: tuple[tuple[int, int, Ranges], ...] = (  # first to last leading byte, and what follows it (Unicode 16.0, table 3-7)
    (0x00, 0x7F, ()),
    (0xC2, 0xDF, (_TAIL,)),
    (0xE0, 0xE0, ((0xA0, 0xBF), _TAIL)),
    (0xE1, 0xEC, (_TAIL, _TAIL)),
    (0xED, 0xED, ((0x80, 0x9F), _TAIL)),
    (0xEE, 0xEF, (_TAIL, _TAIL)),
    (0xF0, 0xF0, ((0x90, 0xBF), _TAIL, _TAIL)),
    (0xF1, 0xF3, (_TAIL, _TAIL, _TAIL)),
    (0xF4, 0xF4, ((0x80, 0x8F), _TAIL, _TAIL)),
)
_AFTER: dict[int, Ranges] = {byte: needed for first, last, needed in _LEADS for byte in range(first, last + 1)}
_STATES = sorted({needed[skipped:] for needed in _AFTER.values() for skipped in range(len(needed) + 1)}, key=lambda left: (len(left), left))

_known: WeakKeyDictionary[Any, dict[tuple[int, str], Letters]] = WeakKeyDictionary()


class Letters:
    """`masks` (states x vocabulary): 0 where a token may follow, else minus infinity; `next` (the same): the state after it.

    State 0 is between letters; the others are letters of which bytes are missing.
    """

    def __init__(self, tokenizer: Any, size: int, device: str = "cpu") -> None:
        """`size`: how many scores the model gives, which may be more than the tokenizer has tokens."""
        spelt_out = spellings(tokenizer).items()
        odd = {token: spelt for token, spelt in spelt_out if token < size and spelt.decode(errors="ignore").encode() != spelt}
        masks, after = torch.zeros(len(_STATES), size), torch.zeros(len(_STATES), size, dtype=torch.long)
        masks[1:] = -torch.inf
        for state, needed in enumerate(_STATES):
            for token, spelt in odd.items():
                left = _follow(needed, spelt)
                masks[state, token] = 0.0 if left is not None else -torch.inf
                after[state, token] = _STATES.index(left) if left is not None else 0
        self.masks, self.next = masks.to(device), after.to(device)


def letters_of(tokenizer: Any, model: Any, device: Any = "") -> Letters:
    """Made once for a tokenizer and device (the model's if none is named)."""
    key = int(model.config.get_text_config().vocab_size), str(device or model.device)
    made = _known.setdefault(tokenizer, {})
    if key not in made:
        made[key] = Letters(tokenizer, *key)
    return made[key]


def spellings(tokenizer: Any) -> dict[int, bytes]:
    """The bytes of the tokens that may be parts of letters; none where the tokenizer has no tokens of bytes."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return {}
    added = set(tokenizer.added_tokens_decoder)
    vocabulary = {text: token for text, token in tokenizer.get_vocab().items() if token not in added}
    decoders = re.findall(rb'"type":"(\w+)"', backend.decoder.__getstate__()) if backend.decoder else []
    if b"ByteLevel" in decoders:
        return {token: bytes(map(_BYTES.__getitem__, text)) for text, token in vocabulary.items() if _BYTES.keys() >= set(text)}
    if b"ByteFallback" in decoders:
        return {token: bytes([int(text[3:5], 16)]) for text, token in vocabulary.items() if re.fullmatch("<0x[0-9A-F]{2}>", text)}
    return {}


def _byte_letters() -> dict[str, int]:
    """GPT-2's letters for bytes: printable Latin-1 stands for itself, the others follow from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + place): byte for place, byte in enumerate(others)}


_BYTES = _byte_letters()


def _follow(needed: Ranges, spelt: bytes) -> Ranges | None:
    """What is still needed after these bytes; None where they cannot follow."""
    for byte in spelt:
        if needed:
            (low, high), *rest = needed
            if not low <= byte <= high:
                return None
            needed = tuple(rest)
        elif (begun := _AFTER.get(byte)) is not None:
            needed = begun
        else:
            return None
    return needed
