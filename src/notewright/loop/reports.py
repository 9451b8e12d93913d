"""The reports of every `improve` that came to its end: which there are, and the page of one; and which one the next goes on with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NotFound
from ..library import atwork

if TYPE_CHECKING:
    from ..library import Library

REPORT = "report.html"


@dataclass(frozen=True, slots=True)
class Reported:
    """One `improve`: its folder's name, when it ended, and what it came to, in a sentence."""

    id: str
    finished_at: str
    verdict: str


def reports(library: Library) -> list[Reported]:
    """Of those whose page is there, the newest first."""
    return [
        Reported(folder.name, str(state["finished_at"]), str(state.get("verdict", "")))
        for folder in _folders(library)
        if "finished_at" in (state := atwork.read_state(folder)) and (folder / REPORT).is_file()
    ]


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An `improve` that was stopped or broken off in or after its first training; the next one goes on with it, with its effort."""

    id: str
    effort: str


def unfinished(library: Library) -> Unfinished | None:
    """The one that the next one goes on with, or that is at work."""
    state = atwork.unfinished(library.home)
    return Unfinished(_folders(library)[0].name, str(state.get("effort", ""))) if atwork.trains(state) else None


def read_page(library: Library, improve_id: str) -> str:
    """The page of one. Only what is found in the folder of all is read, whatever the name says. Raises NotFound where there is none."""
    for folder in _folders(library):
        if folder.name == improve_id and (folder / REPORT).is_file():
            return (folder / REPORT).read_text(encoding="utf-8")
    raise NotFound(f"There is no report of {improve_id!r}.", "An improve writes it when it has come to its end.")


def _folders(library: Library) -> list[Path]:
    return [folder for _, folder in sorted(atwork.numbered(library.home / "runs").items(), reverse=True)]
