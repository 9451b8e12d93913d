"""One note, a folder or a whole vault looked through: does every note come out of the tokens byte for byte, and what is wrong in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import Invalid, NotFound
from ..settings import Settings
from .config import CONFIG_FOLDER, read_config
from .files import NoteFile, iterate_notes
from .index import VaultIndex, build_index
from .property_rules import read_types
from .rules import RULES, SEVERITIES, NoteFinding, check_note
from .tokens import tokenize


@dataclass(frozen=True, slots=True)
class NoteCheck:
    """`round_trip`: the note's tokens joined up are the note."""

    path: str
    round_trip: bool
    findings: tuple[NoteFinding, ...] = ()


@dataclass(frozen=True, slots=True)
class VaultCheck:
    """Every note that was looked at; `unread` are those that could not be opened, with the reason."""

    vault: str
    notes: tuple[NoteCheck, ...]
    unread: tuple[str, ...] = ()

    @property
    def by_rule(self) -> dict[str, int]:
        """Findings by rule, in the order of `RULES`."""
        counts = Counter(finding.rule for note in self.notes for finding in note.findings)
        return {rule: counts[rule] for rule in RULES if counts[rule]}

    @property
    def by_severity(self) -> dict[str, int]:
        counts = Counter(finding.severity for note in self.notes for finding in note.findings)
        return {severity: counts[severity] for severity in SEVERITIES}

    @property
    def failed(self) -> bool:
        """Is there an error, a note that does not come out as it is, or one that could not be read?"""
        return bool(self.by_severity["error"] or self.unread or not all(note.round_trip for note in self.notes))


def check_vault(
    settings: Settings, path: Path | None = None, *, rules: Collection[str] = (), progress: Callable[[int, int], None] | None = None
) -> VaultCheck:
    """Look through the note or folder at `path`, here or in the settings' vault (default: all of that). Reads only.

    Links are judged in the vault that the path lies in: the nearest folder above with `.obsidian`, else the settings' vault, else the
    folder itself. Readwise exports are left out unless the path lies among them. `rules` limits the findings to those rules.
    Raises NotFound where there is nothing at `path`, Invalid for a rule that there is not.
    """
    if unknown := [rule for rule in rules if rule not in RULES]:
        raise Invalid(f"There is no rule {unknown[0]!r}.", f"The rules: {', '.join(RULES)}.")
    place = (path or settings.need_vault()).absolute()
    if path and settings.vault and not place.exists():
        place = settings.vault.absolute() / path
    if not place.exists():
        raise NotFound(f"There is nothing at {path}.", "Name a note, a folder, or leave the path out for the whole vault.")
    vault = _vault_of(place, settings)
    index, types = build_index(vault), read_types(vault)
    files = _files(vault, place, settings)
    notes, unread = [], []
    for number, file in enumerate(files, 1):
        try:
            data = file.file.read_bytes()
        except OSError as error:
            unread.append(f"{file.path} could not be opened ({error.strerror})")
            continue
        notes.append(_check(file.path, data, index, types, rules))
        if progress:
            progress(number, len(files))
    return VaultCheck(str(vault), tuple(notes), tuple(unread))


def _check(path: str, data: bytes, index: VaultIndex, types: dict[str, str], rules: Collection[str]) -> NoteCheck:
    exact = b"".join(data[token.start : token.end] for token in tokenize(data)) == data
    found = check_note(path, data, index=index, types=types)
    return NoteCheck(path, exact, tuple(item for item in found if not rules or item.rule in rules))


def _vault_of(place: Path, settings: Settings) -> Path:
    folder = place if place.is_dir() else place.parent
    above = next((one for one in (folder, *folder.parents) if (one / CONFIG_FOLDER).is_dir()), None)
    if above:
        return above
    known = settings.vault
    return known.absolute() if known and folder.is_relative_to(known.absolute()) else folder


def _files(vault: Path, place: Path, settings: Settings) -> list[NoteFile]:
    config = read_config(replace(settings, vault=vault))
    inside = place.relative_to(vault).as_posix()
    others = (config.readwise_folders, config.templates)  # looked through where the person names a place in them
    exports, templates = (tuple(one for one in folders if not f"{inside}/".startswith(f"{one}/")) for folders in others)
    if not place.is_dir():
        status = place.stat()
        return [NoteFile(path=inside, place=str(place), size=status.st_size, mtime_ns=status.st_mtime_ns)]
    files = iterate_notes(vault, replace(config, readwise_folders=exports, templates=templates), exclude=settings.exclude)
    return [file for file in files if inside == "." or file.path.startswith(f"{inside}/")]
