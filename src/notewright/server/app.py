"""The application: routes, errors, the gate, the studio's files. No state outside `app.state.context`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

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

STUDIO = Path(__file__).parent / "studio"
UNBUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>notewright</title>
<h1>notewright is running</h1>
<p>The studio is not built in this installation. In notewright's repository: <code>make studio</code>, then reload this page (where it
came by <code>pip install .</code>, that once more).</p>
<p>The API is there: <a href="/openapi.json">/openapi.json</a>.</p></html>
"""


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

    app = FastAPI(title="notewright", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.context = context
    add_handlers(app)
    # As they are: of an included router FastAPI makes each route once more, for every app and while its first requests wait.
    app.router.routes.extend(route for router in ROUTERS for route in router.routes)
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
