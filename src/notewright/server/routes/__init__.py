"""Handlers: parse, call a verb, return a schema. One file for each part of the API; `ROUTERS` is all of them."""

from . import access, drafts, events, feedback, imports, models, openai, overview, pairs, plugin, sources, taste, training, vault

_PARTS = (access, overview, sources, drafts, feedback, taste, vault, pairs, models, training, imports, events, plugin, openai)
ROUTERS = tuple(part.router for part in _PARTS)

__all__ = ["ROUTERS"]
