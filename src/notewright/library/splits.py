"""Which sources teach and which only measure: decided once per source, by a hash of its id, and remembered for ever.

A split by source keeps the passages of one book together, so that a held-out score is about books the model never read. New sources
never move old ones. Below five known sources everything teaches; from five on at least one source measures, and more of them, up to a
quarter, until they hold eight examples: fewer tell too little. A source that holds a good part of all examples teaches.

A split by source alone says nothing about the person as they are now, so some of what they do after a first dataset was built only measures
too: one chapter in six that nothing was known of before, of sources that teach. Such a *later* chapter is fixed for ever as well.

Chapters get other names, and books are merged and taken apart: what taught goes on to teach or does nothing, and what measures measures.
Each highlight that was worked on is known by its id again, so a chapter or source that has them now gets the side they had, and where they
came among others they are *marked* with it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import Invalid
from ..records import Draft, Highlight

if TYPE_CHECKING:
    from . import Library

SPLITS = ("train", "valid", "test")
LATER = "later"
PARTS = (*SPLITS, LATER)  # the files of a dataset; `later` only where there are such chapters
SHARES = (0.8, 0.1, 0.1)
MIN_FOR_TEST = 5
MIN_FOR_VALID = 8
TEST_EXAMPLES = 8
TOO_MUCH = 1 / 4  # of all examples in one source: it teaches, whatever its hash says, unless nothing else could measure
VALID_EXAMPLES = 3  # where a source is chosen to steer trainings
LATER_SHARE = 1 / 6
FEWEST_KNOWN = 24  # chapters that teach before any is kept back: the first ones are needed more
MOST_LATER = 8  # of one build: who pairs a whole vault at once wants it learnt
_STATE = "splits"
_LATER = "splits later"
_PLACES = "splits places"  # the source and chapter that each highlight was in when last anything was built, of those worked on
_SALT = "notewright-split-1"

Unit = tuple[str, str]  # source and chapter


def fraction(source_id: str) -> float:
    """The source's fixed place in [0, 1): the same in every library."""
    digest = hashlib.blake2b(f"{_SALT}|{source_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def known(library: Library) -> dict[str, str]:
    """Split by source id, for every source that was ever assigned."""
    text = library.db.get_state(_STATE)
    return dict(json.loads(text)) if text else {}


def choose(
    source_ids: Iterable[str],
    already: Mapping[str, str],
    shares: tuple[float, float, float] = SHARES,
    *,
    fill: bool = True,
    kinds: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Pure part of `assign`: the given sources' splits, old assignments untouched. `kinds` are the sources' kinds, where known."""
    examples, kinds = Counter(source_ids), kinds or {}
    new = sorted((source_id for source_id in examples if source_id not in already), key=lambda item: (fraction(item), item))
    total, most = len(already) + len(new), TOO_MUCH * examples.total()
    result = dict(already)
    for source_id in new:
        place = fraction(source_id) * sum(shares)
        split = "train" if place < shares[0] else "valid" if place < shares[0] + shares[1] else "test"
        needed = fill and examples[source_id] > most
        result[source_id] = split if total >= MIN_FOR_TEST and not needed else "train"

    def on(split: str) -> list[str]:
        return [source_id for source_id, side in result.items() if side == split]

    def spare(most: float = most) -> list[str]:
        return [source_id for source_id in new if result[source_id] == "train" and examples[source_id] <= most]

    def fill_with(split: str, among: Sequence[str], wanted: int) -> None:
        """The highest fractions are nearest to the held-out end: they fill a split that would stay empty or too small, those of a kind
        first of which too little measures: people write of articles otherwise than of books."""
        whole, held = Counter[str](), Counter[str]()
        for source_id in result:
            whole[kinds.get(source_id, "")] += max(1, examples[source_id])
            held[kinds.get(source_id, "")] += max(1, examples[source_id]) * (result[source_id] != "train")
        lacking = {kind: count / whole.total() - held[kind] / max(1, held.total()) for kind, count in whole.items()}
        # As near as may be to what is lacking: a source with many examples would take more from teaching than measuring needs.
        missing = wanted - sum(examples[source_id] for source_id in on(split))
        off = {source_id: abs(examples[source_id] - missing) for source_id in among}
        fitting = [source_id for source_id in among if off[source_id] <= min(off.values()) + 1]
        result[max(fitting, key=lambda source_id: (lacking[kinds.get(source_id, "")], fraction(source_id)))] = split

    testing = fill and total >= MIN_FOR_TEST and shares[2] > 0
    while testing:
        tests = on("test")
        thin = sum(examples[source_id] for source_id in tests) < TEST_EXAMPLES and len(tests) + 1 <= total / 4
        among = spare() if tests else spare() or spare(math.inf)
        if not among or (tests and not thin):
            break
        fill_with("test", among, min(TEST_EXAMPLES, max(1, examples.total() // 4)))
    if fill and total >= MIN_FOR_VALID and shares[1] > 0 and spare() and not on("valid"):
        fill_with("valid", spare(), VALID_EXAMPLES)
    if new and not on("train"):
        result[new[0]] = "train"
    if testing and not on("test") and new and result[new[-1]] == "valid":
        result[new[-1]] = "test"  # by chance nearly all of them were to steer
    return result


def assign(
    library: Library, source_ids: Iterable[str], *, shares: tuple[float, float, float] = SHARES, fill: bool = True
) -> dict[str, str]:
    """Give every source that has no split yet one, remember it, and return the splits of all known sources.

    A source is to be named once for each of its examples. `shares` (train, valid, test) steer new sources only. Without `fill` only the
    hash decides: right where the given sources are not all there are. Raises Invalid when `shares` are no shares.
    """
    if len(shares) != 3 or min(shares) < 0 or shares[0] <= 0:
        raise Invalid(f"The split {shares} is not three shares.", "Give train, valid and test shares, such as 0.8 0.1 0.1.")
    with library.db.write():
        already = known(library)
        kinds = {source.id: source.kind for source in library.sources.all(include_removed=True)}
        chosen = choose(source_ids, already, shares, fill=fill, kinds=kinds)
        if chosen != already:
            library.db.set_state(_STATE, json.dumps(chosen, sort_keys=True))
    return chosen


@dataclass(frozen=True, slots=True)
class Later:
    """The chapters by source that measure although their source teaches; and of highlights that came from elsewhere, by id, whether they
    measure, where something around them does otherwise."""

    held: Mapping[str, frozenset[str]]
    marked: Mapping[str, bool] = field(default_factory=dict)

    def of(self, source_id: str) -> frozenset[str]:
        """Those of a source."""
        return self.held.get(source_id, frozenset())

    def side(self, side: str, source_id: str, highlights: Iterable[Highlight]) -> str:
        """Where something about these highlights belongs whose source is on `side`: nowhere (empty) if only some of them measure."""
        shown = list(highlights)
        return self._marked(self._side(side, source_id, {item.chapter for item in shown}), [item.id for item in shown])

    def side_of(self, library: Library, side: str, draft: Draft) -> str:
        """The same for a draft."""
        side = self._side(side, draft.source_id, _chapters(library, draft)) if draft.source_id in self.held else side
        return self._marked(side, draft.highlight_ids)

    def _side(self, side: str, source_id: str, chapters: set[str]) -> str:
        measuring = chapters & self.of(source_id)
        if side != "train" or not measuring:
            return side
        return LATER if measuring == chapters else ""

    def _marked(self, side: str, highlight_ids: Sequence[str]) -> str:
        said = [self.marked[item] for item in highlight_ids if item in self.marked]
        if side != "train" or not any(said):
            return "" if side != "train" and False in said else side
        return LATER if all(said) and 2 * len(said) >= len(highlight_ids) else ""


def stamp(library: Library) -> str:
    """Differs when a source or chapter has got a side."""
    kept = later(library)
    return f"{len(known(library))} {sum(map(len, kept.held.values()))} {len(kept.marked)}"


def later(library: Library) -> Later:
    """The chapters that were kept back so far."""
    kept = _kept(library)
    return Later({source_id: frozenset(chapters) for source_id, chapters in kept["held"].items()}, kept.get("marked", {}))


def keep_later(library: Library) -> Later:
    """Before anything is built: decide by a hash about every chapter that the person wrote or judged drafts about since the last build."""
    with library.db.write():
        kept, first = _kept(library), not library.db.get_state(_LATER)
        known, held = kept["known"], kept["held"]
        worked, places = _worked(library)
        before = {item: (unit[0], unit[1]) for item, unit in json.loads(library.db.get_state(_PLACES) or "{}").items()}
        if places != before:
            _follow(library, kept, places, before)
            library.db.set_state(_PLACES, json.dumps(places))
        new = {(source_id, name) for source_id, names in worked.items() for name in names - set(known.get(source_id, ()))}
        enough = not first and sum(map(len, known.values())) >= FEWEST_KNOWN
        drawn = sorted((place, unit) for unit in new if (place := fraction("|".join(unit))) < LATER_SHARE) if enough else []
        for _, unit in drawn[:MOST_LATER]:
            _add(held, unit)
        for unit in new:
            _add(known, unit)
        library.db.set_state(_LATER, json.dumps(kept, sort_keys=True))
    return later(library)


def _follow(library: Library, kept: dict[str, Any], places: Mapping[str, Unit], before: Mapping[str, Unit]) -> None:
    """Let what highlights did before hold where they are now: in a chapter of another name, or in another source."""
    sides, held = known(library), kept["held"]
    marked: dict[str, bool] = kept.get("marked", {})

    def measures(unit: Unit) -> bool:
        return sides.get(unit[0], "train") != "train" or unit[1] in held.get(unit[0], ())

    did = {item: marked.get(item, measures(unit)) for item, unit in before.items() if item in places and unit[0] in sides}
    by_source: dict[str, list[str]] = defaultdict(list)
    by_unit: dict[Unit, list[str]] = defaultdict(list)
    for item, (source_id, name) in places.items():
        by_source[source_id].append(item)
        by_unit[source_id, name].append(item)
    for source_id in by_source.keys() - sides.keys():
        came = Counter(sides[before[item][0]] for item in by_source[source_id] if item in did)
        if 2 * came.total() >= len(by_source[source_id]):
            sides[source_id] = came.most_common(1)[0][0]
    mixed = set()
    for unit, items in by_unit.items():
        said = [did[item] for item in items if item in did]
        if said and unit[1] not in kept["known"].get(unit[0], ()):
            _add(kept["known"], unit)
            if 2 * sum(said) > len(said) and not measures(unit):
                _add(held, unit)
        if any(said) and not all(said):
            mixed.add(unit)
    for item, measured in did.items():
        if measured != measures(places[item]) or places[item] in mixed:
            marked[item] = measured
        else:
            marked.pop(item, None)
    if marked:
        kept["marked"] = marked
    library.db.set_state(_STATE, json.dumps(sides, sort_keys=True))


def _add(chapters: dict[str, list[str]], unit: Unit) -> None:
    source_id, name = unit
    chapters[source_id] = sorted({*chapters.get(source_id, ()), name})


def _kept(library: Library) -> dict[str, Any]:
    text = library.db.get_state(_LATER)
    return json.loads(text) if text else {"known": {}, "held": {}}


def _worked(library: Library) -> tuple[dict[str, set[str]], dict[str, Unit]]:
    """Chapters by source that passages are about, or drafts that somebody saw: on those prepared ahead nobody has worked yet, and
    until then nothing of theirs teaches. And the source and chapter of each highlight of them."""
    found: dict[str, set[str]] = defaultdict(set)
    query = (
        "SELECT pairs.source_id, highlights.chapter, highlights.id FROM pairs JOIN pair_links ON pair_links.pair_id = pairs.id "
        "JOIN highlights ON highlights.id = pair_links.highlight_id WHERE pairs.status != 'rejected'"
    )
    ids: set[str] = set()
    for row in library.db.rows(query):
        found[row["source_id"]].add(row["chapter"])
        ids.add(row["id"])
    asked = {
        (draft.source_id, draft.highlight_ids, draft.chapter): draft for draft in library.drafts.all(unseen=False, include_removed=True)
    }
    for draft in asked.values():
        found[draft.source_id] |= _chapters(library, draft)
        ids.update(draft.highlight_ids)
    return found, {item.id: (item.source_id, item.chapter) for item in library.sources.known_highlights(ids)}


def _chapters(library: Library, draft: Draft) -> set[str]:
    """Of the highlights that the draft was written from; the one it was asked for where they are not in its source (any more)."""
    shown = library.sources.known_highlights(draft.highlight_ids)
    return {item.chapter for item in shown if item.source_id == draft.source_id} or {draft.chapter}
