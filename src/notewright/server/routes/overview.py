"""Where the library stands, and what is wrong."""

from __future__ import annotations

from fastapi import APIRouter

from ... import __version__, overview
from ..context import Current, Here, Opened
from ..schemas import CheckupOut, StatusOut

router = APIRouter(prefix="/api", tags=["overview"])


@router.get("/status", operation_id="status")
def status(library: Opened, settings: Current, here: Here) -> StatusOut:
    """The library in numbers, and the next thing to do."""
    now = overview.status(library, settings=settings)
    return StatusOut(
        version=__version__, home=str(settings.home), vault=str(settings.vault) if settings.vault else None, counts=now.counts,
        current_model=now.current_model, unfinished_runs=list(now.unfinished_runs), next=now.next, waiting=len(here.queue),
        editors=library.editors.connected(),
    )  # fmt: skip


@router.get("/doctor", operation_id="doctor")
def doctor(settings: Current) -> CheckupOut:
    """Python, packages, machine, vault, token, base model."""
    return CheckupOut.of(overview.checkup(settings))
