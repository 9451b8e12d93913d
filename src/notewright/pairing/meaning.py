"""Sentence embeddings, for passages that say what a highlight says in other words: an optional extra, off unless asked for.

The model is part of an installed package (wordllama: static embeddings of 256 numbers, MIT, 19 MB), so nothing is ever downloaded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import MissingExtra
from ..provenance import hide_marks, units
from .words import LONGEST, match_words

if TYPE_CHECKING:
    import numpy

Embed = Callable[[list[str]], "numpy.ndarray"]  # texts -> one row each


def model_version() -> str:
    """Of the installed package, which carries the model; empty without one."""
    try:
        return version("wordllama")
    except PackageNotFoundError:
        return ""


@cache
def embedder() -> Embed:
    """The installed model. Raises MissingExtra when there is none."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    try:
        import wordllama
    except ImportError as error:
        raise MissingExtra("Pairing by meaning needs wordllama.", "Install it with: pip install 'notewright[embeddings]'") from error
    finally:  # importing it makes every library's log appear on stderr
        root.setLevel(level)
        root.handlers[:] = handlers
    # Its own folder, since it looks for the tokenizer beside the code in a folder of another name.
    model = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
    return lambda texts: model.embed(texts)


def vectors(texts: Sequence[str], embed: Embed) -> numpy.ndarray:
    """(texts x dimensions), each row of length one; zeros for a text that says nothing to the model."""
    import numpy

    if not texts:
        return numpy.zeros((0, 1), dtype=numpy.float32)
    found = numpy.nan_to_num(numpy.asarray(embed([text or " " for text in texts]), dtype=numpy.float32))
    lengths = numpy.linalg.norm(found, axis=1, keepdims=True)
    return numpy.divide(found, lengths, out=numpy.zeros_like(found), where=lengths > 1e-9)  # type: ignore[no-any-return]  # untyped


class Sentences:
    """The sentences and bullets of a note's passages, embedded. `rows` are theirs, `passages` says where each stands."""

    def __init__(self, texts: Sequence[str], embed: Embed) -> None:
        import numpy

        said: list[str] = []
        owners: list[int] = []
        for number, text in enumerate(texts):
            plain = hide_marks(text[:LONGEST])
            for start, end, kind in units(plain):
                words = match_words(plain[start:end]) if kind != "heading" else []
                if len(words) > 2:
                    said.append(" ".join(words))
                    owners.append(number)
        self.rows = vectors(said, embed)
        self.passages = numpy.array(owners, dtype=int)


@dataclass(frozen=True, slots=True)
class Likeness:
    """The sentence of a passage that is likest to a highlight.

    `near` is their cosine; `above` by how much that exceeds the mean over the highlights of the source, `clear` the likest of the others.
    """

    near: float
    above: float
    clear: float


def likenesses(highlights: numpy.ndarray, note: Sentences, allowed: set[int]) -> dict[tuple[int, int], Likeness]:
    """By (row of a highlight, passage), for passages in `allowed`."""
    import numpy

    if not len(note.passages) or not len(highlights):
        return {}
    cosines = highlights @ note.rows.T
    best = cosines.argmax(axis=0)
    rival = numpy.broadcast_to(cosines.max(axis=0), cosines.shape).copy()
    others = cosines.copy()
    others[best, numpy.arange(len(best))] = -1.0
    rival[best, numpy.arange(len(best))] = others.max(axis=0) if len(highlights) > 1 else 0.0
    usual = cosines.mean(axis=0)
    found = {}
    for passage in sorted(allowed.intersection(note.passages.tolist())):
        columns = (note.passages == passage).nonzero()[0]
        likest = columns[cosines[:, columns].argmax(axis=1)]
        for row, column in enumerate(likest):
            near = float(cosines[row, column])
            found[row, passage] = Likeness(near, near - float(usual[column]), near - float(rival[row, column]))
    return found
