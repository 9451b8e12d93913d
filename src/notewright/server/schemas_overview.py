"""What goes over the wire about where the library stands and what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from .schemas import Out

if TYPE_CHECKING:
    from ..library.atwork import AtWork


class ImprovingOut(Out):
    id: str = Field(description="Its folder's name; empty while it begins")
    text: str = Field(description="The step, in words")
    seconds: float | None = Field(description="How long it has been at work, before it was stopped too; null while it begins")
    before: float | None = Field(description="How long the one before of the same effort took; null where there is none")

    @classmethod
    def told(cls, now: AtWork | None) -> ImprovingOut | None:
        return cls(id=now.id, text=str(now), seconds=now.seconds, before=now.before) if now else None


class UnfinishedOut(Out):
    id: str
    effort: str = Field(description="The one that it was begun with; it goes on with that")


class UnreadOut(Out):
    new: int
    changed: int
    gone: int


class StatusOut(Out):
    version: str
    home: str
    vault: str | None
    counts: dict[str, int]
    current_model: str
    unfinished_runs: list[str]
    improving: ImprovingOut | None = Field(description="The improve that is at work, whoever began it; null where none is")
    improve_lacks: str = Field(description="What an improve would fail for the lack of; empty where it can begin")
    improve_unfinished: UnfinishedOut | None = Field(
        description="The improve that the next one goes on with, as it was stopped or broken off; null where none was, or one is at work"
    )
    unread: UnreadOut | None = Field(
        description="Notes on the disk that differ from what was read of them; null where the vault never was, or is away"
    )
    next: str = Field(description="The one command that brings the person furthest now")
    waiting: int = Field(description="Requests that wait for the model or are being answered")
    editors: list[str] = Field(description="Names of the vaults that are open in an Obsidian with the plugin now")


class CheckupOut(Out):
    findings: dict[str, str]
    problems: list[str]
    absent: dict[str, str]
