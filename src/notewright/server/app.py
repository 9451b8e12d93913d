"""The application: routes, errors, the gate, the studio's files. No state outside `app.state.context`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.exceptions import HTTPException

from .. import __version__
from ..drafting.engines import Engines
from ..library import Library
from ..settings import Settings
from .context import Context
from .gate import Gate, read_token
from .problems import add_handlers
from .routes import ROUTERS
from .schemas import Problem

STUDIO = Path(__file__).parent / "studio"
UNBUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>notewright</title>
<h1>notewright is running</h1>
<p>The studio is not built in this installation. In notewright's repository: <code>make studio</code>, then reload this page (where it
came by <code>pip install .</code>, that once more).</p>
<p>The API is there: <a href="/openapi.json">/openapi.json</a>.</p></html>
"""
PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {"model": Problem, "description": words}
    for code, words in {
        400: "Not readable at all",
        401: "No token, or a wrong one",
        403: "Another host, or another site's page",
        404: "Not found",
        409: "Something changed meanwhile",
        413: "Too large",
        422: "Bad input; all problems are named",
        423: "Busy with something that excludes this",
        424: "Something outside does not work: disk, network, another server",
    }.items()
}


def create_app(settings: Settings, *, engines: Engines | None = None, hosts: Iterable[str] = (), studio: Path = STUDIO) -> FastAPI:
    """The server for one home, where a library is made if none was. `engines` replaces the models' own; `hosts` are names beside localhost
    and plain addresses. Raises NotFound where a library has lost its file."""
    Library.create(settings.home).close()
    context = Context(given=settings, token=read_token(settings.home), engines=engines or Engines())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        context.hub.start(context.open_library)
        context.improver.start()
        yield
        context.hub.stop()
        context.improver.stop()
        context.jobs.close()
        context.queue.close()

    app = FastAPI(
        title="notewright", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None, responses=PROBLEMS,
        generate_unique_id_function=lambda route: route.name,
    )  # fmt: skip
    app.state.context = context
    add_handlers(app)
    for router in ROUTERS:
        app.include_router(router)
    _serve_studio(app, studio)
    app.add_middleware(Gate, token=context.token, hosts=tuple(hosts))
    return app


def _serve_studio(app: FastAPI, folder: Path) -> None:
    @app.get("/{path:path}", include_in_schema=False)
    def studio(path: str) -> Response:
        """A built file, else the page itself, which finds its way by the address."""
        if path.startswith(("api/", "v1/")):
            raise HTTPException(404)
        root = folder.resolve()
        file = None if "\x00" in path else (root / path).resolve()
        if file and file.is_relative_to(root) and os.path.isfile(file):  # pathlib's own raises for a name that is too long
            kept = "public, max-age=31536000, immutable" if path.startswith("assets/") else "no-cache"
            return FileResponse(file, headers={"cache-control": kept})
        if path.startswith("assets/"):
            raise HTTPException(404)
        page = root / "index.html"
        return FileResponse(page, headers={"cache-control": "no-cache"}) if page.is_file() else HTMLResponse(UNBUILT)
