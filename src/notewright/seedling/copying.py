"""Stage A: copying what was said a moment ago, which everything later rests on.

A row is a chain of exchanges; the assistant repeats the user's turn, the whole of it or the asked-for lines, sometimes between marks.
Content is random tokens from a small pool (so that copying can't be guessed), shuffled sentences, or plain sentences.
"""

from __future__ import annotations

import random

from .chat import Encoder, Tokens
from .corpora import Corpus, split_sentences
from .tokenizer import VOCABULARY

_FIRST = 300
_WRAPS = (
    ("**", "**"), ("*", "*"), ("- ", ""), ("> ", ""), ("[[", "]]"), ("“", "”"),
    ("1. ", ""), ("## ", ""), ("(", ")"), ("- **", "**"), ("", "."),
)  # fmt: skip


def pool_ids(rng: random.Random, length: int) -> list[int]:
    """Random tokens; small pools repeat themselves, so more than the last token must be looked at."""
    size = int(8 * 64 ** rng.random())
    pool = [rng.randrange(5, VOCABULARY) if rng.random() < 0.9 else rng.randrange(5, _FIRST) for _ in range(size)]
    return rng.choices(pool, k=length)


def prose_ids(rng: random.Random, encoder: Encoder, corpus: Corpus, length: int) -> list[int]:
    """Sentences, shuffled or in order, cut to `length`."""
    ids: list[int] = []
    while len(ids) < length:
        sentences = split_sentences(corpus.paragraph(rng))
        if rng.random() < 0.5:
            rng.shuffle(sentences)
        ids += encoder.text(" " + " ".join(sentences))
    return ids[:length]


def _pieces(rng: random.Random, encoder: Encoder, corpus: Corpus, length: int) -> list[int]:
    if rng.random() < 0.6:
        return pool_ids(rng, length)
    return prose_ids(rng, encoder, corpus, length)


def copy_row(rng: random.Random, encoder: Encoder, corpus: Corpus, length: int) -> Tokens:
    """Exactly `length` tokens: one long turn copied, or several short ones."""
    tokens = Tokens()
    kind = rng.random()
    span = rng.randint(max(6, length // 8), max(8, int(length * 0.45))) if kind < 0.6 else rng.randint(6, max(8, length // 6))
    while len(tokens) < length:
        if kind < 0.8:
            ids = _pieces(rng, encoder, corpus, span)
            encoder.raw(tokens, "user", ids)
            encoder.raw(tokens, "assistant", ids, 1.0)
        else:
            _lines(rng, encoder, corpus, tokens, length)
    tokens.ids, tokens.weights = tokens.ids[:length], tokens.weights[:length]
    return tokens


def _lines(rng: random.Random, encoder: Encoder, corpus: Corpus, tokens: Tokens, length: int) -> None:
    """Numbered lines; the assistant gives them back in order (all, or every marked one), each between the same marks."""
    count = rng.randint(2, max(2, min(12, length // 40)))
    left, right = rng.choice(_WRAPS)
    marked = rng.random() < 0.4
    lines, answers = [], []
    for number in range(1, count + 1):
        if rng.random() < 0.4:
            words = encoder.tokenizer.decode(pool_ids(rng, rng.randint(2, 8))).split()
            line = " ".join(words) or "empty"
        else:
            line = corpus.phrase(rng, 1, 14)
        keep = not marked or rng.random() < 0.5
        lines.append(f"{number}. {line}" + ("\n   favourite" if marked and keep else ""))
        if keep:
            answers.append(f"{left}{line}{right}")
    encoder.message(tokens, {"role": "user", "content": "\n".join(lines)})
    encoder.message(tokens, {"role": "assistant", "content": "\n".join(answers) or "none"})


def prose_row(rng: random.Random, encoder: Encoder, corpus: Corpus, length: int, weight: float = 1.0) -> Tokens:
    """Consecutive paragraphs, every token a target."""
    tokens = Tokens()
    text = corpus.text(rng)
    index = rng.randrange(len(text.paragraphs))
    while len(tokens) < length:
        tokens.add(encoder.text(text.paragraphs[index % len(text.paragraphs)] + "\n\n"), weight)
        index += 1
    tokens.ids, tokens.weights = tokens.ids[:length], tokens.weights[:length]
    return tokens
