"""More highlights than a model has room for are written about in parts, which make one draft."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from transformers import AutoTokenizer

import small_world
from notewright import drafting
from notewright.drafting.parts import split, way_of
from notewright.library import Library
from notewright.prompts import NUMBERED, build_messages
from notewright.records import Highlight, Prompt, Source
from notewright.seedling import model_dir
from small_world import ScriptedEngine


class Small(ScriptedEngine):
    """Sees `context` tokens; notes each highlight's words as a bullet."""

    def __init__(self, context: int) -> None:
        super().__init__(self.note)
        self.context, self.tokenizer = context, AutoTokenizer.from_pretrained(model_dir())

    @staticmethod
    def note(messages, seed: int) -> str:
        lines = NUMBERED.findall(messages[-1]["content"])
        return "## Depths\n\n" + "\n".join(f"- {'' if seed < 0 else '**So.** '}{line}" for line in lines) + "\n\n#water"


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
    options = {"n": 2, "written": 2, "seed": 5} | options
    return drafting.draft(world.library, settings=world.settings, source="The Lead Line", chapter="Part 0", engine=engine, **options)


def test_a_long_chapter_is_written_in_parts(world: small_world.World) -> None:
    engine, told = Small(1500), []
    drafts = written(world, engine, progress=lambda done, total: told.append((done, total)))
    parts = drafts[0].sampling["parts"]
    assert len(engine.calls) == len(parts) > 1
    assert sum(parts) == 40
    assert drafting.told_parts(drafts).startswith(f"Written in {len(parts)} parts, of {parts[0]} and ")
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


def test_one_part_cut_off_is_a_problem(world: small_world.World) -> None:
    engine = Small(1500)
    engine.finished = False
    (draft,) = written(world, engine, n=1, written=1)
    assert "as the model sees no more" in draft.problems[0]


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
    (draft,) = written(world, engine, n=1, written=1)
    assert len(engine.calls) == 1
    assert "parts" not in draft.sampling
    assert not drafting.told_parts([draft])
    assert draft.sampling["max_new_tokens"] > 512


def prompt_of(count: int, chapters: int = 1) -> Prompt:
    highlights = tuple(Highlight(text, chapter=f"C{at * chapters // count}") for at, text in enumerate(WORDS[:count]))
    return Prompt(Source("T", highlights=highlights), highlights, "", "")


def test_what_goes_first() -> None:
    """All of it at once with the examples, with fewer of them, in parts with them, at once without, in parts without."""
    prompt = prompt_of(30)
    shown = [(prompt_of(8), "- x\n" * 150)] * 2
    ways = [way_of(Small(context), prompt, shown) for context in (6000, 4300, 2600)]
    assert [(way.examples, len(way.parts) > 1) for way in ways] == [(2, False), (1, False), (2, True)]
    huge = [(prompt_of(8), "- x\n" * 3000)]
    assert [(way.examples, len(way.parts) > 1) for way in (way_of(Small(size), prompt, huge) for size in (3400, 1200))] == [
        (0, False), (0, True),
    ]  # fmt: skip
    needed = way_of(Small(2600), prompt, shown, required=True)
    assert (needed.examples, len(needed.parts) > 1) == (2, True)
    assert way_of(Small(40), prompt, shown).messages == build_messages(prompt)  # nothing fits: the engine says so
    assert way_of(ScriptedEngine(lambda *_: ""), prompt, shown).messages == build_messages(prompt, shown)


@pytest.mark.parametrize("number", [1, 2, 3, 7, 30])
def test_parts_are_neighbours_of_about_one_length(number: int) -> None:
    highlights = prompt_of(30).highlights
    parts = split(highlights, number)
    assert [item for part in parts for item in part] == list(highlights)
    assert len(parts) == number
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_parts_end_where_chapters_do() -> None:
    highlights = prompt_of(30).highlights
    highlights = tuple(replace(item, chapter="A" if place < 17 else "B") for place, item in enumerate(highlights))
    assert [len(part) for part in split(highlights, 2)] == [17, 13]
    highlights = tuple(replace(item, chapter="A" if place < 25 else "B") for place, item in enumerate(highlights))
    assert [len(part) for part in split(highlights, 2)] == [15, 15]


def test_one_giant_highlight_leaves_no_way_but_the_error() -> None:
    prompt = prompt_of(10)
    giant = replace(prompt, highlights=(*prompt.highlights, Highlight("word " * 3000)))
    assert len(way_of(Small(1500), giant, []).parts) == 1
