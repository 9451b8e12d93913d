"""Which undecided pairs are most worth a look, and what the person may say about one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from ..errors import Invalid, NotFound
from ..library import Library
from ..records import Event, Pair, PairLink

_CERTAIN = 0.02  # even a sure pair is worth some of a look
_READABLE = (60, 3000)  # characters: a passage shorter or longer than this teaches little


def queue(library: Library) -> list[Pair]:
    """Undecided pairs, the most useful first: how unsure the score is (its entropy), times what the pair would teach.

    A pair teaches more the more highlights it has (up to a point), the more readable its length, and the fewer pairs of its source are
    decided already.
    """
    pairs = library.pairs.all()
    decided = Counter(item.source_id for item in pairs if item.status != "proposed")
    open_pairs = [item for item in pairs if item.status == "proposed"]
    return sorted(open_pairs, key=lambda item: (-_use(item, decided[item.source_id]), item.id))


def _use(pair: Pair, decided: int) -> float:
    chance = min(1 - 1e-6, max(1e-6, pair.score))
    unsure = -(chance * math.log2(chance) + (1 - chance) * math.log2(1 - chance))
    size = len(pair.passage_text)
    teaches = math.log2(1 + min(len(pair.links), 6)) * (1.0 if _READABLE[0] <= size <= _READABLE[1] else 0.4)
    return (unsure + _CERTAIN) * teaches / math.sqrt(1 + decided)


def split(library: Library, pair_id: str, highlight_ids: Iterable[str]) -> Pair:
    """Accept a pair with only some of its highlights. Raises Invalid for none, and for ids that it does not have."""
    pair = library.pairs.get(pair_id)
    wanted = set(highlight_ids)
    unknown = sorted(wanted - {link.highlight_id for link in pair.links})
    if unknown or not wanted:
        what = f"does not have {', '.join(unknown)}" if unknown else "cannot be kept without highlights"
        raise Invalid(f"{pair_id} {what}.", "Name highlights of it that are to be kept; or reject the pair.")
    return library.pairs.decide(pair_id, "accepted", links=[link for link in pair.links if link.highlight_id in wanted])


def merge(library: Library, pair_id: str, other_id: str) -> Pair:
    """Accept a pair with the highlights of another one of the same source added; the other is rejected. Raises Invalid otherwise."""
    pair, other = library.pairs.get(pair_id), library.pairs.get(other_id)
    if pair.id == other.id or pair.source_id != other.source_id:
        raise Invalid(f"{pair_id} and {other_id} are not two pairs of one source.", "Merge pairs of the same source only.")
    known = {link.highlight_id for link in pair.links}
    added = [link for link in other.links if link.highlight_id not in known]
    with library.db.write():
        library.pairs.decide(other_id, "rejected", merged=True)
        return library.pairs.decide(pair_id, "accepted", links=[*pair.links, *added], beside=[library.events.last()])


def recorded(library: Library, decide: Callable[[], Pair]) -> tuple[Pair, list[Event]]:
    """Carry out a decision, split, merge or reopening. Returns its pair and the events that `restore` takes back, if any."""
    with library.db.write():
        before = library.events.last()
        return decide(), library.events.all("pair", after=before)


def restore(library: Library, event_ids: Sequence[int]) -> None:
    """Take decisions back, given the ids of the events that one of them stored: an undo, as `feedback.undo` makes it, also where others
    came since. What was taken back already stays so. Raises NotFound for ids of no decision.

    Status and highlights are as the decisions that still stand say; without any, those of the proposal.
    """
    with library.db.write():
        known = {event.id for event in library.events.all("pair")}
        if unknown := [str(number) for number in event_ids if number not in known]:
            raise NotFound(f"No decision on a pair has the number {unknown[0]}.", "Give the events that deciding answered with.")
        undone = library.events.undone()
        if not (ids := [number for number in event_ids if number not in undone]):
            return
        done = library.events.append("undo", str(ids[-1]), {"events": ids, "kind": "pair"})
        library.pairs.settle(after=done.id - 1)


def reopen(library: Library, pair_id: str) -> Pair:
    """Take back what was decided about a pair: it is proposed again, with the highlights that it had as a proposal.

    Of two merged pairs, each is reopened by itself.
    """
    links = library.pairs.get(pair_id).links
    for event in reversed(library.pairs.history(pair_id)):
        before = event.payload.get("links_before")
        links = tuple(PairLink(*row) for row in before) if isinstance(before, list) else links
        if event.payload.get("before") == "proposed":
            break
    return library.pairs.decide(pair_id, "proposed", links=links)
