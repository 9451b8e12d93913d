"""Notes of one name in several folders: the links by that name go to one of them, and a second is seldom meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import vault
from ..errors import Invalid
from ..settings import Settings

if TYPE_CHECKING:
    from ..library import Library


def namesakes(library: Library, settings: Settings, note_path: str) -> tuple[str, ...]:
    """Other notes of the vault, as it was last read, of the same name in whatever folder; capitals make no other name."""
    wanted, name = note_path.casefold(), _name(note_path)
    there = [note.path for note in library.notes.all() if _name(note.path) == name and note.path.casefold() != wanted]
    root = settings.vault
    return tuple(path for path in there if root is None or (root / path).is_file() or not root.is_dir())


def refuse_namesake(library: Library, settings: Settings, into: str) -> None:
    """A name alone that is a note's in some folder is not meant for another one beside it.

    Raises Invalid with both ways to say what is meant.
    """
    name = into if into.lower().endswith(".md") else f"{into}.md"
    if "/" in name or vault.look(settings, into).exists:
        return
    if there := namesakes(library, settings, name):
        raise Invalid(
            f"There is no {name} in the vault's top folder, but {' and '.join(there[:3])}.",
            f'For that one: --into "{there[0]}"; for a new note of the same name: --into "./{name}"',
        )


def _name(path: str) -> str:
    return path.rpartition("/")[2].casefold()
