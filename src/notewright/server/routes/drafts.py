"""Drafts: written by the engine thread, told while they grow; and the batches so far."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Query, Request
from fastapi.responses import StreamingResponse

from ... import drafting
from ...errors import Busy, Invalid, NotewrightError, OutOfMemory
from ...models.turns import written_by
from ...provenance import provenance as find_provenance
from ...records import Draft
from ...text import edit_distance, word_diff
from ..context import Context, Here, Opened
from ..hub import sse
from ..problems import make_router, problem_of
from ..queueing import Cancelled, Ticket
from ..schemas import BatchOut, BatchPage, BatchRow, DiffIn, DiffOut, DraftIn, DraftOut, PieceOut, ProvenanceIn, SpanOut
from .sources import Limit, Offset

LOOK_EVERY = 0.25  # seconds between two looks whether anybody still waits
router = make_router("drafts")
EVENTS = (
    "`queued` {position}; `started` {model_id}; `text` {candidate, text, replace}: append `text` to the candidate, or put it in its place; "
    "`done` the batch, in the order to show (each draft's `sampling.written` is its candidate number; more may be written "
    "than are shown); "
    "`error` {status, message, hint, problems, offer}: `offer` has smaller settings to try, or null"
)


@router.post(
    "/drafts",
    operation_id="createDrafts",
    response_model=BatchOut,
    responses={200: {"content": {"text/event-stream": {}}, "description": f"With `stream` false the batch, else events: {EVENTS}"}},
)
async def create_drafts(wish: DraftIn, request: Request, here: Here) -> Any:
    """Write candidates for a source, a chapter, or chosen highlights. Whoever hangs up cancels the work; then nothing is stored."""
    stream = Telling(here, wish)
    await stream.choose_model()
    if wish.stream:
        return StreamingResponse(stream.events(), media_type="text/event-stream", headers={"x-accel-buffering": "no"})
    return batch_out(await until_gone(here, request, stream.submit()))


class Telling:
    """One request for drafts on its way through the engine thread, seen from the event loop."""

    def __init__(self, here: Context, wish: DraftIn) -> None:
        self.here, self.wish = here, wish
        self.loop = asyncio.get_running_loop()
        self.told: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.texts: dict[int, str] = {}
        self.ticket: Ticket | None = None

    async def choose_model(self) -> None:
        """Say no before anything is queued: unknown source, chapter, highlight or model."""
        await asyncio.to_thread(self._check)

    def _check(self) -> None:
        with self.here.open_library() as library:
            drafting.choose_prompt(library, source=self.wish.source, chapter=self.wish.chapter, highlight_ids=self.wish.highlight_ids)
            if self.wish.model_id:
                library.models.get(self.wish.model_id)

    def tell(self, event: str, data: Any) -> None:
        """From any thread."""
        self.loop.call_soon_threadsafe(self.told.put_nowait, (event, data))

    def submit(self) -> Ticket:
        moved = lambda position: self.tell("queued", {"position": position}) if position else None  # noqa: E731
        self.ticket = self.here.queue.submit(self._write, ahead=self.wish.ahead, moved=moved)
        self.ticket.result.add_done_callback(lambda _: self.tell("over", None))
        return self.ticket

    def _write(self, ticket: Ticket) -> list[Draft]:
        """In the engine thread."""
        wish, settings = self.wish, self.here.settings
        with self.here.open_library() as library:
            ticket.check()
            return drafting.draft(
                library, settings=settings, source=wish.source, chapter=wish.chapter, highlight_ids=wish.highlight_ids,
                n=wish.n, written=wish.written,
                model_id=wish.model_id, temperature=wish.temperature, top_p=wish.top_p, max_new_tokens=wish.max_new_tokens, seed=wish.seed,
                instruction=wish.instruction, examples=wish.examples, ahead=wish.ahead, engines=self.here.engines,
                started=lambda versions: self.tell("started", {"model_id": versions}), progress=lambda *_: ticket.check(),
                on_text=self._grow, storing=ticket.require_asker,
            )  # fmt: skip

    def _grow(self, candidate: int, text: str) -> None:
        before = self.texts.get(candidate, "")
        self.texts[candidate] = text
        added = text.startswith(before)
        self.tell("text", {"candidate": candidate, "text": text[len(before) :] if added else text, "replace": not added})

    async def events(self) -> AsyncIterator[bytes]:
        ticket: Ticket | None = None
        try:
            ticket = self.submit()
            while (item := await self._next())[0] != "over":
                yield sse(*item)
            yield sse("done", batch_out(ticket.result.result()).model_dump(mode="json"))
        except Cancelled:
            return
        except NotewrightError as error:
            status, problem = problem_of(error)
            offer = None
            if isinstance(error, OutOfMemory):
                offer = {"n": max(1, (self.wish.n or 4) // 2), "written": max(1, (self.wish.written or 4) // 2)}
                if self.wish.max_new_tokens:
                    offer["max_new_tokens"] = max(64, self.wish.max_new_tokens // 2)
            yield sse("error", {"status": status, **problem.model_dump(), "offer": offer})
        finally:
            if ticket:
                ticket.cancel()

    async def _next(self) -> tuple[str, Any]:
        return await next_told(self.here, self.told)


Told = TypeVar("Told")


async def next_told(here: Context, told: asyncio.Queue[Told]) -> Told:
    """The next of what the engine thread tells. Raises Busy when the server is being stopped, though it tells on and on."""
    while True:
        stop_waiting(here)
        try:
            return await asyncio.wait_for(told.get(), LOOK_EVERY)
        except TimeoutError:
            continue


def stop_waiting(here: Context) -> None:
    """Raises Busy when the server is being stopped: the engine may be in the middle of something long."""
    if here.hub.stopping:
        raise Busy("The server is stopping.", "Start it again and repeat the request.")


async def until_gone(here: Context, request: Request, ticket: Ticket) -> Any:
    """What the engine thread's work returns; it is cancelled when the client hangs up or the server stops meanwhile."""
    future = asyncio.wrap_future(ticket.result)
    try:
        while not (await asyncio.wait([future], timeout=LOOK_EVERY))[0]:
            stop_waiting(here)
            if await request.is_disconnected():
                ticket.cancel()
        return await future
    except Cancelled:
        raise Invalid("The request was cancelled.", "Ask again.") from None
    finally:
        ticket.cancel()


@router.get("/batches", operation_id="listBatches")
def list_batches(
    library: Opened,
    source_id: Annotated[str, Query(max_length=1000)] = "",
    chapter: Annotated[str | None, Query(max_length=2000)] = None,
    unseen: Annotated[bool, Query(description="Also those prepared `ahead` that nobody has looked at yet")] = False,
    limit: Limit = 50,
    offset: Offset = 0,
) -> BatchPage:
    """Batches of drafts, newest first, with what the person did with them."""
    rows, total = library.browse.batches(source_id=source_id, chapter=chapter, unseen=unseen, limit=limit, offset=offset)
    return BatchPage(total=total, batches=[BatchRow.of(row) for row in rows])


@router.get("/batches/{batch_id}", operation_id="getBatch")
def get_batch(library: Opened, batch_id: str, order: Literal["written", "now"] = "written") -> BatchOut:
    """Drafts that were shown side by side; `now` orders them by what has been learnt since they were written."""
    drafts = library.drafts.batch(batch_id)
    return batch_out(drafting.in_order(library, drafts) if order == "now" else drafts)


@router.post("/batches/{batch_id}/seen", operation_id="seeBatch", status_code=204)
def see_batch(library: Opened, batch_id: str) -> None:
    """A batch that was prepared `ahead` is looked at: from now on it is listed. Whatever is said of it does that too."""
    library.drafts.seen(batch_id)


@router.get("/drafts/{draft_id}", operation_id="getDraft")
def get_draft(library: Opened, draft_id: str) -> DraftOut:
    return DraftOut.of(library.drafts.get(draft_id))


@router.post("/diff", operation_id="diff")
def diff(texts: DiffIn) -> DiffOut:
    """Word by word: equal, taken away, added; and the edit distance (0 the same, 1 nothing in common)."""
    pieces = [PieceOut.model_validate({"op": op, "text": text}) for op, text in word_diff(texts.before, texts.after)]
    return DiffOut(pieces=pieces, distance=edit_distance(texts.before, texts.after))


@router.post("/provenance", operation_id="provenance")
def provenance(library: Opened, wish: ProvenanceIn) -> list[SpanOut]:
    """Which sentence or bullet of a text rests on which of these highlights."""
    highlights = [library.sources.highlight(highlight_id) for highlight_id in dict.fromkeys(wish.highlight_ids)]
    return [SpanOut.of(span) for span in find_provenance(wish.text, highlights)]


def batch_out(drafts: list[Draft]) -> BatchOut:
    first = drafts[0]
    return BatchOut(
        id=first.batch_id, source_id=first.source_id, chapter=first.chapter, model_id=written_by(item.model_id for item in drafts),
        drafts=[DraftOut.of(item) for item in drafts], fewer=drafting.why_fewer(drafts),
        parts=drafting.told_parts(drafts),
    )  # fmt: skip
