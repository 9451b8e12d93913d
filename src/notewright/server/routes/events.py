"""The stream of what happens: progress of jobs and trainings, changes of the library by any face."""

from __future__ import annotations

from fastapi.responses import StreamingResponse

from ... import __version__
from ..context import Here
from ..problems import make_router

router = make_router("events")
EVENTS = (
    "`hello` {version, boot}: first; another `boot` than before says that the server was restarted; "
    "`library` {changed: [sources, highlights, notes, pairs, drafts, events, datasets, runs, models]}: fetch these again; "
    "`job` a job as GET /api/jobs/ID gives it; `run` {job, run, event, step, steps, loss, ...}: a training's own event; "
    "`resync` {}: events were missed, fetch everything again"
)


@router.get(
    "/events",
    operation_id="events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": EVENTS}},
)
async def events(here: Here) -> StreamingResponse:
    """Server-sent events, without end."""
    stream = here.hub.listen({"version": __version__, "boot": here.boot})
    return StreamingResponse(stream, media_type="text/event-stream", headers={"x-accel-buffering": "no"})
