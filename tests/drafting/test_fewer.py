"""Fewer candidates than were asked for: the person is told why."""

from __future__ import annotations

from pathlib import Path

import pytest

import small_world
from notewright import drafting
from notewright.library import Library
from small_world import ScriptedEngine, numbered

GREEDY, OTHER, BROKEN = "- The greedy words.\n", "- Drawn words, and quite some more of them.\n", "- ![[nowhere.png]] and {words}.\n"


@pytest.fixture
def world(library: Library, tmp_path: Path) -> small_world.World:
    made = small_world.build(library, tmp_path)
    small_world.base_model(library)
    return made


def told(world: small_world.World, write, **options) -> str:  # type: ignore[no-untyped-def]
    asked = {"source": "rivers", "chapter": "Beginnings", "seed": 7, "n": 3, "written": 3, "examples": 0, **options}
    drafts = drafting.draft(world.library, settings=world.settings, engine=ScriptedEngine(write), **asked)
    assert drafting.why_fewer(world.library.drafts.batch(drafts[0].batch_id)) == drafting.why_fewer(drafts)
    return drafting.why_fewer(drafts)


def test_as_many_as_were_asked_for_need_no_words(world: small_world.World) -> None:
    assert told(world, numbered) == ""
    assert told(world, numbered, written=6) == "", "others were held back, but three were asked for and three came"


def test_texts_that_are_the_same_count_once(world: small_world.World) -> None:
    assert told(world, lambda _, seed: GREEDY if seed % 2 else OTHER, n=2, written=2) == ""
    assert told(world, lambda *_: GREEDY, n=2, written=2) == "1 of 2: of 3 written, 2 were the same text as another."


def test_those_with_problems_are_counted(world: small_world.World) -> None:
    def write(_: object, seed: int) -> str:
        return GREEDY if seed < 0 else OTHER if seed == 8 else BROKEN.format(words=seed)

    assert told(world, write) == "2 of 3: of 3 written, 1 has problems."
    assert told(world, write, n=4, written=5) == "2 of 4: of 5 written, 3 have problems."


def test_a_batch_from_before_this_was_counted_says_nothing(world: small_world.World) -> None:
    drafts = drafting.draft(
        world.library, settings=world.settings, engine=ScriptedEngine(numbered), source="rivers", chapter="Troubles", n=1, written=1
    )
    assert drafting.why_fewer(drafts) == ""
