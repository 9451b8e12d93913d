"""Where the library stands, and what is wrong."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.responses import HTMLResponse, Response

from ... import __version__, loop, overview
from ...loop.account import READING, WRITING
from ..context import Current, Here, Opened
from ..gate import SANDBOX
from ..problems import make_router
from ..schemas_overview import CheckupOut, ImprovingOut, StatusOut, UnfinishedOut, UnreadOut

router = make_router("overview")


@router.get("/status", operation_id="status")
def status(library: Opened, settings: Current, here: Here) -> StatusOut:
    """The library in numbers, and the next thing to do."""
    now, begun = overview.status(library, settings=settings), loop.unfinished(library)
    go_on = UnfinishedOut.of(begun) if begun and not now.improving else None
    return StatusOut(
        version=__version__, home=str(settings.home), vault=str(settings.vault) if settings.vault else None, counts=now.counts,
        unread=UnreadOut.of(now.unread) if now.unread else None, current_model=now.current_model,
        unfinished_runs=list(now.unfinished_runs), improving=ImprovingOut.told(now.improving), next=now.next,
        improve_lacks=loop.lacking(library, counts=now.counts), improve_unfinished=go_on,
        waiting=len(here.queue), editors=library.editors.connected(),
    )  # fmt: skip


Speed = Annotated[float, Query(gt=0, le=10_000, description="Words a minute.")]


@router.get("/report", operation_id="report", response_class=Response, responses={200: {"content": {"text/html": {}}}})
def report(library: Opened, writing: Speed = WRITING, reading: Speed = READING) -> HTMLResponse:
    """What came of it, as a page to read: the person's weeks, minutes saved at these speeds, what was learnt, what versions changed."""
    return HTMLResponse(loop.account_page(loop.account(library, writing=writing, reading=reading)), headers=SANDBOX)


@router.get("/doctor", operation_id="doctor")
def doctor(settings: Current) -> CheckupOut:
    """Python, packages, machine, vault, token, base model."""
    return CheckupOut.of(overview.checkup(settings))
