"""Writes docs/api.md: `python -m notewright.server.reference > docs/api.md`. A test compares it with OpenAPI."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from ..settings import Settings
from .app import create_app

HEAD = """# The API

`notewright serve` answers on `http://127.0.0.1:8765`; `/openapi.json` describes every field. This page lists the routes; it is generated
(`python -m notewright.server.reference > docs/api.md`).

- **Token.** Scripts and the plugin send `Authorization: Bearer TOKEN`; the token is in the link that `notewright serve` prints, and in
  `server-token` in the home folder. The studio's browser gets a cookie from `/login?token=TOKEN`. `/api/health` needs neither.
- **Errors** are `{"message", "hint", "problems"}` with status 400-424; under `/v1` they have OpenAI's form. 5xx is a bug.
- **Events** (`text/event-stream`): `event:` and one line of JSON in `data:`. A stream that breaks is simply opened again.
- **Accepting a draft** takes two steps: `.../accept/preview` shows the exact change of the note and its `before_hash`; `.../accept` with
  that as `expected_hash` writes it, or answers 409 with the change as it would be now (`current`) if the note was changed meanwhile.
- **Judgements** (rankings, decisions, comments, edits) may carry an `Idempotency-Key` of your own making: sent again with it, as the answer
  was lost, one is recorded once. What says something else under the same key is refused (409) and not recorded.
- Obsidian's origins may ask from a page (CORS), with the token; no other site may.
- `/v1` speaks OpenAI's protocol: any client of it works with `base_url` `http://127.0.0.1:8765/v1`, the token as its key, and as `model` a
  registered version, a base, or `current`.
"""


def schema() -> dict[str, Any]:
    """OpenAPI of a server on an empty home."""
    with tempfile.TemporaryDirectory() as folder:
        return create_app(Settings(home=Path(folder))).openapi()


def render() -> str:
    """The page."""
    lines = [HEAD]
    part = ""
    for path, operations in schema()["paths"].items():
        for method, operation in operations.items():
            if operation["tags"][0] != part:
                part = operation["tags"][0]
                lines.append(f"\n## {part}\n")
            words = operation.get("description") or operation["summary"]
            lines.append(f"- `{method.upper()} {path}`: {' '.join(words.split())}")
            streams = [answer for answer in operation["responses"].values() if "text/event-stream" in answer.get("content", {})]
            lines += [f"  {answer['description']}" for answer in streams]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(render(), end="")
