"""Public-domain prose and permissively licensed Markdown as paragraphs and sentences, split by whole files.

The held-out files are never seen in training: evaluation reads only them.
"""

from __future__ import annotations

import os
import random
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

HELD_OUT = ("william-hazlitt_table-talk", "john-stuart-mill_on-liberty", "google+eng-practices")
PEPYS_SHARE = 0.05
MARKDOWN_SHARE = 0.3

_ABBREVIATION = re.compile(r"(?:^|[\s(“‘\"])(?:Mr|Mrs|Ms|Dr|St|Sir|Prof|Rev|Hon|Lord|No|Vol|vol|p|pp|cf|viz|i\.e|e\.g|etc|vs|al|[A-Z])\.$")
_BOUNDARY = re.compile(r"(?<=[.!?…])[”’\"')\]]*\s+(?=[“‘\"'(\[]?[A-Z0-9])")
_FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.M | re.S)
_FRONT = re.compile(r"\A---\n.*?\n---\n", re.S)


def default_folder() -> Path:
    """`$NOTEWRIGHT_CORPORA`, or `../shared/data/corpora` beside the repository."""
    given = os.environ.get("NOTEWRIGHT_CORPORA")
    return Path(given) if given else Path(__file__).resolve().parents[3].parent / "shared" / "data" / "corpora"


def split_sentences(text: str) -> list[str]:
    """Sentences of one paragraph; together they give its words back. Common abbreviations and initials do not end one."""
    sentences, start = [], 0
    for match in _BOUNDARY.finditer(text):
        piece = text[start : match.end()].rstrip()
        if _ABBREVIATION.search(text[start : match.start()]):
            continue
        sentences.append(piece)
        start = match.end()
    if text[start:].strip():
        sentences.append(text[start:].strip())
    return sentences


@dataclass(frozen=True, slots=True)
class Text:
    """One book or one Markdown collection. `headings[i]` is the nearest heading above `paragraphs[i]`."""

    name: str
    paragraphs: tuple[str, ...] = field(repr=False)
    headings: tuple[str, ...] = field(repr=False)
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Corpus:
    """Texts with sampling weights."""

    texts: tuple[Text, ...]

    def text(self, rng: random.Random) -> Text:
        return rng.choices(self.texts, weights=[text.weight for text in self.texts])[0]

    def paragraph(self, rng: random.Random) -> str:
        return rng.choice(self.text(rng).paragraphs)

    def phrase(self, rng: random.Random, low: int, high: int) -> str:
        """`low` to `high` consecutive words without marks at the ends; falls back to a short one."""
        words = self.paragraph(rng).split()
        count = min(rng.randint(low, high), len(words))
        start = rng.randint(0, len(words) - count)
        return re.sub(r"^\W+|\W+$", "", " ".join(words[start : start + count])) or "open question"


def _prose(body: str) -> tuple[list[str], list[str]]:
    paragraphs, headings, heading = [], [], ""
    for block in body.split("\n\n"):
        block = block.strip()
        words = len(block.split())
        if 1 <= words <= 9 and "\n" not in block and block[-1] not in ".,;:?!”’—":
            heading = block
        elif words >= 5 and "\n" not in block:
            paragraphs.append(block)
            headings.append(heading)
    return paragraphs, headings


def _markdown(body: str) -> tuple[list[str], list[str]]:
    body = _FENCE.sub("", _FRONT.sub("", body))
    paragraphs, headings, heading = [], [], ""
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*+]|\d+\.) )|\n(?=#)", body):
        block = " ".join(block.split())
        if block.startswith("#"):
            heading = block.lstrip("# ").strip()[:80]
            continue
        block = re.sub(r"^(?:[-*+]|\d+\.|>) +(?:\[[ x]\] )?", "", block)
        if not block or "<" in block[:2] or block[0] in "|:{}=!" or "|--" in block or len(block.split()) < 5:
            continue
        if block.count("**") % 2 or len(block) > 2200:
            continue
        paragraphs.append(block)
        headings.append(heading)
    return paragraphs, headings


def _clean(paragraphs: list[str], headings: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    kept = [(p, h) for p, h in zip(paragraphs, headings, strict=True) if len(p.split()) >= 5]
    return tuple(p for p, _ in kept), tuple(h for _, h in kept)


@cache
def load(folder: Path | None = None, *, held_out: bool = False) -> Corpus:
    """The training corpus, or with `held_out` the one that training never reads. Raises FileNotFoundError when the folder is absent."""
    folder = folder or default_folder()
    if not folder.is_dir():
        raise FileNotFoundError(f"no corpora at {folder}: set NOTEWRIGHT_CORPORA to a folder of .txt books")
    texts = []
    for path in sorted(folder.glob("*.txt")):
        if (path.stem in HELD_OUT) == held_out:
            body = path.read_text(encoding="utf-8")
            paragraphs, headings = _clean(*_prose(body))
            if paragraphs:  # lines of a fixed width are none
                texts.append(Text(path.stem, paragraphs, headings, len(body) ** 0.5))
    books = sum(text.weight for text in texts)
    texts = [Text(t.name, t.paragraphs, t.headings, PEPYS_SHARE * books if "pepys" in t.name else t.weight) for t in texts]
    books = sum(text.weight for text in texts)
    sets = []
    for path in sorted(p for p in folder.glob("markdown/*") if p.is_dir() and (p.name in HELD_OUT) == held_out):
        blocks: list[str] = []
        above: list[str] = []
        for file in sorted([*path.rglob("*.md"), *path.rglob("*.qmd")]):
            more = _markdown(file.read_text(encoding="utf-8", errors="ignore"))
            blocks += more[0]
            above += more[1]
        clean = _clean(blocks, above)
        if clean[0]:
            sets.append(Text(path.name, *clean, sum(map(len, clean[0])) ** 0.5))
    total = sum(text.weight for text in sets) or 1.0
    factor = MARKDOWN_SHARE / (1 - MARKDOWN_SHARE) * books / total
    texts += [Text(t.name, t.paragraphs, t.headings, t.weight * factor) for t in sets]
    if not texts:
        raise FileNotFoundError(f"no .txt books with paragraphs of one line each in {folder}")
    return Corpus(tuple(texts))
