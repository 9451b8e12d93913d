"""Which highlights the person writes about: found in passages, said in words, and held to in drafting and in training."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

import small_world
from notewright import drafting, reward
from notewright.importers.vault import import_vault
from notewright.library import Library
from notewright.library.examples import from_pairs
from notewright.library.selection import learn, selected, selecting
from notewright.pairing import pair
from notewright.records import Highlight, Source
from notewright.reward import rules
from notewright.reward.wishes import interpret

SORTS = {"annotated": {"annotation": "Mark"}, "favourite": {"is_favorite": True}, "tagged": {"tags": ("bend",)}}


def passage(rng: random.Random, uses, count: int = 6) -> tuple[list[Highlight], set[str]]:
    made = []
    for number in range(count):
        item = Highlight(f"Words {rng.random()}", id=f"{rng.random()}-{number}")
        for more in SORTS.values():
            item = replace(item, **more) if rng.random() < 0.3 else item
        made.append(item)
    return made, {item.id for item in made if uses(item, rng)}


@pytest.mark.parametrize(
    ("uses", "marks"),
    [
        (lambda item, _: bool(item.annotation), ("annotated",)),
        (lambda item, _: bool(item.tags), ("tagged",)),
        (lambda item, _: item.is_favorite or bool(item.annotation), ("annotated", "favourite")),
        (lambda item, rng: bool(item.tags) and rng.random() < 0.9, ("tagged",)),
        (lambda item, _: True, ()),
        (lambda item, rng: rng.random() < 0.1, ()),  # few of all: no mark decides
        (lambda item, rng: bool(item.tags) or rng.random() < 0.3, ()),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_a_mark_that_decides_is_found_and_no_other(uses, marks: tuple[str, ...], seed: int) -> None:
    rng = random.Random(seed)
    assert learn([passage(rng, uses) for _ in range(24)]) == marks
    assert learn([passage(rng, uses) for _ in range(3)]) == ()


def test_what_is_selected() -> None:
    plain, own, picture = Highlight("Plain.", id="1"), Highlight("Mine.", id="2", annotation="Yes"), Highlight("![](a.png)", id="3")
    assert selected([plain, own, picture], ["annotated"]) == (own, picture)
    assert selected([plain, own, picture], ["annotated"], used={"1"}) == (plain, own, picture)
    assert selected([plain, picture], ["annotated"]) == (plain, picture)  # the person writes about what there is
    assert selected([plain, own], []) == (plain, own)


@pytest.mark.parametrize(
    ("said", "marks"),
    [
        ("only annotated highlights", ["annotated"]),
        ("only highlights with annotations", ["annotated"]),
        ("keep only what I annotated.", ["annotated"]),
        ("only my favourites", ["favourite"]),
        ("only tagged highlights or favorites", ["tagged", "favourite"]),
        ("only first sentences", None),
        ("only tagged highlights in italics", None),
    ],
)
def test_it_can_be_said(said: str, marks: list[str] | None) -> None:
    assert interpret(said).get("select") == marks


@pytest.fixture
def world(library: Library, tmp_path: Path) -> small_world.World:
    """Eight books; of every second highlight, which is tagged, the person wrote."""
    made, rng = small_world.build(library, tmp_path, things=()), random.Random(1)
    for book in range(8):
        texts = [" ".join("".join(rng.choices("abcdefghilmnoprstu", k=6)) for _ in range(10)).capitalize() + "." for _ in range(8)]
        highlights = tuple(
            Highlight(text, id=f"b{book}-{number}", tags=("kept",) if number % 2 else (), location=number)
            for number, text in enumerate(texts)
        )
        library.sources.upsert([Source(f"Book {book}", id=f"b{book}", highlights=highlights)], origin="csv", complete=True)
        (made.vault / f"Book {book}.md").write_text(
            f"# Book {book}\n\n" + "\n".join(f"- {text}" for text in texts[1::2]) + "\n", encoding="utf-8"
        )
    import_vault(library, settings=made.settings)
    pair(library, settings=made.settings, workers=1)
    return made


def test_what_is_proposed_follows_highlights_and_pairs(world: small_world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    library, looked = world.library, []
    monkeypatch.setattr(rules, "learn", lambda seen: looked.append(1) or learn(seen))
    for _ in range(3):
        assert [rule.text for rule in reward.propose_rules(library)] == ["only tagged highlights"]
    assert len(looked) == 1
    for number in range(8):
        source = library.sources.find(f"Book {number}")
        favourites = tuple(replace(item, tags=(), is_favorite=bool(item.tags)) for item in library.sources.highlights(source.id))
        library.sources.upsert([replace(source, highlights=favourites)], origin="csv", complete=True)
    assert [rule.text for rule in reward.propose_rules(library)] == ["only favourites"]
    for item in library.pairs.all():
        library.pairs.decide(item.id, "rejected")
    assert reward.propose_rules(library) == []
    assert len(looked) == 3


def test_the_habit_is_proposed_and_as_a_rule_it_holds_everywhere(world: small_world.World) -> None:
    library = world.library
    assert {len(item.prompt.highlights) for item in from_pairs(library)} == {7}  # from the first to the last that was used
    (rule,) = reward.propose_rules(library)
    assert (rule.text, rule.effect, rule.in_prompt) == ("only tagged highlights", {"select": ["tagged"]}, False)
    assert rule.acts.startswith("drafts are about these highlights only")
    assert len(drafting.choose_prompt(library, source="Book 1").highlights) == 8  # a proposal does nothing
    reward.confirm_rule(library, rule.name)
    assert selecting(library) == ("tagged",)
    assert [item.tags for item in drafting.choose_prompt(library, source="Book 1").highlights] == [("kept",)] * 4
    two = [item.id for item in library.sources.highlights(library.sources.find("Book 1").id)[:2]]
    assert [item.id for item in drafting.choose_prompt(library, source="Book 1", highlight_ids=two).highlights] == two
    assert {len(item.prompt.highlights) for item in from_pairs(library)} == {4}
    assert reward.propose_rules(library) == []
    reward.remove_rule(library, rule.name)
    assert selecting(library) == ()
    assert len(drafting.choose_prompt(library, source="Book 1").highlights) == 8
    assert reward.propose_rules(library) == []  # what was turned down is not proposed again
