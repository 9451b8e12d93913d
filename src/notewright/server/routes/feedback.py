"""What the person does with drafts: rank, decide, comment, edit, accept, undo."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Header, Query, Request

from ... import feedback, vault
from ...errors import Conflict, Invalid, NotewrightError
from ..context import Current, Opened
from ..problems import answer, make_router, problem_of
from ..schemas import (
    AcceptedOut,
    AcceptIn,
    ActionOut,
    ChangedNote,
    CommentIn,
    DecisionIn,
    EditIn,
    EventOut,
    InsertionIn,
    JudgedOut,
    LaterEditIn,
    PlaceIn,
    PreviewIn,
    PreviewOut,
    RankingIn,
    UndoIn,
    UndoneOut,
)

router = make_router("feedback")
Key = Annotated[str, Header(alias="Idempotency-Key", max_length=200, description="Sent again with the same key, it is recorded once")]


@router.post("/batches/{batch_id}/ranking", operation_id="rank")
def rank(library: Opened, batch_id: str, ranking: RankingIn, key: Key = "") -> EventOut | None:
    """Order a batch: best first, ties in one group, rejected ones below all. A later ranking of the batch replaces this one.

    One that names no draft takes back what was said before of its order and of rejected ones, and is answered with that undo (null where
    nothing was said).
    """
    if not (ranking.order or ranking.rejected or ranking.best_only or ranking.aspects or ranking.comment or ranking.chips):
        taken = feedback.withdraw(library, batch_id)
        return EventOut.of(taken) if taken else None
    event = feedback.rank(
        library, batch_id=batch_id, order=ranking.order, rejected=ranking.rejected, best_only=ranking.best_only,
        aspects=ranking.aspects, comment=ranking.comment, chips=ranking.chips,
        seconds=ranking.seconds, request=key,
    )  # fmt: skip
    return EventOut.of(event)


@router.get("/batches/{batch_id}/judged", operation_id="getJudged")
def get_judged(library: Opened, batch_id: str) -> JudgedOut:
    """What counts now of all that was said of a batch: its order, what was rejected, accepted into which note, and edited."""
    return JudgedOut.of(feedback.judged(library, batch_id))


@router.post("/decisions", operation_id="decide")
def decide(library: Opened, decision: DecisionIn, key: Key = "") -> EventOut:
    """Accept or reject one draft, or reject a whole batch, without writing a note."""
    event = feedback.decide(
        library, decision=decision.decision, draft_id=decision.draft_id, batch_id=decision.batch_id, comment=decision.comment,
        chips=decision.chips, seconds=decision.seconds, request=key,
    )  # fmt: skip
    return EventOut.of(event)


@router.post("/comments", operation_id="comment")
def comment(library: Opened, remark: CommentIn, key: Key = "") -> EventOut:
    """A remark on one draft or on a batch: text, chips, or both."""
    event = feedback.comment(
        library,
        draft_id=remark.draft_id,
        batch_id=remark.batch_id,
        text=remark.text,
        chips=remark.chips,
        seconds=remark.seconds,
        request=key,
    )
    return EventOut.of(event)


@router.get("/chips", operation_id="listChips")
def list_chips() -> list[str]:
    """The quick comments there are."""
    return list(feedback.CHIPS)


@router.post("/drafts/{draft_id}/edits", operation_id="edit")
def edit(library: Opened, draft_id: str, change: EditIn, key: Key = "") -> EventOut:
    """What the person made of a draft; the draft itself never changes."""
    event = feedback.record_edit(
        library, draft_id=draft_id, final_text=change.final_text, note_path=change.note_path, seconds=change.seconds, request=key
    )
    return EventOut.of(event)


@router.post("/drafts/{draft_id}/accept/preview", operation_id="previewAccept")
def preview(library: Opened, settings: Current, draft_id: str, place: PreviewIn) -> PreviewOut:
    """The exact change that accepting would make to the note, and the hash that lets just this change happen."""
    shown = feedback.preview(
        library, settings=settings, draft_id=draft_id, into=place.into, under=place.under or None, final_text=place.final_text,
        template=place.template, seen=vault.Seen(place.seen.text) if place.seen else None,
    )  # fmt: skip
    return PreviewOut.of(shown)


@router.post(
    "/drafts/{draft_id}/accept",
    operation_id="accept",
    response_model=AcceptedOut,
    responses={409: {"model": ChangedNote, "description": "The note changed since the preview; nothing was written"}},
)
def accept(library: Opened, settings: Current, request: Request, draft_id: str, wish: AcceptIn) -> Any:
    """Put a draft into a note, if the note is still as the preview saw it."""
    try:
        done = feedback.accept(
            library, settings=settings, draft_id=draft_id, into=wish.into, under=wish.under or None, final_text=wish.final_text,
            expected_hash=wish.expected_hash, force=wish.force, broken=wish.broken, seconds=wish.seconds,
            template=wish.template,
        )  # fmt: skip
    except Conflict as conflict:
        status, problem = problem_of(conflict)
        try:
            place = {name: getattr(wish, name) for name in PlaceIn.model_fields}
            now = preview(library, settings, draft_id, PreviewIn(**place))
        except NotewrightError:
            now = None
        return answer(request, status, problem, current=now.model_dump(mode="json") if now else None)
    return AcceptedOut.of(done)


@router.post("/drafts/{draft_id}/insertions", operation_id="recordInsertion")
def record_insertion(library: Opened, settings: Current, draft_id: str, made: InsertionIn) -> AcceptedOut:
    """Obsidian itself has put the draft into a note: from now on it can be undone and is followed. Told twice, it counts once."""
    done = feedback.record_insertion(
        library, settings=settings, draft_id=draft_id, note_path=made.note_path, start=made.start, inserted=made.inserted,
        under=made.under or None, created=made.created, final_text=made.final_text, seconds=made.seconds,
        passage=made.passage, seen=made.seen, order=made.order,
    )  # fmt: skip
    return AcceptedOut.of(done)


@router.post("/drafts/{draft_id}/later-edits", operation_id="laterEdit")
def later_edit(library: Opened, draft_id: str, change: LaterEditIn) -> EventOut | None:
    """What an inserted passage has become, as Obsidian saw it; null when that is known already. Refused for a draft that is in no note."""
    if not library.events.standing("insertion", subject=library.drafts.get(draft_id).id):
        raise Invalid(
            f"{draft_id} is in no note, so nothing of it can have been edited there.", "Record where it was put first: insertions."
        )
    event = feedback.log_edit(library, draft_id=draft_id, before=change.before, after=change.after, note_path=change.note_path)
    return EventOut.of(event) if event else None


@router.post("/undo", operation_id="undo")
def undo(library: Opened, settings: Current, wish: UndoIn) -> UndoneOut:
    """Take back the last thing done that still counts, or the last `number`; an accepted draft leaves its note again.

    When one of several cannot be taken back, the answer holds those before it; asked again, the server says why.
    """
    done = []
    if wish.expected is not None and wish.number != 1:
        raise Invalid("One event is expected, and several are to be taken back.", "Leave out expected or number.")
    if wish.expected is not None:
        event = feedback.undo(library, settings=settings, keep_note=wish.keep_note, expected=wish.expected)
        return UndoneOut(**EventOut.of(event).model_dump(), before=[])
    try:
        for event in feedback.undo_last(library, settings=settings, number=wish.number, keep_note=wish.keep_note):
            done.append(EventOut.of(event))  # noqa: PERF401 - what came before a failure counts
    except NotewrightError:
        if not done:
            raise
    return UndoneOut(**done[-1].model_dump(), before=done[:-1])


@router.get("/history", operation_id="history")
def history(library: Opened, limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> list[ActionOut]:
    """All that the person did and can take back: rankings, decisions, comments, edits, insertions, beliefs, rules, pairs; newest first."""
    return [ActionOut.of(action) for action in feedback.history(library, limit=limit)]
