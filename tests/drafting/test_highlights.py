"""Which highlights a draft is about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import small_world
from notewright import reward
from notewright.drafting import choose_prompt, named_highlights
from notewright.errors import Invalid, NotFound
from notewright.library import Library
from notewright.records import Highlight, Source


@pytest.fixture
def world(library: Library, tmp_path: Path) -> small_world.World:
    return small_world.build(library, tmp_path, things=("rivers", "looms"))


def add(library: Library, number: int, *, chapters: bool) -> None:
    highlights = tuple(
        Highlight(
            f"Sentence number {index} of many.", location=index, chapter=f"Part {index // 10}" if chapters else "",
            outside_ids=(f"readwise:l{index}",),
        )
        for index in range(number)
    )  # fmt: skip
    library.sources.upsert([Source("Long", outside_ids=("readwise:b-long",), highlights=highlights)], origin="api", complete=True)


def test_a_chapter(world: small_world.World) -> None:
    prompt = choose_prompt(world.library, source="rivers", chapter="Troubles", instruction="Be brief.")
    assert (prompt.chapter, prompt.source.title, prompt.instruction) == ("Troubles", "A Book of Rivers", "Be brief.")
    assert [item.id for item in prompt.highlights] == [small_world.highlight_id("rivers", 1, number) for number in range(3)]


@pytest.mark.parametrize("spelt", ["troubles", "TROUBLES ", "trouble", "Trubles", "Trobles"])
def test_near_spellings_of_a_chapter(world: small_world.World, spelt: str) -> None:
    assert choose_prompt(world.library, source="rivers", chapter=spelt).chapter == "Troubles"


@pytest.mark.parametrize("wrong", ["Endings", "n", "zzz"])
def test_an_unknown_chapter_lists_those_there_are(world: small_world.World, wrong: str) -> None:
    if wrong == "n":
        assert choose_prompt(world.library, source="rivers", chapter=wrong).chapter == "Beginnings"
        return
    with pytest.raises(NotFound) as caught:
        choose_prompt(world.library, source="rivers", chapter=wrong)
    assert "Beginnings (3); Troubles (3)" in caught.value.hint


def test_of_many_chapters_the_nearest_and_the_first_are_named(library: Library) -> None:
    words = ["rivers", "looms", "bread", "moss", "bells", "moths", "peat", "maps", "salt", "tides", "sleep", "chess", "stones"]
    highlights = tuple(Highlight(f"Fact {place}.", location=place, chapter=f"On {word} and men") for place, word in enumerate(words * 3))
    library.sources.upsert([Source("Essays", highlights=highlights)], origin="csv", complete=True)
    with pytest.raises(NotFound) as caught:
        choose_prompt(library, source="Essays", chapter="Tides, and some women")
    assert caught.value.hint.startswith("Did you mean: On tides and men")
    assert "On chess and men (3); and 1 more, which this lists: notewright sources source:" in caught.value.hint
    assert "stones" not in caught.value.hint
    with pytest.raises(Invalid, match="39 highlights in 13 chapters, too many at once") as caught_whole:
        choose_prompt(library, source="Essays")
    assert "and 1 more" in caught_whole.value.hint


def test_a_highlight_that_the_person_removed_is_told_as_such(library: Library) -> None:
    library.sources.upsert([Source("Essays", highlights=(Highlight("One"),))], origin="csv", complete=False)
    library.sources.upsert([Source("Essays", highlights=(Highlight("Two", outside_ids=("readwise:2",)),))], origin="csv", complete=False)
    last = library.hidden.last_import()
    assert last is not None
    library.hidden.take_back(last)
    with pytest.raises(NotFound, match="readwise:2 is removed by you"):
        named_highlights(library, source="Essays", names=["readwise:2"])


def test_of_chapters_that_hardly_differ_each_is_meant_by_its_own_title(library: Library) -> None:
    titles = ["1. Notes", "2. Notes", "Preface", "PREFACE"]
    highlights = tuple(Highlight(f"Sentence {number}.", location=number, chapter=title) for number, title in enumerate(titles))
    library.sources.upsert([Source("Alike", highlights=highlights)], origin="csv", complete=True)
    assert [choose_prompt(library, source="Alike", chapter=title).chapter for title in titles] == titles
    with pytest.raises(NotFound, match="2 chapters"):
        choose_prompt(library, source="Alike", chapter="preface")


def test_a_chapter_that_could_be_several(library: Library) -> None:
    add(library, 30, chapters=True)
    with pytest.raises(NotFound, match="3 chapters") as caught:
        choose_prompt(library, source="Long", chapter="part")
    assert "Part 0; Part 1; Part 2" in caught.value.hint


def test_a_short_source_is_drafted_whole(world: small_world.World) -> None:
    prompt = choose_prompt(world.library, source="A Book of Looms")
    assert (prompt.chapter, len(prompt.highlights)) == ("", 6)


@pytest.mark.parametrize(("number", "chapters", "fine"), [(25, True, True), (26, True, False), (60, False, True)])
def test_a_long_source_with_chapters_needs_one_named(library: Library, number: int, chapters: bool, fine: bool) -> None:
    add(library, number, chapters=chapters)
    if fine:
        assert len(choose_prompt(library, source="Long").highlights) == number
        return
    with pytest.raises(Invalid) as caught:
        choose_prompt(library, source="Long")
    assert "--chapter: Part 0 (10); Part 1 (10); Part 2 (6)" in caught.value.hint


def test_a_source_of_one_chapter_is_that_chapter(library: Library) -> None:
    add(library, 8, chapters=True)
    assert choose_prompt(library, source="Long").chapter == "Part 0"


def test_what_has_no_chapter_is_asked_for_as_a_chapter_is_and_goes_by_the_rule(library: Library) -> None:
    highlights = tuple(
        Highlight(f"Sentence {number} of its own.", location=number, chapter="One" * (number > 3), is_favorite=bool(number % 2))
        for number in range(8)
    )
    library.sources.upsert([Source("Preface first", id="s", highlights=highlights)], origin="csv", complete=True)
    shown = lambda **asked: [item.location for item in choose_prompt(library, source="s", **asked).highlights]  # noqa: E731
    assert (shown(), shown(chapter=""), shown(chapter="One")) == ([*range(8)], [0, 1, 2, 3], [4, 5, 6, 7])
    reward.add_rule(library, "only favourites")
    assert (shown(), shown(chapter=""), shown(chapter="One")) == ([1, 3, 5, 7], [1, 3], [5, 7])
    named = [item.id for item in library.sources.highlights(library.sources.find("s").id)[:4]]
    assert shown(highlight_ids=named) == [0, 1, 2, 3]
    with pytest.raises(Invalid, match="Both a chapter and highlights"):
        choose_prompt(library, source="s", chapter="", highlight_ids=named)
    with pytest.raises(NotFound) as unknown:
        choose_prompt(library, source="s", chapter="Epilogue")
    assert unknown.value.hint == 'Its chapters: "" for what has none (4); One (4)'


def test_every_highlight_has_a_chapter(world: small_world.World) -> None:
    with pytest.raises(NotFound, match="All highlights of 'A Book of Rivers' have a chapter") as caught:
        choose_prompt(world.library, source="rivers", chapter="")
    assert caught.value.hint == "Its chapters: Beginnings (3); Troubles (3)"


def test_a_chapter_beside_highlights_is_not_left_out_in_silence(world: small_world.World) -> None:
    with pytest.raises(Invalid, match="Both a chapter and highlights") as caught:
        choose_prompt(world.library, source="rivers", chapter="Troubles", highlight_ids=[small_world.highlight_id("rivers", 0, 2)])
    assert caught.value.hint == "Leave one of them out."


def test_a_source_without_chapters_has_none_to_name(library: Library) -> None:
    add(library, 8, chapters=False)
    with pytest.raises(NotFound, match="no chapters"):
        choose_prompt(library, source="Long", chapter="One")


def test_picked_highlights_keep_reading_order(world: small_world.World) -> None:
    picked = [small_world.highlight_id("rivers", 1, 0), small_world.highlight_id("rivers", 0, 2)]
    prompt = choose_prompt(world.library, source="rivers", highlight_ids=picked)
    assert ([item.id for item in prompt.highlights], prompt.chapter) == (picked[::-1], "")
    assert choose_prompt(world.library, source="rivers", highlight_ids=picked[:1]).chapter == "Troubles"
    with pytest.raises(NotFound, match="readwise:103"):
        choose_prompt(world.library, source="rivers", highlight_ids=["readwise:103"])


@pytest.mark.parametrize(
    ("names", "numbers"),
    [(["l3"], [3]), (["readwise:l3", "l1"], [1, 3]), (["l2..l4", "l3"], [2, 3, 4]), (["l0..readwise:l1", "l7"], [0, 1, 7]), ([], [])],
)
def test_highlights_are_named_by_id_number_or_first_and_last(library: Library, names: list[str], numbers: list[int]) -> None:
    add(library, 8, chapters=False)
    assert named_highlights(library, source="Long", names=names) == [f"readwise:l{number}" for number in numbers]


@pytest.mark.parametrize(
    ("names", "numbers"), [(["2", "5..7"], [1, 4, 5, 6]), (["1..3"], [0, 1, 2]), (["8"], [7]), (["700"], [2]), (["700..4"], [2, 3])]
)
def test_highlights_are_named_by_their_place_in_the_list_where_that_is_no_id(
    library: Library, names: list[str], numbers: list[int]
) -> None:
    """As without Readwise's ids, of a CSV, they have none that anybody would type."""
    highlights = tuple(Highlight(f"Words of number {number}.", location=number) for number in range(8))
    highlights = (*highlights[:2], replace(highlights[2], outside_ids=("readwise:700",)), *highlights[3:])
    library.sources.upsert([Source("Long", highlights=(Highlight("None.", is_discard=True), *highlights))], origin="csv", complete=True)
    shown = [item.id for item in library.sources.highlights(library.sources.find("Long").id) if not item.is_discard]
    assert named_highlights(library, source="Long", names=names) == [shown[number] for number in numbers]
    for name in ("0", "9", "-1", "1.0", "٣"):
        with pytest.raises(NotFound, match="shows no highlight"):
            named_highlights(library, source="Long", names=[name])


def test_a_highlight_that_is_not_there_to_choose_is_told_with_the_reason(world: small_world.World) -> None:
    add(world.library, 3, chapters=False)
    with pytest.raises(NotFound) as caught:
        named_highlights(world.library, source="rivers", names=["1", "readwise:l1", "3", "9rivers0", "0..nowhere", "l9..2"])
    assert caught.value.message == (
        "'A Book of Rivers' shows no highlight readwise:l1, 3, 9rivers0, nowhere, l9: "
        "readwise:l1 is one of 'Long'; 3 is discarded; 9rivers0 is a chapter mark."
    )
    assert caught.value.hint == "List them with: notewright sources readwise:b-rivers"
    with pytest.raises(Invalid, match=r"2 comes before 0|0 comes before 2") as order:
        named_highlights(world.library, source="rivers", names=["2..0"])
    assert order.value.hint == "Name the earlier one first: 0..2"


def test_nothing_visible(library: Library) -> None:
    gone = Highlight("Only this.", is_discard=True, outside_ids=("readwise:1",))
    library.sources.upsert([Source("Empty", outside_ids=("readwise:b",), highlights=(gone,))], origin="api", complete=True)
    with pytest.raises(Invalid, match="no highlights to write about"):
        choose_prompt(library, source="Empty")
    with pytest.raises(Invalid, match="no highlights to write about"):
        choose_prompt(library, source="Empty", chapter="")
    with pytest.raises(NotFound):
        choose_prompt(library, source="Nowhere")
