"""What counts now of all that the person said of one batch, so that a face can show it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .undo import NOTICED, note_of

if TYPE_CHECKING:
    from ..library import Library


@dataclass(frozen=True, slots=True)
class Judged:
    """`order` and `rejected` are as `rank` takes them. `accepted` has, for each accepted draft, the note it stands in now (empty where it
    was accepted without writing one), `edits` the person's own version of each draft that was edited, as it was before any note had it."""

    batch_id: str
    order: tuple[tuple[str, ...], ...]
    rejected: tuple[str, ...]
    accepted: Mapping[str, str]
    edits: Mapping[str, str]


def judged(library: Library, batch_id: str) -> Judged:
    """The last ranking or rejection of all that was not taken back, with the single rejections since, and what was accepted and edited.

    Raises NotFound for an unknown batch.
    """
    drafts = {draft.id: draft for draft in library.drafts.batch(batch_id)}
    undone = library.events.undone()
    kinds = ("ranking", "decision", "edit", "insertion")
    found = [event for subject in (batch_id, *drafts) for event in library.events.all(*kinds, subject=subject) if event.id not in undone]
    order: list[list[str]] = []
    rejected: list[str] = []
    accepted: dict[str, str] = {}
    edits: dict[str, str] = {}
    for event in sorted(found, key=lambda event: (event.at, event.id)):
        told: Any = event.payload
        if event.kind == "ranking":
            order, rejected = told["order"][:1] if told.get("best_only") else told["order"], list(told["rejected"])
        elif event.kind == "insertion":
            accepted[event.subject] = note_of(library, event)
            rejected = [draft_id for draft_id in rejected if draft_id != event.subject]
        elif event.kind == "edit":
            if told.get("via") not in NOTICED:
                edits[event.subject] = told["final_text"]
        elif told["decision"] == "accept":
            accepted.setdefault(event.subject, "")
            rejected = [draft_id for draft_id in rejected if draft_id != event.subject]
        elif told["decision"] == "reject_all":
            order, rejected = [], list(drafts)
            accepted = {draft_id: note for draft_id, note in accepted.items() if note}
        elif event.subject not in rejected:
            if not accepted.get(event.subject, "a note has it"):
                del accepted[event.subject]
            order = [left for group in order if (left := [draft_id for draft_id in group if draft_id != event.subject])]
            rejected = [*rejected, event.subject]
    return Judged(
        batch_id=batch_id, order=tuple(map(tuple, order)), rejected=tuple(rejected), accepted=accepted,
        edits={draft_id: text for draft_id, text in edits.items() if text != drafts[draft_id].text},
    )  # fmt: skip
