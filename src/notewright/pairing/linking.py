"""Which notes point at which sources: ids, links and titles, before any text is compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..records import Highlight, Note, Passage, Source
from .keys import (
    asins,
    book_numbers,
    highlight_numbers,
    link_name,
    main_title,
    reader_ids,
    segments,
    title_key,
    undecorated,
    url_key,
)

NAMESAKES = 50  # sources; a part of a title that more share ("Episode 12" without its number) names none of them

_Found = Callable[[Iterable[str], float, str], None]


@dataclass(frozen=True, slots=True)
class SourceLink:
    """A note points at a source: how sure (0-1) and why, in words."""

    source_id: str
    note_id: str
    score: float
    evidence: str


class SourceIndex:
    """Every deterministic key of the sources and their highlights."""

    def __init__(
        self, sources: Iterable[Source], highlights: Mapping[str, Sequence[Highlight]], outside_ids: Mapping[str, Sequence[str]]
    ) -> None:
        self._books: dict[str, set[str]] = defaultdict(set)
        self._urls: dict[str, set[str]] = defaultdict(set)
        self._asins: dict[str, set[str]] = defaultdict(set)
        self._reader: dict[str, set[str]] = defaultdict(set)
        self._files: dict[str, set[str]] = defaultdict(set)
        self._titles: dict[str, set[str]] = defaultdict(set)
        self._mains: dict[str, set[str]] = defaultdict(set)
        self._openings: dict[str, set[str]] = defaultdict(set)
        self._keys: dict[str, str] = {}
        self.numbers: dict[str, Highlight] = {}
        self.reader: dict[str, Highlight] = {}
        self.places: dict[tuple[str, int], list[Highlight]] = defaultdict(list)
        for source in sources:
            self._add_source(source)
            for highlight in highlights.get(source.id, ()):
                self._add_highlight(source, highlight, (highlight.id, *outside_ids.get(highlight.id, ())))
        self._forget_namesakes()

    def _add_source(self, source: Source) -> None:
        for outside in source.outside_ids:
            kind, _, value = outside.partition(":")
            if kind == "readwise":
                self._books[value].add(source.id)
            elif kind == "reader":
                self._reader[value.lower()].add(source.id)
            elif kind == "asin":
                self._asins[value.upper()].add(source.id)
            elif kind == "url":
                self._add(self._urls, url_key(value), source.id)
            elif kind == "file":
                self._files[title_key(link_name(value))].add(source.id)
        for number in book_numbers(source.readwise_url):
            self._books[number].add(source.id)
        for identity in reader_ids(source.url + " " + source.readwise_url):
            self._reader[identity].add(source.id)
        self._add(self._urls, url_key(source.url), source.id)
        self._add(self._asins, source.asin.upper(), source.id)
        key = title_key(source.title)
        self._keys[source.id] = key
        self._add(self._titles, key, source.id)
        self._add(self._titles, title_key(undecorated(source.title)), source.id)
        main = title_key(main_title(source.title))
        if main != key:
            self._add(self._mains, main, source.id)
        words = key.split()
        if len(words) >= 4:
            self._openings[" ".join(words[:3])].add(source.id)

    def _forget_namesakes(self) -> None:
        """Else a note of a long series would be weighed against the whole series, and pairing takes that many times as long."""
        for key, ids in self._titles.items():
            if len(ids) > NAMESAKES:
                self._titles[key] = {source_id for source_id in ids if self._keys[source_id] == key}
        for table in (self._mains, self._openings):
            for key in [key for key, ids in table.items() if len(ids) > NAMESAKES]:
                del table[key]

    def _add_highlight(self, source: Source, highlight: Highlight, ids: Iterable[str]) -> None:
        for outside in ids:
            kind, _, value = outside.partition(":")
            if kind == "readwise":
                self.numbers[value] = highlight
            elif kind == "reader":
                self.reader[value.lower()] = highlight
        if highlight.url:
            for identity in reader_ids(highlight.url):
                self.reader[identity] = highlight
            for number in highlight_numbers(highlight.url):
                self.numbers.setdefault(number, highlight)
        if source.asin and highlight.location is not None and highlight.location_type == "location":
            self.places[(source.asin.upper(), highlight.location)].append(highlight)

    @staticmethod
    def _add(table: dict[str, set[str]], key: str, source_id: str) -> None:
        if key:
            table[key].add(source_id)

    def links(self, note: Note, passages: Sequence[Passage], *, names: Mapping[str, str]) -> dict[str, SourceLink]:
        """What `note` points at, best evidence per source. `names` are the vault's notes by the key of their file name."""
        best: dict[str, SourceLink] = {}

        def found(source_ids: Iterable[str], score: float, evidence: str) -> None:
            ids = sorted(set(source_ids))
            for source_id in ids:
                # A key that several sources share says less about each.
                sure = score if len(ids) == 1 else score * (0.95 if len(ids) <= 3 else 0.6)
                if source_id not in best or best[source_id].score < sure:
                    best[source_id] = SourceLink(source_id, note.id, round(sure, 3), evidence)

        for target in note.links:
            self._target(target, found, names)
        for passage in passages:
            for number in highlight_numbers(passage.text):
                if number in self.numbers:
                    found([self.numbers[number].source_id], 1.0, f"names highlight {number}")
            for identity in reader_ids(passage.text):
                if identity in self.reader:
                    found([self.reader[identity].source_id], 0.99, f"links to highlight {identity} in Reader")
            for asin, _ in asins(passage.text):
                found(self._asins.get(asin, ()), 0.97, f"links to the book's Amazon id {asin}")
        for value in _texts(note.properties):
            self._property(value, found)
        for name, what in _names(note, passages):
            self._name(name, what, found)
        return best

    def _target(self, target: str, found: _Found, names: Mapping[str, str]) -> None:
        if "://" in target:
            self._property(target, found)
            return
        name = link_name(target)
        key = title_key(name)
        if not key:
            return
        if key in self._files:
            found(self._files[key], 0.97, f"links to the source's file {name}")
        elif key in names:  # the link opens one of the person's own notes, which may well be about the source
            own = self._titles.get(key, set()) | self._titles.get(title_key(undecorated(name)), set())
            found(own, 0.6, f"links to the note {name}")
        elif key in self._titles:
            found(self._titles[key], 0.95 if len(key.split()) > 1 else 0.75, f"links to {name}")
        else:
            bare = title_key(undecorated(name))
            found(self._titles.get(bare, ()), 0.8 if len(bare.split()) > 1 else 0.5, f"links to {name}")

    def _property(self, value: str, found: _Found) -> None:
        for number in book_numbers(value):
            found(self._books.get(number, ()), 1.0, f"names the source's Readwise id {number}")
        for identity in reader_ids(value):
            found(self._reader.get(identity, ()), 0.99, "links to the source in Reader")
        if "://" in value:
            key = url_key(value)
            found(self._urls.get(key, ()), 0.95, f"links to {key}")

    def _name(self, name: str, what: str, found: _Found) -> None:
        key, bare = title_key(name), title_key(undecorated(name))
        one = len(bare.split()) == 1
        if key in self._files or key in self._titles:
            found(self._files.get(key, set()) | self._titles.get(key, set()), 0.7 if one else 0.95, f"{what} is the source's title")
        if bare in self._titles or bare in self._files:
            ids = self._titles.get(bare, set()) | self._files.get(bare, set())
            found(ids, 0.75 if one else 0.92, f"{what} is the source's title but for a label")
        for part in segments(name):
            tail = title_key(undecorated(part))
            if len(tail.split()) > 1:
                found(self._titles.get(tail, ()), 0.85, f"{what} ends with the source's title")
        if len(bare) >= 8 and len(bare.split()) > 1:
            found(self._mains.get(bare, ()), 0.8, f"{what} is the source's title without its subtitle")
        main = title_key(main_title(undecorated(name)))
        if main != bare and len(main) >= 8 and len(main.split()) > 1:
            found(self._titles.get(main, set()) | self._mains.get(main, set()), 0.7, f"{what} begins with the source's title")
        words = bare.split()
        for source_id in self._openings.get(" ".join(words[:3]), ()) if len(words) >= 3 else ():
            key = self._keys[source_id]
            if (key + " ").startswith(bare + " ") or (bare + " ").startswith(key + " "):
                found([source_id], 0.85 if min(len(words), len(key.split())) >= 4 else 0.7, f"{what} and the source's title begin alike")


def _names(note: Note, passages: Sequence[Passage]) -> list[tuple[str, str]]:
    names = [(note.title, "its file name")] + [(alias, "an alias") for alias in note.aliases]
    for name, value in note.properties.items():
        if name.casefold() in ("title", "full title", "full_title", "source", "book", "article", "podcast") and isinstance(value, str):
            names.append((value.strip('[]" '), f"its property {name}"))
    heading = next((passage.headings[0] for passage in passages if passage.headings), "")
    if heading:
        names.append((heading, "its first heading"))
    return [(name, what) for name, what in names if title_key(name)]


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return []
