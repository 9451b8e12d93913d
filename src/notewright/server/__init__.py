"""One local server: the studio, the API for the plugin and scripts, an OpenAI-compatible endpoint. Only this package and `cli/serve.py`
know of HTTP.

    app        create_app(settings): routes, errors, the studio's files
    gate       who may ask: token and cookie, Host and Origin, size limits, security headers
    context    what one running server holds: settings, engine thread, jobs, event hub
    queueing   the one thread that owns the engine, and the order of those who wait for it
    jobs       imports, pairing, training: one after the other, with progress
    hub        events to every open page; what other processes change in the library
    schemas    what goes over the wire
    routes/    parse, call a verb, return a schema

docs/api.md lists the routes; docs/serving.md says how to run it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .app import create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> object:
    """Importing this package loads no FastAPI: that costs a third of a second."""
    if name == "create_app":
        from .app import create_app

        return create_app
    raise AttributeError(name)
