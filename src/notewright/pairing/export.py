"""Pairs for other programs (JSONL) and for people (words)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from ..errors import Unavailable
from ..files import whole
from ..library import Library
from ..records import Pair, Source

# What is said of the methods that look beside the words.
_BESIDE = {
    "draft": "was written for",
    "place": "stands where your notes tell of",
    "figures": "has the figures of",
    "hand": "was named by you for",
}


def explain(pair: Pair, *, merged: bool = False) -> str:
    """Why this pair, in one or two sentences. `merged`: it is one of `PairStore.merged`."""
    quoted = sum(1 for link in pair.links if link.method in ("quote", "fuzzy"))
    named = sum(1 for link in pair.links if link.method in ("id", "reader-id"))
    beside = {method: sum(1 for link in pair.links if link.method == method) for method in _BESIDE}
    hinted = len(pair.links) - quoted - named - sum(beside.values())
    parts = [f"names {_highlights(named)} by id"] if named else []
    told = _highlights(quoted) if quoted == len(pair.links) else f"{quoted} of {len(pair.links)} highlights"
    parts += [f"quotes {told}"] if quoted else []
    parts += [f"shares telling words with {_highlights(hinted)}"] if hinted else []
    parts += [f"{_BESIDE[method]} {_highlights(count)}" for method, count in beside.items() if count]
    best = max(pair.links, key=lambda link: link.score, default=None)
    strongest = f" Strongest: {best.evidence}." if best and best.evidence else ""
    place = " > ".join(pair.headings)
    where = f"The passage under “{place}”" if place else "The passage"
    return f"{where} {' and '.join(parts) or 'was matched'} ({_sureness(pair, merged)}).{strongest}"


def export_pairs(library: Library, *, path: Path | TextIO) -> int:
    """Write one JSON line for each highlight of each pair to `path` (replaced whole) or to an open file; returns the number of lines.

    `passage_start` and `passage_end` are byte offsets in the note. `highlight_id` is Readwise's id where one is known; `source_path` is
    the file the source was imported from, as its importer named it, else empty. Raises Unavailable where `path` cannot be written.
    """
    if not isinstance(path, Path):
        return _write(library, path)
    if path.exists() and not path.is_file():
        raise Unavailable(f"{path} is not a file.", "Choose another name, or leave it out to write to standard output.")
    try:
        with whole(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
            return _write(library, file)
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}.", "Choose another file.") from error


def _write(library: Library, file: TextIO) -> int:
    count = 0
    for row in _rows(library):
        file.write(json.dumps(row, ensure_ascii=False) + "\n")
        count += 1
    return count


def _rows(library: Library) -> Iterator[dict[str, object]]:
    sources = {source.id: source for source in library.sources.all(include_removed=True)}
    outside = library.sources.outside_ids()
    texts: dict[str, str] = {}
    for pair in library.pairs.all():
        source = sources[pair.source_id]
        for link in pair.links:
            if link.highlight_id not in texts:
                texts[link.highlight_id] = library.sources.highlight(link.highlight_id).text
            yield {
                "highlight_id": _best_id(link.highlight_id, outside.get(link.highlight_id, ())),
                "highlight_text": texts[link.highlight_id],
                "source_title": source.title,
                "source_path": _path(source),
                "note_path": pair.note_path,
                "passage_start": pair.passage_start,
                "passage_end": pair.passage_end,
                "passage_text": pair.passage_text,
                "score": link.score,
                "method": link.method,
                "status": pair.status,
            }


def _best_id(highlight_id: str, outside: Iterable[str]) -> str:
    for kind in ("readwise:", "reader:"):
        known = sorted(item for item in (highlight_id, *outside) if item.startswith(kind))
        if known:
            return known[0]
    return highlight_id


def _path(source: Source) -> str:
    return next((item.removeprefix("file:") for item in sorted(source.outside_ids) if item.startswith("file:")), "")


def _highlights(count: int) -> str:
    return "one highlight" if count == 1 else f"{count} highlights"


def _sureness(pair: Pair, merged: bool) -> str:
    if merged:
        return "merged by you: another pair has its highlights now"
    if pair.status != "proposed":
        return f"{pair.status} by you"
    return f"{'very likely' if pair.score >= 0.9 else 'likely' if pair.score >= 0.7 else 'perhaps'}, score {pair.score:.2f}"
