"""What the Obsidian plugin says of itself, and what it is asked to write."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .schemas import In, Out, Short


class EditorIn(In):
    """An Obsidian with the plugin, and what is open in it."""

    vault: Short = Field(description="The vault's name")
    open: list[Short] = Field(max_length=200, description="Paths of the notes that are open")
    wait: float = Field(default=0, ge=0, le=25, description="Seconds to wait for an order")


class OrderOut(Out):
    """What the plugin is asked to put into an open note: a preview that was decided on."""

    id: int
    draft_id: str
    note_path: str
    under: str
    before_hash: str
    inserted: str
    start: int
    passage: tuple[int, int]
    final_text: str | None
    seconds: float | None


class OrdersOut(Out):
    orders: list[OrderOut]


class OrderIn(In):
    state: Literal["taken", "refused"] = Field(description="Take it before writing; refuse one that was taken where the note has changed")


class OrderStateOut(Out):
    granted: bool = Field(description="Only then may it be written")
