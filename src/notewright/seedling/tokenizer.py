"""A byte-level BPE tokenizer of 4,096 tokens for Markdown notes, in the shape that llama.cpp calls "smollm": digits apart, byte level.

Obsidian's marks are tokens of their own so that copying a word never depends on the mark that stands beside it; marks after which the
prompt and the note differ in spacing ("Annotation: x" becomes "**x**", "a, b" becomes "#a #b") hold their space. None of them begins with a
newline: the prompt `<|assistant|>\n` and the note after it are then tokenized alike, together or apart.
`python -m notewright.seedling.tokenizer OUT` trains it.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from ..prompts import SYSTEM
from . import corpora

VOCABULARY = 4096
PAD, END = "<|pad|>", "<|end|>"
ROLES = ("system", "user", "assistant")
SPECIAL = (PAD, END, *(f"<|{role}|>" for role in ROLES))
MARKS = (
    "**", "*", "[[", "]]", "![[", "![](", "|center|", ", ", "  - ", "> [!", "- [ ]", "- [x]", "==", "$$", "$", "`", "|", "---",
    "##", "###", " → ", "(p. ", "(loc. ", "Title:", "Author:", "Kind:", "Tags: ", "   p. ", "Chapter:", "Annotation: ", "   loc. ",
    " · ", ".png", ".jpg", "https://",
)  # fmt: skip
# What the text for training the merges is cut at: the marks, but without those that are mere punctuation and spaces.
_CUTS = (
    *(mark.strip() for mark in MARKS if mark not in (", ", "  - ", " → ", "   p. ", "   loc. ", " · ", "(p. ", "(loc. ")),
    " · ", "(p. ", "(loc. ", "|left|", "|right|", "####", "Summary:", "Instruction:",
)  # fmt: skip
_PIECES = re.compile("|".join(re.escape(cut) for cut in sorted(_CUTS, key=len, reverse=True)))
_WORDS = (
    "book", "article", "podcast", "tweet", "supplemental", "tags", "created", "updated", "status", "source", "author", "aliases",
    "cssclasses", "quote", "note", "info", "tip", "important", "favourite",
)  # fmt: skip


def _training_text(folder: Path | None, seed: int) -> Iterator[str]:
    rng = random.Random(seed)
    corpus = corpora.load(folder)
    for _ in range(60_000):
        text = corpus.paragraph(rng)
        if rng.random() < 0.4:
            text = straight(text)
        yield from _PIECES.split(text)
    for _ in range(400):
        yield SYSTEM
        yield from (f" {word}" for word in _WORDS)
        yield from (f"{word}:" for word in _WORDS)


def straight(text: str) -> str:
    """Typographic quotes as typed ones."""
    return text.translate(str.maketrans("“”‘’", "\"\"''"))


def _plain(model: models.BPE) -> Tokenizer:
    tokenizer = Tokenizer(model)
    digits, byte_level = pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, byte_level])  # type: ignore[assignment]
    tokenizer.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    return tokenizer


def train(folder: Path | None = None, seed: int = 0) -> Tokenizer:
    """Train on the training corpora. Marks that are merges already leave room for as many more merges."""
    trained = _plain(models.BPE(byte_fallback=False))
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=list(SPECIAL), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    trained.train_from_iterator(_training_text(folder, seed), trainer)
    model = json.loads(trained.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    merged = VOCABULARY - len(MARKS)
    merged += len(set(MARKS) & set(tokens[:merged]))
    dropped = len(tokens) - merged  # the last merges, each of which made one token
    vocabulary = {token: number for number, token in enumerate(tokens[:merged])}
    tokenizer = _plain(
        models.BPE(vocabulary, [tuple(pair) for pair in model["merges"][: len(model["merges"]) - dropped]], byte_fallback=False)
    )
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in SPECIAL])
    tokenizer.add_tokens([AddedToken(mark, normalized=False, special=False) for mark in MARKS])
    return tokenizer


def save(tokenizer: Tokenizer, folder: Path) -> None:
    """Write tokenizer.json; the rest of the folder is the export's."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))


def load(folder: Path) -> Tokenizer:
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


if __name__ == "__main__":
    out = Path(sys.argv[1])
    save(train(), out)
    print(f"{out}/tokenizer.json: {load(out).get_vocab_size()} tokens")
