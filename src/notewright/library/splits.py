"""Which sources teach and which only measure: decided once per source, by a hash of its id, and remembered for ever.

A split by source keeps the passages of one book together, so that a held-out score is about books the model never read. New sources
never move old ones. Below five known sources everything teaches; from five on at least one source measures, and more of them, up to a
quarter, until they hold eight examples: fewer tell too little.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ..errors import Invalid

if TYPE_CHECKING:
    from . import Library

SPLITS = ("train", "valid", "test")
SHARES = (0.8, 0.1, 0.1)
MIN_FOR_TEST = 5
MIN_FOR_VALID = 8
TEST_EXAMPLES = 8
_STATE = "splits"
_SALT = "notewright-split-1"


def fraction(source_id: str) -> float:
    """The source's fixed place in [0, 1): the same in every library."""
    digest = hashlib.blake2b(f"{_SALT}|{source_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def known(library: Library) -> dict[str, str]:
    """Split by source id, for every source that was ever assigned."""
    text = library.db.get_state(_STATE)
    return dict(json.loads(text)) if text else {}


def choose(
    source_ids: Iterable[str], already: Mapping[str, str], shares: tuple[float, float, float] = SHARES, *, fill: bool = True
) -> dict[str, str]:
    """Pure part of `assign`: the given sources' splits, old assignments untouched."""
    examples = Counter(source_ids)
    new = sorted((source_id for source_id in examples if source_id not in already), key=lambda item: (fraction(item), item))
    total = len(already) + len(new)
    result = dict(already)
    for source_id in new:
        place = fraction(source_id) * sum(shares)
        split = "train" if place < shares[0] else "valid" if place < shares[0] + shares[1] else "test"
        result[source_id] = split if total >= MIN_FOR_TEST else "train"
    # The highest fractions are nearest to the held-out end: they fill a split that would stay empty or too small.
    spare = [source_id for source_id in new if result[source_id] == "train" and fill]
    while total >= MIN_FOR_TEST and shares[2] > 0 and spare:
        held = [source_id for source_id, split in result.items() if split == "test"]
        if held and (sum(examples[source_id] for source_id in held) >= TEST_EXAMPLES or len(held) + 1 > total / 4):
            break
        result[spare.pop()] = "test"
    if total >= MIN_FOR_VALID and shares[1] > 0 and spare and "valid" not in result.values():
        result[spare.pop()] = "valid"
    if new and "train" not in result.values():
        result[new[0]] = "train"
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
        chosen = choose(source_ids, already, shares, fill=fill)
        if chosen != already:
            library.db.set_state(_STATE, json.dumps(chosen, sort_keys=True))
    return chosen
