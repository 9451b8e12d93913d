"""More highlights than a model has room for are written about in parts, which make one draft."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import small_world
from notewright import drafting
from notewright.library import Library
from notewright.models.room import prompt_tokens
from notewright.prompts import NUMBERED
from notewright.records import Highlight, Source
from small_world import ScriptedEngine, Small

WORDS = [
    f"Sounding {number} found the bottom at {number * 7} fathoms, and the lead brought up shells and grey sand." for number in range(60)
]


@pytest.fixture
def world(library: Library, tmp_path: Path) -> small_world.World:
    made = small_world.build(library, tmp_path, things=small_world.THINGS[:4])
    highlights = tuple(
        Highlight(text, location=at, location_type="page", chapter=f"Part {at // 40}", outside_ids=(f"readwise:7{at:03}",))
        for at, text in enumerate(WORDS)
    )  # fmt: skip
    long = Source("The Lead Line", outside_ids=("readwise:b-lead",), tags=("water",), highlights=highlights)
    made.library.sources.upsert([long], origin="api", complete=True)
    small_world.base_model(made.library)
    return made


def written(world: small_world.World, engine: ScriptedEngine, **options) -> list:
    options = {"n": 2, "written": 2, "seed": 5, "chapter": "Part 0"} | options
    return drafting.draft(world.library, settings=world.settings, source="The Lead Line", engine=engine, **options)


def test_a_long_chapter_is_written_in_parts(world: small_world.World) -> None:
    engine, told = Small(1500), []
    drafts = written(world, engine, progress=lambda done, total: told.append((done, total)))
    parts = drafts[0].sampling["parts"]
    assert len(engine.calls) == len(parts) > 1
    assert sum(parts) == 40
    assert drafting.told_parts(drafts).startswith(f"Written in {len(parts)} parts of {min(parts)}")
    for draft in drafts:
        assert draft.text.startswith("## Depths\n\n- ")
        assert draft.text.count("## Depths") == draft.text.count("#water") == 1
        assert [line.removeprefix("**So.** ") for line in re.findall("(?m)^- (.*)", draft.text)] == WORDS[:40]
        assert not draft.problems
        assert len(NUMBERED.findall(draft.messages[-1]["content"])) == 40  # what is learnt from is the whole
    assert {call["seed"] for call in engine.calls} == {5}
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert {total for _, total in told} == {drafts[0].sampling["max_new_tokens"]}
    assert len(drafts[0].messages) > 2, "parts keep the examples"


def test_what_is_told_grows(world: small_world.World) -> None:
    texts: dict[int, list[str]] = {}
    drafts = written(world, Small(1500), on_text=lambda number, text: texts.setdefault(number, []).append(text))
    assert {grown[-1] for grown in texts.values()} == {draft.text.rstrip("\n") for draft in drafts}
    for grown in texts.values():
        assert [text.count("\n- ") for text in grown] == sorted(text.count("\n- ") for text in grown)


class Ending(Small):
    """Some parts of some candidates come to no end, at the end of what the model sees (`full`) or before."""

    def __init__(self, context: int, cut: Callable[[int, int], bool], *, full: bool = False) -> None:
        super().__init__(context)
        self.cut, self.full = cut, full

    def generate(self, messages, **options) -> list:
        part, room = len(self.calls), self.context - prompt_tokens(self, messages)
        items = super().generate(messages, **options)
        return [
            replace(item, text=item.text.replace("#water", "#water water"), finished=False, tokens=room if self.full else 9)
            if self.cut(part, place)
            else item
            for place, item in enumerate(items)
        ]


def test_one_part_cut_off_is_a_problem(world: small_world.World) -> None:
    (draft,) = written(world, Ending(900, lambda *_: True, full=True), n=1, written=1)
    assert "as the model sees no more" in draft.problems[0]
    (draft,) = written(world, Ending(1500, lambda *_: True), n=1, written=1)
    assert draft.problems
    assert "as the model sees no more" not in draft.problems[0]  # it went in a circle


def test_a_part_with_problems_is_that_of_another_candidate(world: small_world.World) -> None:
    engine = Ending(1500, lambda part, place: place == (0, 1, 0)[part % 3])
    (draft,) = written(world, engine, n=1)
    assert len(engine.calls) == len(draft.sampling["parts"]) > 2, (
        "each candidate has a part that came to no end, and none is asked for anew"
    )
    assert not draft.problems
    assert draft.sampling["finished"]
    assert "water water" not in draft.text


def test_where_no_part_is_without_problems_it_stays(world: small_world.World) -> None:
    drafts = written(world, Ending(1500, lambda *_: True))
    assert all(draft.problems for draft in drafts)
    assert {draft.text.startswith("## Depths\n\n- **So.**") for draft in drafts} == {True, False}


def test_stopped_between_parts_nothing_is_stored(world: small_world.World) -> None:
    calls: list[int] = []

    def stop(done: int, _: int) -> None:
        calls.append(done)
        if len(calls) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        written(world, Small(1500), progress=stop)
    assert not world.library.drafts.all()


def test_with_room_it_is_written_at_once(world: small_world.World) -> None:
    engine = Small(1 << 20)
    (draft,) = written(world, engine, n=1, written=1, chapter="Part 1")
    assert len(engine.calls) == 1
    assert "parts" not in draft.sampling
    assert not drafting.told_parts([draft])
    assert draft.sampling["max_new_tokens"] > 512
