"""Handlers: parse, call a verb, return a schema. One file for each part of the API; `ROUTERS` is all of them."""

from . import access, drafts, events, feedback, imports, models, openai, overview, pairs, sources, taste, training, vault

ROUTERS = tuple(
    part.router for part in (access, overview, sources, drafts, feedback, taste, vault, pairs, models, training, imports, events, openai)
)

__all__ = ["ROUTERS"]
