"""Generated worlds: their truth is where they say, and pairing finds most of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import paired_world
import pytest

from notewright.library import Library
from notewright.pairing import pair

BOOKS = paired_world._bundled()


def world(seed: int = 7, **values: object) -> paired_world.World:
    return paired_world.make(seed=seed, sources=12, notes=40, texts=BOOKS, per_source=12, **values)  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_world() -> None:
    assert world() == world()
    assert world() != world(8)


def test_claims_stand_where_they_say_and_cover_all_ways() -> None:
    made = world()
    known = {item.outside_ids[0]: item for source in made.sources for item in source.highlights}
    ways = Counter(claim.way for claim in made.claims)
    assert set(ways) == {*paired_world.WAYS, "own"}
    for claim in made.claims:
        text = made.notes[claim.note_path][claim.start : claim.end]
        assert bool(claim.highlights) == (claim.way != "own")
        if claim.way == "verbatim":
            assert text == known[claim.highlights[0]].text
        if claim.way == "annotation":
            assert text == known[claim.highlights[0]].annotation


def test_the_halves_share_no_book() -> None:
    fitting, testing = (paired_world.texts(half, folder=Path("nowhere")) for half in ("fit", "test"))
    assert fitting
    assert testing
    assert not {sentence for book in fitting for sentence in book if len(sentence) > 80} & {
        sentence for book in testing for sentence in book if len(sentence) > 80
    }


def test_when_texts_run_out_sentences_are_recombined() -> None:
    made = paired_world.make(seed=1, sources=400, notes=1, texts=BOOKS, per_source=12)
    texts = [item.text for source in made.sources for item in source.highlights]
    assert len(made.sources) == 400
    assert len(set(texts)) > 0.9 * len(texts)


@pytest.mark.parametrize("seed", [7, 8])
def test_quotations_are_found_and_own_notes_are_left_alone(library: Library, seed: int) -> None:
    made = world(seed)
    paired_world.fill(library, made)
    pair(library)
    found: dict[str, set[str]] = defaultdict(set)
    for item in library.pairs.all():
        found[item.note_path] |= {link.highlight_id for link in item.links}
    quoted = [claim for claim in made.claims if claim.way == "verbatim"]
    assert sum(claim.highlights[0] in found[claim.note_path] for claim in quoted) >= 0.9 * len(quoted)
    own = [path for path in made.notes if path.startswith("Own/")]
    assert sum(path not in found for path in own) >= 0.9 * len(own)
