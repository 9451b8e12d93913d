"""Outside files and services -> records in the library. Each verb reads everything first, then stores it in one transaction.

import_readwise     a file, folder or ZIP from readwise.io/export: what it is is found out by looking
import_clippings    Kindle's My Clippings.txt
import_api          the Readwise API, from where the last import ended
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from unicodedata import normalize

from ..errors import Invalid
from ..library import Library
from ..library.sources import HIGHLIGHT_FIELDS, SOURCE_FIELDS
from ..records import Highlight, ImportReport, Source
from ..text import count
from .reading import EXPECTED, Document, decode, documents, listed
from .readwise_api import find_token, import_api, save_token

__all__ = ["find_token", "import_api", "import_clippings", "import_readwise", "save_token"]

Progress = Callable[[int, int | None, str], None]
_MOST_WARNINGS = 50
_MOST_NAMED = 5  # titles in a command
_MARKDOWN = (".md", ".markdown")


def import_readwise(library: Library, *, path: Path, vault: Path | None = None, progress: Progress | None = None) -> ImportReport:
    """Import a CSV, an API export (JSON, JSONL), a Markdown export (folder or file), or a ZIP of one. All of it or nothing.

    Files of a Markdown export that cannot be read or are no text are left out with a warning, and what they gave before stays.
    Sources of Markdown files remember where they lay: relative to `vault` if they lie in it, else to the folder above `path`.
    """
    from .markdown_export import left_out

    found = list(documents(path))
    root = _root(path, vault)
    if not path.is_dir() and len(found) == 1:
        return _one(library, found[0], root, progress, str(path) if found[0].name == path.name else "")
    markdown = [item for item in found if item.suffix in _MARKDOWN]
    if not markdown:
        return _only(library, path, found, root, progress)
    sources, warnings, unread = _markdown(markdown, root, progress)
    if not sources and len(markdown) < len(found):
        return _only(library, path, found, root, progress)
    if not sources:
        what = "and it is no" if len(markdown) == 1 else "and none of them is a"
        raise Invalid(f"{path} holds {count(len(markdown), 'Markdown file')}, {what} highlights export.", EXPECTED)
    warnings += _notes_among(library, sources, markdown, root)
    locked = {item.name: item.fault for item in found if item.fault and item.suffix not in _MARKDOWN}
    warnings += left_out(locked)
    others = [item.name for item in found if item.suffix not in _MARKDOWN and item.name not in locked]
    if others:
        warnings.append(
            f"{count(len(others), 'file')} beside the Markdown export left out: {listed(others)}; import an export among them by itself"
        )
    return _store_markdown(library, _kept(library, sources, [*unread, *locked]), warnings, progress)


def _notes_among(library: Library, sources: Iterable[Source], files: Iterable[Document], root: str) -> list[str]:
    """A warning where lists of highlights are taken in that the person keeps as notes: as both, each would be paired with itself."""
    from ..vault.config import is_export

    given = {item for source in sources for item in source.outside_ids}
    known = {note.path for note in library.notes.all()}
    paths = {normalize("NFC", f"{root}/{file.name}" if root else file.name): file for file in files}
    own = [path for path, file in paths.items() if path in known and f"file:{path}" in given and not is_export(decode(file))]
    if not own:
        return []
    titles = [shlex.quote(source.title) for source in sources if any(f"file:{path}" in source.outside_ids for path in own)]
    undo = "notewright import undo, then import the folder of the exports alone"
    if len(titles) <= _MOST_NAMED:
        undo = f"notewright sources remove {' '.join(titles)} (or {undo})"
    what = "file is a note of yours, and its words are" if len(own) == 1 else "files are notes of yours, and their words are"
    return [f"{len(own):,} {what} highlights as well now: {listed(own)}. If that was not meant: {undo}"]


def import_clippings(library: Library, *, path: Path, progress: Progress | None = None) -> ImportReport:
    """Import Kindle's My Clippings.txt. The file never says what was deleted, so nothing is taken away."""
    from .clippings import CARRIES, read_clippings
    from .reading import read_bytes

    document = Document(path.name, read_bytes(path))
    sources, warnings = read_clippings(document, _reading(progress, "records"))
    return _store(library, sources, "kindle", False, CARRIES, ("title", "author", "app"), warnings, progress)


def _only(library: Library, path: Path, found: list[Document], root: str, progress: Progress | None) -> ImportReport:
    """A folder or archive without Markdown: the one export file in it."""
    files = [item for item in found if item.suffix in (".csv", ".json", ".jsonl", ".zip")]
    if len(files) == 1 and files[0].suffix != ".zip":
        return _one(library, files[0], root, progress)
    names = ", ".join(item.name for item in files[:5])
    if files:
        raise Invalid(f"{path} holds no Markdown export, and which of its files is the export is not clear.", f"Name it, one of: {names}")
    raise Invalid(f"There is no highlights export in {path}.", EXPECTED)


def _one(library: Library, document: Document, root: str, progress: Progress | None, place: str = "") -> ImportReport:
    from .api_export import CARRIES, read_json
    from .clippings import looks_like_clippings
    from .csv_export import looks_like_csv, read_csv

    text = decode(document)
    start = text.lstrip("\ufeff \t\r\n")[:2]
    if document.suffix in (".json", ".jsonl") or (document.suffix not in (".csv", ".md") and start[:1] in "{[" and start != "[["):
        sources, warnings = read_json(document)
        return _store(library, sources, "api", False, CARRIES, SOURCE_FIELDS, warnings, progress)
    if document.suffix in (".csv", ".tsv") or (document.suffix not in _MARKDOWN and looks_like_csv(text)):
        del text
        export = read_csv(document, _reading(progress, "rows"))
        document = replace(document, data=b"")  # a big file need not stay while it is stored
        fields = (export.carries, export.source_carries)
        return _store(
            library, export.sources(), "csv", True, *fields, export.warnings, progress, export.count, export.untitled,
            written_at=document.written_at,
        )  # fmt: skip
    if looks_like_clippings(text):
        raise Invalid(
            f"{document.name} is a Kindle clippings file.",
            f"Import it with: notewright import kindle {shlex.quote(place or document.name)}",
        )
    sources, warnings, _ = _markdown([document], root, progress)
    if not sources:
        raise Invalid(f"{document.name}, line 1: this is no highlights export ({text.strip().splitlines()[0][:60]!r}).", EXPECTED)
    return _store_markdown(library, sources, warnings, progress)


def _root(path: Path, vault: Path | None) -> str:
    """The folder that document names are relative to, as it is remembered; empty for a vault's own top or a lone file outside one."""
    folder = path.resolve() if path.is_dir() else path.resolve().parent
    if vault is not None and folder.is_relative_to(vault.resolve()):
        relative = folder.relative_to(vault.resolve()).as_posix()
        return "" if relative == "." else relative
    return folder.name if path.is_dir() else ""


def _markdown(found: list[Document], root: str, progress: Progress | None) -> tuple[list[Source], list[str], list[str]]:
    from .markdown_export import read_markdown

    return read_markdown(found, root=root, progress=(lambda done: progress(done, len(found), "reading files")) if progress else None)


def _kept(library: Library, sources: list[Source], unread: list[str]) -> list[Source]:
    """The sources; those that a file (or folder) that could not be read had a part in with a highlight without text, so that none counts as
    absent."""
    known: set[object] = set()
    for source in library.sources.all(include_removed=True) if unread else ():
        files = [f"/{item[5:]}/" for item in source.outside_ids if item.startswith("file:")]
        if any(f"/{name}/" in file for name in unread for file in files):
            known.update((*source.outside_ids, (source.title.casefold(), source.author.casefold())))
    return [
        source
        if known.isdisjoint((*source.outside_ids, (source.title.casefold(), source.author.casefold())))
        else replace(source, highlights=(*source.highlights, Highlight(text="")))
        for source in sources
    ]


def _store_markdown(library: Library, sources: list[Source], warnings: list[str], progress: Progress | None) -> ImportReport:
    from .markdown_export import CARRIES, SOURCE_CARRIES

    carries = [name for name in CARRIES if not name.startswith("is_")]
    return _store(library, sources, "markdown", True, carries, SOURCE_CARRIES, warnings, progress)


def _reading(progress: Progress | None, what: str) -> Callable[[int], None] | None:
    return (lambda done: progress(done, None, f"reading {what}")) if progress else None


def _store(
    library: Library, sources: Iterable[Source], origin: str, complete: bool, carries: Iterable[str], source_carries: Iterable[str],
    warnings: list[str], progress: Progress | None, total: int | None = None, untitled: str = "Untitled",
    written_at: str = "",
) -> ImportReport:  # fmt: skip
    if total is None and isinstance(sources, list):
        total = sum(len(source.highlights) for source in sources)
    report = library.sources.upsert(
        sources, origin=origin, complete=complete, carries=[name for name in carries if name in HIGHLIGHT_FIELDS],
        source_carries=source_carries, untitled=untitled, written_at=written_at,
        progress=(lambda done: progress(done, total, "storing highlights")) if progress else None,
    )  # fmt: skip
    warnings = [*report.warnings, *warnings]
    if len(warnings) > _MOST_WARNINGS:
        warnings = [*warnings[:_MOST_WARNINGS], f"and {len(warnings) - _MOST_WARNINGS} more warnings"]
    return replace(report, warnings=tuple(warnings))
