"""The person's own notes -> the library's mirror of the vault. Only what changed is read again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from unicodedata import normalize

from ..errors import Invalid
from ..library import FOLDERS, Library
from ..records import Note, Passage
from ..settings import Settings
from ..text import count
from ..vault.config import VaultConfig, is_export, read_config
from ..vault.files import NoteFile, is_under, iterate_notes, locate
from ..vault.identity import carry_ids, note_id, renamed
from ..vault.notes import PARSER_VERSION, parse_note
from .reading import listed

_STATE = "vault:scan"
_MOST_APART = 3  # notes that are warned of each in a line
Scanned = list[tuple[Note, tuple[Passage, ...]]]


@dataclass(frozen=True, slots=True)
class VaultReport:
    """What one reading of the vault changed, in notes. `removed` are gone from the vault; `left_out` are still there and no longer read, as
    by a changed setting. `warnings` name notes that were skipped or only partly understood."""

    added: int = 0
    updated: int = 0
    removed: int = 0
    unchanged: int = 0
    warnings: tuple[str, ...] = ()
    left_out: int = 0

    @property
    def changed(self) -> bool:
        return bool(self.added or self.updated or self.removed or self.left_out)


@dataclass(frozen=True, slots=True)
class Unread:
    """Notes on the disk that are new, changed or gone since the vault was read."""

    new: int = 0
    changed: int = 0
    gone: int = 0


@dataclass(frozen=True, slots=True)
class _Scan:
    """Sizes of the notes by path, stamps of the plugins' files, which need not be opened again, and of what could not be read as a note."""

    sizes: dict[str, int]
    drawn: dict[str, str]
    failed: dict[str, str] = field(default_factory=dict)


class _Reading:
    """The notes that changed since they were last read, and what is to be said of them."""

    def __init__(self, known: Mapping[str, int], last: _Scan) -> None:
        self.scanned: Scanned = []
        self.unchanged: list[str] = []  # paths; of notes that cannot be opened too
        self.warnings: list[str] = []
        self.unread: dict[str, str] = {}  # by path: what could not be read of the properties
        self.exports: list[str] = []  # paths of notes that look like exports
        self.scan = _Scan({}, {})
        self._known, self._last = known, last

    def read(self, file: NoteFile) -> None:
        if self._known.get(file.path) == file.mtime_ns and self._last.sizes.get(file.path) == file.size:
            self.unchanged.append(file.path)
            self.scan.sizes[file.path] = file.size
        elif self._last.drawn.get(file.path) == file.stamp:
            self.scan.drawn[file.path] = file.stamp
        else:
            self._open(file)
            if file.path not in self.scan.sizes and file.path not in self.scan.drawn:
                self.scan.failed[file.path] = file.stamp

    def keep(self, path: str) -> None:
        """A note that cannot be looked at now: it stays as it was read last."""
        self.unchanged.append(path)
        if path in self._last.sizes:
            self.scan.sizes[path] = self._last.sizes[path]

    def _open(self, file: NoteFile) -> None:
        try:
            data = file.file.read_bytes()
            parsed = parse_note(file.path, data, mtime_ns=file.mtime_ns)
        except Invalid as problem:
            self.warnings.append(f"{problem.message} It was left out.")
            return
        except OSError as problem:
            self.warnings.append(f"{file.path} could not be opened ({problem.strerror}).")
            if file.path in self._known:
                self.unchanged.append(file.path)
            return
        if parsed.of_a_plugin:
            self.scan.drawn[file.path] = file.stamp
            return
        if parsed.findings:
            self.unread[file.path] = "; ".join(parsed.findings)
        if is_export(data.decode()):
            self.exports.append(file.path)
        self.scanned.append((parsed.note, parsed.passages))
        self.scan.sizes[file.path] = file.size


def import_vault(library: Library, *, settings: Settings, progress: Callable[[int, int], None] | None = None) -> VaultReport:
    """Bring the mirror of the vault up to date, in one transaction.

    A note whose size and modification time are as before is taken as unchanged and not opened. Drawings and boards of plugins are left
    out, and exports that highlights were imported from, wherever they lie; notes that are not UTF-8 too, and those that cannot be opened,
    or whose folder cannot be listed, are kept as they were, all of these but the first with a warning. Ids of passages last through edits
    elsewhere, of notes through a new name. `progress` gets notes done and notes in all. Raises as `Settings.need_vault` does.
    """
    vault = settings.need_vault()
    config = read_config(settings)
    unseen: dict[str, str] = {}
    found = _found(vault, config, settings, unseen)
    sources = _of_sources(library, found)
    files = [file for file in found if file.path not in sources]
    known = library.notes.times()
    warnings = list(config.warnings)
    if sources:
        what = "note is a file" if len(sources) == 1 else "notes are files"
        warnings.append(f"{len(sources):,} {what} that highlights were imported from, left out: {listed(sorted(sources))}")
    reading = _Reading(known, _last_scan(library, vault))
    for number, file in enumerate(files, 1):
        reading.read(file)
        if progress:
            progress(number, len(files))
    there = {file.path for file in files}
    for path in sorted(path for path in known if path not in there and is_under(path, unseen)):
        reading.keep(path)
        there.add(path)
    warnings += [*_away(vault, unseen), *reading.warnings, *_told(reading.unread, reading.exports)]
    scanned = _with_lasting_ids(library, reading.scanned, gone=[path for path in known if path not in there])
    before = library.notes.ids()
    report = library.notes.sync(scanned, unchanged=reading.unchanged)
    kept = set(library.notes.ids().values())
    left_out = sum(locate(vault, path).is_file() for path, identity in before.items() if identity not in kept)
    if before and not left_out and not library.notes.ids():
        what = f"none of the {count(len(before), 'note')} that were read before is in {vault}"
        warnings.append(f"{what}: if it lies on a drive, connect that and read the vault again, and all is as it was")
    _remember(library, vault, reading.scan)
    return VaultReport(report.added, report.updated, report.removed - left_out, report.unchanged, tuple(warnings), left_out)


def unread(library: Library, *, settings: Settings) -> Unread | None:
    """What `import_vault` would find, by names, sizes and times alone. None where this vault was never read or is away."""
    state = _state(library)
    if settings.vault is None or not settings.vault.is_dir() or state.get("vault") != str(settings.vault.resolve()):
        return None
    times, sizes, failed = library.notes.times(), state["sizes"], state.get("failed", {})
    unseen: dict[str, str] = {}
    found = _found(settings.vault, read_config(settings), settings, unseen)
    if times and not found:
        return None
    passed_over = state["drawn"].keys() | (_names_of_sources(library) - times.keys())
    there = {file.path: file for file in found if file.path not in passed_over}
    new = there.keys() - times.keys() - failed.keys()
    same = sum(
        (times.get(path), sizes.get(path)) == (file.mtime_ns, file.size) or failed.get(path) == file.stamp for path, file in there.items()
    )
    gone = [path for path in times.keys() - there.keys() if not is_under(path, unseen)]
    return Unread(len(new), len(there) - len(new) - same, len(gone))


def _found(vault: Path, config: VaultConfig, settings: Settings, unseen: dict[str, str]) -> list[NoteFile]:
    return list(iterate_notes(vault, config, exclude=(*settings.exclude, *_own_folders(vault, settings.home)), unseen=unseen))


def _away(vault: Path, unseen: Mapping[str, str]) -> list[str]:
    """A warning of each folder, where they are few, that could not be looked into."""
    told = [f"{path or vault} could not be looked into ({why}): its notes stay as they were" for path, why in sorted(unseen.items())]
    if len(told) > _MOST_APART:
        told = [f"{len(told):,} folders or files could not be looked into: their notes stay as they were: {listed(sorted(unseen))}"]
    return told


def _told(unread: dict[str, str], exports: list[str]) -> list[str]:
    """Warnings: by note where they are few, else in one line."""
    told = [f"{path}: {finding}" for path, finding in unread.items()]
    if len(told) > _MOST_APART:
        told = [f"{count(len(told), 'note')} with properties that could not be read (why: notewright vault check): {listed(list(unread))}"]
    if exports:
        one = len(exports) == 1
        told.append(
            f"{count(len(exports), 'note')} outside the Readwise folder {'looks' if one else 'look'} like"
            f" {'a Readwise export and counts' if one else 'Readwise exports and count'} as yours: {listed(exports)}; if that is wrong,"
            f" name {'its' if one else 'their'} folder: notewright init --readwise-folder FOLDER, or --exclude FOLDER"
        )
    return told


def _with_lasting_ids(library: Library, scanned: Scanned, *, gone: list[str]) -> Scanned:
    """With the ids that notes and passages had when they were last read, also of notes that were renamed."""
    ids = library.notes.ids()
    if not ids or not scanned:
        return scanned
    texts = {path: [passage.text for passage in library.notes.passages(ids[path])] for path in gone}
    came = {note.path: (note.content_hash, [item.text for item in passages]) for note, passages in scanned if note.path not in ids}
    moved = renamed({path: (library.notes.find(path).content_hash, texts[path]) for path in gone}, came) if gone else {}
    used = library.notes.known_passages(item.id for _, passages in scanned for item in passages)
    lasting = []
    for note, passages in scanned:
        before = ids.get(moved.get(note.path, note.path))
        identity = before or note_id(note.path, ids.values())
        earlier = library.notes.passages(before) if before else ()
        kept = carry_ids(earlier, passages, taken=used)
        lasting.append((replace(note, id=identity), tuple(replace(item, note_id=identity) for item in kept)))
    return lasting


def _of_sources(library: Library, files: list[NoteFile]) -> set[str]:
    """Exports that are sources already: in a graph of Logseq's they lie among the person's own notes."""
    known, found = _names_of_sources(library), set()
    for file in files:
        if file.path in known:
            with suppress(OSError):
                if is_export(file.file.read_bytes().decode("utf-8", errors="replace")):
                    found.add(file.path)
    return found


def _names_of_sources(library: Library) -> set[str]:
    return {normalize("NFC", name) for name in library.sources.files()}


def _own_folders(vault: Path, home: Path) -> list[str]:
    """The library's folders where its home lies in the vault: their copies of notes are no notes."""
    if not home.resolve().is_relative_to(vault.resolve()):
        return []
    return [(home.resolve() / name).relative_to(vault.resolve()).as_posix() for name in FOLDERS]


def _state(library: Library) -> dict[str, Any]:
    value = library.sources.get_state(_STATE)
    return json.loads(value) if value else {}


def _last_scan(library: Library, vault: Path) -> _Scan:
    """The last reading of this vault by this parser; without one, all notes are read again."""
    state = _state(library)
    if state.get("vault") != str(vault.resolve()) or state.get("parser") != PARSER_VERSION:
        return _Scan({}, {})
    return _Scan(state["sizes"], state["drawn"])


def _remember(library: Library, vault: Path, scan: _Scan) -> None:
    state = {"vault": str(vault.resolve()), "parser": PARSER_VERSION, **asdict(scan)}
    library.sources.set_state(_STATE, json.dumps(state, ensure_ascii=False, separators=(",", ":")))
