"""Which highlights the person writes about: found in passages, said in words, and held to in drafting and in training."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

import small_world
from notewright import drafting, feedback, reward
from notewright.importers.vault import import_vault
from notewright.library import Library
from notewright.library.database import now
from notewright.library.examples import from_pairs, selection_of
from notewright.library.selection import Selection, learn, said, widened
from notewright.pairing import pair
from notewright.records import Draft, Highlight, Source
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
    by_annotation = Selection(("annotated",))
    assert by_annotation.of([plain, own, picture]) == (own, picture)
    assert by_annotation.of([plain, own, picture], used={"1"}) == (plain, own, picture)
    assert by_annotation.of([plain, picture]) == (plain, picture)  # the person writes about what there is
    assert Selection().of([plain, own]) == (plain, own)
    dear = Highlight("Dear.", id="4", is_favorite=True)
    assert Selection(("annotated",), ("favourite",)).of([plain, own, dear]) == (own, dear)
    assert Selection(("annotated",), ("favourite",)).of([plain, dear]) == (plain, dear)


@pytest.mark.parametrize(
    ("uses", "also"),
    [
        (lambda item: bool(item.annotation), ()),
        (lambda item: bool(item.annotation) or item.is_favorite, ("favourite",)),
        (lambda item: bool(item.annotation or item.is_favorite or item.tags), ("favourite", "tagged")),
        (lambda item: True, ()),  # nothing was left out before: the rule is a new wish
        (lambda item: bool(item.tags), ("tagged",)),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_a_rule_gives_way_to_what_passages_show(uses, also: tuple[str, ...], seed: int) -> None:
    rng = random.Random(seed)
    passages = [passage(rng, lambda item, _: uses(item)) for _ in range(16)]
    assert widened(("annotated",), passages, []) == Selection(("annotated",), also)
    assert widened(("annotated",), [], []) == Selection(("annotated",))
    everything = [passage(rng, lambda item, _: True) for _ in range(6)]
    assert widened(("annotated",), passages, everything) == Selection()  # since the rule was said, others were used
    assert widened(("annotated",), passages, [passage(rng, lambda item, _: bool(item.annotation)) for _ in range(6)]).marks


@pytest.mark.parametrize(
    ("words", "marks"),
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
def test_it_can_be_said(words: str, marks: list[str] | None) -> None:
    assert interpret(words).get("select") == marks


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


def test_notes_that_go_against_a_rule_end_it(world: small_world.World) -> None:
    """A rule by mistake: what the person then writes by hand shows it, and drafts are about all highlights again."""
    library = world.library
    for number in range(8, 12):
        highlights = tuple(
            Highlight(
                f"Sentence {number} {place} of its own {'abcdefgh'[place] * 5}.", id=f"b{number}-{place}", tags=("kept",) * (place % 2)
            )
            for place in range(4)
        )
        library.sources.upsert([Source(f"Book {number}", id=f"b{number}", highlights=highlights)], origin="csv", complete=True)
    reward.add_rule(library, "only tagged highlights")
    for number in range(8, 11):
        assert selection_of(library).marks == (("tagged",) if number < 10 else ())
        prompt = drafting.choose_prompt(library, source=f"Book {number}")
        assert len(prompt.highlights) == (2 if number < 10 else 4)
        shown = tuple(item.id for item in prompt.highlights)
        library.drafts.add([Draft("", f"batch-{number}", prompt.source.id, "", "model-1", "- One.", 1, 0, now(), highlight_ids=shown)])
        feedback.decide(library, batch_id=f"batch-{number}", decision="reject_all")
        text = "".join(f"- {item.text}\n" for item in library.sources.highlights(prompt.source.id))
        (world.vault / f"Book {number}.md").write_text(f"# Book {number}\n\n{text}", encoding="utf-8")
        import_vault(library, settings=world.settings)
        pair(library, settings=world.settings, workers=1)
    assert {len(item.prompt.highlights) for item in from_pairs(library) if item.prompt.source.title in ("Book 8", "Book 1")} == {4, 7}


def test_the_habit_is_proposed_and_as_a_rule_it_holds_everywhere(world: small_world.World) -> None:
    library = world.library
    assert {len(item.prompt.highlights) for item in from_pairs(library)} == {7}  # from the first to the last that was used
    (rule,) = reward.propose_rules(library)
    assert (rule.text, rule.effect, rule.in_prompt) == ("only tagged highlights", {"select": ["tagged"]}, False)
    assert rule.acts.startswith("drafts are about these highlights only")
    assert len(drafting.choose_prompt(library, source="Book 1").highlights) == 8  # a proposal does nothing
    reward.confirm_rule(library, rule.name)
    assert said(library)[0] == ("tagged",)
    assert [item.tags for item in drafting.choose_prompt(library, source="Book 1").highlights] == [("kept",)] * 4
    two = [item.id for item in library.sources.highlights(library.sources.find("Book 1").id)[:2]]
    assert [item.id for item in drafting.choose_prompt(library, source="Book 1", highlight_ids=two).highlights] == two
    assert {len(item.prompt.highlights) for item in from_pairs(library)} == {4}
    assert reward.propose_rules(library) == []
    reward.remove_rule(library, rule.name)
    assert said(library) == ((), "")
    assert len(drafting.choose_prompt(library, source="Book 1").highlights) == 8
    assert reward.propose_rules(library) == []  # what was turned down is not proposed again
