"""Names for lists of choices and for texts, so that judgements of different rewards on the same choice can be laid side by side."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any


def list_key(row: Mapping[str, Any]) -> str:
    """The list that a preference row came from: its event, or for demonstrations its prompt."""
    if row.get("event_id"):
        return f"event-{row['event_id']}"
    return "prompt-" + text_key(row["prompt"][-1]["content"])


def text_key(text: str) -> str:
    """A short name of a text."""
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=8).hexdigest()
