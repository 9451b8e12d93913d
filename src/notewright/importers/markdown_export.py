"""A Markdown export: the official folder, one of its files, or a folder of people's own templates. Files that are no exports are named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from ..errors import Invalid
from ..library.sources import text_key
from ..records import Highlight, Source
from ..text import count
from .markdown_file import read_markdown_file
from .reading import Document, decode, listed

CARRIES = (
    "text", "annotation", "tags", "location", "location_type", "heading_level", "url", "is_favorite", "is_discard",
)  # fmt: skip
WHOLE = "full document contents"  # the folder where Readwise's plugin puts whole documents
_MOST_APART = 3  # files that are warned of each in a line
SOURCE_CARRIES = ("title", "author", "kind", "url", "readwise_url", "asin", "cover_url", "summary", "document_note", "tags")


def read_markdown(
    documents: Iterable[Document], *, root: str = "", progress: Callable[[int], None] | None = None
) -> tuple[list[Source], list[str], list[str]]:
    """Sources of all files that are exports, warnings, and the names of files that cannot be read or are no text. Raises Invalid where
    there are only these.

    Each source remembers its file as `file:<root>/<name>` among its outside ids.
    """
    gathered = _Gathered()
    warnings: list[str] = []
    others: list[str] = []
    whole: list[str] = []
    problems: dict[str, Invalid] = {}
    for number, document in enumerate(documents, 1):
        if f"/{WHOLE}/" in f"/{root}/{document.name}".casefold():
            whole.append(document.name)
            continue
        if not document.fault and not document.data.strip():
            others.append(document.name)
            continue
        try:
            text = decode(document)
        except Invalid as error:
            problems[document.name] = error
            continue
        parsed = read_markdown_file(text, stem=document.stem, folder=document.folder)
        if parsed.source is None:
            others.append(document.name)
        else:
            gathered.add(parsed.source, document.name)
        if progress:
            progress(number)
    if problems and not gathered.sources:
        first = next(iter(problems.values()))
        raise Invalid(first.message, first.hint, [problem.message for problem in problems.values()])
    warnings += [*left_out(problems), *gathered.doubled]
    if gathered.joined:
        what = "is a second export of its source" if len(gathered.joined) == 1 else "are second exports of their sources"
        warnings.append(f"{count(len(gathered.joined), 'file')} {what}, put together with the first: {listed(gathered.joined)}")
    if whole:
        warnings.append(f"{count(len(whole), 'full document')} left out, being what you read and not what you marked: {listed(whole)}")
    if others and gathered.sources:
        what = "is no export" if len(others) == 1 else "are no exports"
        warnings.append(f"{count(len(others), 'file')} {what}, left out: {listed(others)}")
    where = f"{root}/" if root else ""
    return (
        [
            replace(source, outside_ids=(*source.outside_ids, *(f"file:{where}{name}" for name in names)))
            for source, names in zip(gathered.sources, gathered.names, strict=True)
        ],
        warnings,
        list(problems),
    )


def left_out(problems: Mapping[str, Invalid]) -> list[str]:
    """Warnings of files (or folders) that could not be read: by file where they are few, else in one line."""
    stays = "left out; what was imported from {} before stays"
    if len(problems) > _MOST_APART:
        return [f"{len(problems):,} files that cannot be read, or not as text (UTF-8), {stays.format('them')}: {listed(list(problems))}"]
    return [f"{problem.message} It was {stays.format('it')}." for problem in problems.values()]


class _Gathered:
    """Sources with the names of their files, found again by what makes two files one source."""

    def __init__(self) -> None:
        self.sources: list[Source] = []
        self.names: list[list[str]] = []  # of each source, the first one first
        self.joined: list[str] = []  # `one file and another`, put together
        self.doubled: list[str] = []  # warnings
        self._at: dict[object, set[int]] = defaultdict(set)  # by outside id, and by title and author

    def add(self, source: Source, name: str) -> None:
        """Append, or merge into the file of the same source: a renamed file makes the official plugin write a second one."""
        near = sorted({index for key in _keys(source) for index in self._at.get(key, ())})
        index = next((index for index in near if _same(self.sources[index], source)), len(self.sources))
        if index < len(self.sources):
            known = self.sources[index]
            ids = {item for highlight in known.highlights for item in highlight.outside_ids}
            words = {(text_key(highlight.text), highlight.location) for highlight in known.highlights}
            more = tuple(item for item in source.highlights if not _given(item, ids, words))
            self.sources[index] = replace(
                known, highlights=known.highlights + more, outside_ids=tuple(dict.fromkeys(known.outside_ids + source.outside_ids))
            )
            self.joined.append(f"{name} and {self.names[index][0]}")
            self.names[index].append(name)
        else:
            self.sources.append(replace(source, highlights=tuple(_once(source.highlights, name, self.doubled))))
            self.names.append([name])
        for key in _keys(self.sources[index]):
            self._at[key].add(index)


def _keys(source: Source) -> tuple[object, ...]:
    return (*source.outside_ids, (source.title.casefold(), source.author.casefold()))


def _same(left: Source, right: Source) -> bool:
    shared = set(left.outside_ids) & set(right.outside_ids)
    strong = {kind for item in (*left.outside_ids, *right.outside_ids) if (kind := item.partition(":")[0])}
    for kind in ("readwise", "reader", "asin", "url"):
        if kind in strong:
            ours, theirs = ({item for item in source.outside_ids if item.startswith(kind + ":")} for source in (left, right))
            if ours and theirs:
                return bool(ours & theirs)
    return bool(shared) or _keys(left)[-1] == _keys(right)[-1]


def _given(item: Highlight, ids: set[str], words: set[tuple[str, int | None]]) -> bool:
    if not item.text:
        return False  # it only ends a chapter
    return any(outside in ids for outside in item.outside_ids) or (text_key(item.text), item.location) in words


def _once(highlights: Iterable[Highlight], name: str, warnings: list[str]) -> list[Highlight]:
    found: list[Highlight] = []
    seen: set[str] = set()
    for item in highlights:
        if any(outside in seen for outside in item.outside_ids):
            warnings.append(f"{name}: {item.outside_ids[0]} is there twice, the second left out")
            continue
        seen.update(item.outside_ids)
        found.append(item)
    return found
