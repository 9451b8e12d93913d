"""Are two highlights, tags or titles the same, in other words? What `merging` asks of a known row and of what comes in."""

from __future__ import annotations

from difflib import SequenceMatcher

from ..records import Highlight, Source
from ..text import normalise
from .database import to_json

HIGHLIGHT_FIELDS = (
    "text", "annotation", "tags", "location", "location_type", "chapter", "heading_level", "color", "url", "highlighted_at", "updated_at",
    "is_favorite", "is_discard",
)  # fmt: skip
Row = dict[str, object]


def differences(incoming: Highlight, row: Row) -> int:
    """In how many fields they differ at all; of rows without a conflict the one that is exactly this highlight comes first.

    Chapters do not count: they follow from the marks.
    """
    return sum(column(incoming, name) != row[name] for name in HIGHLIGHT_FIELDS if name != "chapter")


def conflicts(incoming: Highlight, row: Row) -> int:
    """How many fields speak against these being one, of highlights with the same words."""
    return (
        (incoming.location is not None and incoming.location != row["location"])
        + bool(incoming.highlighted_at and incoming.highlighted_at != row["highlighted_at"])
        + (incoming.annotation != row["annotation"])
        + (incoming.heading_level != row["heading_level"])
        + (incoming.text != row["text"])
    )


def likeness(incoming: Highlight, row: Row) -> float:
    """How surely an unmatched row is an earlier form of this highlight; 0 means no. Only within one place."""
    if incoming.location != row["location"]:
        return 0
    left, right = normalise(incoming.text), normalise(str(row["text"]))
    if incoming.location is not None and min(len(left), len(right)) >= 12 and (left in right or right in left):
        return 1
    from rapidfuzz.distance import Indel

    floor = 0.8 if incoming.location is None else 0.6
    # But for its rounding never less than the ratio below, which takes a thousand times as long.
    if Indel.normalized_similarity(left, right) < floor - 1e-6:
        return 0
    score = SequenceMatcher(a=left, b=right, autojunk=False).ratio()
    return score if score >= floor else 0


def same_form(name: str, left: object, right: object, color: str = "") -> bool:
    """Do two exporters say the same in other words?"""
    if name == "tags":
        return _tag_set(str(left), color) == _tag_set(str(right), color)
    return normalise(str(left)) == normalise(str(right))


def _tag_set(tags: str, color: str) -> set[str]:
    found = {tag.strip().casefold().replace("-", " ").replace("_", " ") for tag in tags.strip("[]").replace('"', "").split(",")}
    return found - {color, ""}


def same_head(left: str, right: str) -> bool:
    """Is one title the other with a subtitle, a series or a prefix added?"""
    shorter, longer = sorted((left, right), key=len)
    return len(shorter) >= 4 and (longer.startswith(shorter) or longer.endswith(shorter))


def column(record: Source | Highlight, name: str) -> object:
    value = getattr(record, name)
    if isinstance(value, tuple):
        return to_json(list(value)) if value else "[]"
    return int(value) if isinstance(value, bool) else value
