"""Are two highlights, tags or titles the same, in other words? What `merging` asks of a known row and of what comes in."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import islice

from ..records import Highlight, Source
from ..text import normalise
from .database import to_json

HIGHLIGHT_FIELDS = (
    "text", "annotation", "tags", "location", "location_type", "chapter", "heading_level", "color", "url", "highlighted_at", "updated_at",
    "is_favorite", "is_discard",
)  # fmt: skip
Row = dict[str, object]
_COMPARED = 20_000  # pairs of texts that one source is worth
_NEXT = 5  # texts in order that each is compared with, where there are more


def text_key(text: str) -> str:
    """Identity of a highlight's words: a hash of the normal form, equal across exporters' formatting."""
    return hashlib.blake2b(normalise(text).encode(), digest_size=12).hexdigest()


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


def apart(incoming: Highlight, row: Row) -> bool:
    """Were they marked at two places or at two times, as far as both are said?"""
    said = ((incoming.location, row["location"]), (incoming.highlighted_at, row["highlighted_at"]))
    return any(left != right and left not in (None, "") and right not in (None, "") for left, right in said)


def likeness(incoming: Highlight, row: Row) -> float:
    """How surely an unmatched row is an earlier form of this highlight; 0 means no. Only within one place, as far as both say where."""
    placed = incoming.location is not None and row["location"] is not None
    if placed and incoming.location != row["location"]:
        return 0
    left, right = normalise(incoming.text), normalise(str(row["text"]))
    if placed and min(len(left), len(right)) >= 12 and (left in right or right in left):
        return 1
    from rapidfuzz.distance import Indel

    floor = 0.6 if placed else 0.8
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


def match_edited(
    items: Sequence[tuple[Highlight, str]], homes: Sequence[str], free: list[str], rows: Mapping[str, Row],
    settle: Callable[[int, list[str]], None], fits: Callable[[str, Highlight], bool], *, only_grows: bool,
) -> None:  # fmt: skip
    """Edited texts without an id: marked at the same place and time; failing that, nearly the same words at the same place.

    `homes` are filled by `settle`. `only_grows`: the export never loses a record, as a Kindle's file.
    """
    lost = [index for index, home in enumerate(homes) if not home]
    if not free or not lost:
        return
    too_many = len(free) * len(lost) > _COMPARED
    by_time: dict[object, list[str]] = defaultdict(list)
    for key in free:
        by_time[(rows[key]["location"], rows[key]["highlighted_at"])].append(key)
    placed = set(homes)
    for index in lost:
        highlight = items[index][0]
        candidates = by_time.get((highlight.location, highlight.highlighted_at), []) if highlight.highlighted_at else []
        brought = highlight.location is None or len(candidates) > 1  # in one go, as it seems: the time tells nothing apart
        if brought and too_many:  # then they are in the order they were in, if they are the same
            candidates = list(islice((key for key in candidates if key not in placed), _NEXT))
        candidates = [key for key in candidates if fits(key, highlight)]
        if brought:
            alike = [(likeness(highlight, rows[key]), key) for key in candidates]
            candidates = [key for score, key in sorted(alike, reverse=True) if score]
        settle(index, candidates)
        placed.add(homes[index])
    free = [key for key in free if key not in placed and not rows[key]["removed_at"]]
    lost = [index for index in lost if not homes[index]]
    if len(free) * len(lost) > _COMPARED:
        return
    for index in lost:
        highlight = items[index][0]
        scores = [(likeness(highlight, rows[key]), key) for key in free if key not in placed and fits(key, highlight)]
        settle(index, [key for score, key in sorted(scores, reverse=True) if score])
        placed.add(homes[index])
    for index in lost if only_grows else ():
        highlight = items[index][0]
        if not homes[index] and highlight.location is not None:
            settle(index, [key for key in free if key not in placed and _was_part(highlight, rows[key])])
            placed.add(homes[index])


def _was_part(highlight: Highlight, row: Row) -> bool:
    """A Kindle's file never loses a record: a row that is no record any more was an earlier form of one that overlaps it."""
    left, right = normalise(highlight.text), normalise(str(row["text"]))
    near = row["location"] is not None and abs(int(str(row["location"])) - (highlight.location or 0)) <= 20
    return row["origins"] == "kindle" and near and min(len(left), len(right)) >= 12 and (left in right or right in left)
