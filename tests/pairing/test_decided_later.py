"""Pairs that the person decided or named, while notes are rewritten, renamed and removed, and libraries exchange decisions."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from notewright import feedback, pairing
from notewright.importers.vault import import_vault
from notewright.library import Library
from notewright.library.examples import from_pairs
from notewright.records import Highlight, Pair, Source
from notewright.settings import Settings

TEXTS = (
    "The heron waits at the edge of the cold brook until the small fish forget that it is there.",
    "Nobody counted the mill wheels of the upper valley before the great drought of that summer.",
    "A weir of willow rods lets young eels pass while it turns back the heavier drifting timber.",
    "Salt barges came up on the spring tide and went down again with cheese and grindstones.",
)
OWN = "Geduld ist eine Frage des Stillstehens; wer sich rührt, verliert seine Beute, und wer bleibt, wird satt."
OTHER = "Ganz andere Worte stehen jetzt hier, kein einziges ist von vorhin geblieben."
SOURCE = "readwise:b"


class World:
    """A library with one source and a vault of its own."""

    def __init__(self, folder: Path, highlights: int = len(TEXTS)) -> None:
        self.library = Library.create(folder / "home")
        self.vault = folder / "vault"
        self.vault.mkdir(parents=True)
        self.settings = Settings(home=self.library.home, vault=self.vault, device="cpu")
        self.arrive(highlights)

    def arrive(self, count: int) -> None:
        highlights = tuple(
            Highlight(text, location=number, location_type="page", outside_ids=(f"readwise:{number}",))
            for number, text in enumerate(TEXTS[:count], 1)
        )
        source = Source(title="Brooks and Weirs", outside_ids=(SOURCE,), highlights=highlights)
        self.library.sources.upsert([source], origin="api", complete=True)

    def put(self, path: str, text: str) -> None:
        file = self.vault / path
        file.write_text(text, encoding="utf-8", newline="")
        os.utime(file, ns=(time.time_ns(), time.time_ns()))

    def read(self) -> None:
        import_vault(self.library, settings=self.settings)

    def pair(self) -> list[Pair]:
        self.read()
        pairing.pair(self.library)
        return self.library.pairs.all()

    def name(self, path: str, *highlights: int, heading: str = "") -> Pair:
        passages = pairing.passages_under(self.library, path, heading)
        return pairing.add(self.library, passages=passages, source_id=SOURCE, highlight_ids=[f"readwise:{n}" for n in highlights])[0]

    def send(self, other: World) -> None:
        feedback.import_feedback(other.library, feedback.export_feedback(self.library))
        other.pair()

    def said(self) -> list[tuple[str, str, list[str]]]:
        """Status, first words and highlights of every pair."""
        return [(pair.status, pair.passage_text[:6], [link.highlight_id[9:] for link in pair.links]) for pair in self.library.pairs.all()]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    made: list[World] = []

    def make(**more: int) -> World:
        made.append(World(tmp_path / str(len(made)), **more))
        return made[-1]

    yield make
    for each in made:
        each.library.close()


def test_a_place_that_another_note_has_now_is_left(world: Callable[..., World]) -> None:
    """A new note gets the id of the passage of one that was renamed, whose own words were written anew."""
    one = world()
    one.put("Untitled.md", TEXTS[0])
    one.put("Other.md", f"{TEXTS[1]}\n\n# Rest\nund mehr\n")
    for pair in one.pair():
        one.library.pairs.decide(pair.id, "accepted")
    (one.vault / "Untitled.md").rename(one.vault / "Herons.md")
    one.pair()
    one.put("Herons.md", OTHER)
    one.pair()
    one.put("Other.md", "# Rest\nund mehr\n")
    one.put("Untitled.md", TEXTS[1])
    assert {(pair.note_path, pair.passage_text) for pair in one.pair() if pair.status == "accepted"} >= {("Untitled.md", TEXTS[1])}


def test_a_new_note_in_an_old_name_is_paired(world: Callable[..., World]) -> None:
    one = world()
    one.put("Untitled.md", TEXTS[0])
    one.library.pairs.decide(one.pair()[0].id, "rejected")
    (one.vault / "Untitled.md").rename(one.vault / "Herons.md")
    one.pair()
    one.put("Herons.md", OTHER)
    one.pair()
    one.put("Untitled.md", TEXTS[1])
    assert [(pair.status, pair.passage_text) for pair in one.pair()] == [("rejected", TEXTS[0]), ("proposed", TEXTS[1])]


@pytest.mark.parametrize("decided", ["", "rejected"])
def test_naming_means_the_words_that_are_there_now(world: Callable[..., World], decided: str) -> None:
    one = world()
    one.put("Note.md", TEXTS[0])
    first = one.pair()[0]
    if decided:
        one.library.pairs.decide(first.id, decided)
    one.put("Note.md", OWN)
    one.read()
    assert one.name("Note.md", 2, 3).passage_text == OWN
    one.pair()
    assert [(item.passage, [one.id for one in item.prompt.highlights]) for item in from_pairs(one.library)] == [
        (OWN, ["readwise:2", "readwise:3"])
    ]


def test_a_pair_named_again_arrives_again(world: Callable[..., World]) -> None:
    one, two = world(), world()
    for each in (one, two):
        each.put("Note.md", OWN)
        each.pair()
    one.name("Note.md", 1)
    one.send(two)
    feedback.undo(one.library)
    one.pair()
    one.send(two)
    assert two.said() == []
    one.name("Note.md", 1)
    one.send(two)
    assert two.said() == [("accepted", "Geduld", ["1"])]


def test_decisions_about_words_that_are_gone_find_their_pair_elsewhere(world: Callable[..., World]) -> None:
    """Each library met the two pairs in its own order; both were rewritten since."""
    one, two = world(), world()
    for each, order in ((one, (0, 1)), (two, (1, 0))):
        for number in order:
            each.put(f"{number}.md", TEXTS[number])
            each.pair()
        for pair in each.library.pairs.all():
            each.library.pairs.decide(pair.id, "accepted")
    one.send(two)
    for each in (one, two):
        for number in (0, 1):
            each.put(f"{number}.md", OTHER if number else OWN)
        each.pair()
    heron = next(pair for pair in one.library.pairs.all() if pair.passage_text == TEXTS[0])
    one.library.pairs.decide(heron.id, "rejected")
    one.send(two)
    assert {(pair.passage_text, pair.status) for pair in two.library.pairs.all()} == {(TEXTS[0], "rejected"), (TEXTS[1], "accepted")}


@pytest.mark.parametrize("back", ["Heron.md", "Birds/Heron.md"])
@pytest.mark.parametrize("lines", ["\n", "\r\n"])
def test_a_passage_that_comes_back_with_other_line_ends_is_the_one_it_was(world: Callable[..., World], back: str, lines: str) -> None:
    here, note = world(), f"# Brooks\n\n> {TEXTS[0]}\n> {TEXTS[1]}\n"
    here.put("Heron.md", note.replace("\n", {"\n": "\r\n", "\r\n": "\n"}[lines]))
    [pair] = here.pair()
    here.library.pairs.decide(pair.id, "accepted")
    here.put("Heron.md", OTHER)
    here.pair()
    (here.vault / "Birds").mkdir()
    here.put(back, f"{OTHER}\n\n{note}".replace("\n", lines))
    [found] = here.pair()
    assert (found.id, found.status, found.note_path) == (pair.id, "accepted", back)
    assert found.passage_text.encode() in (here.vault / back).read_bytes()


def test_a_merge_that_added_nothing_is_one_action_of_its_own(world: Callable[..., World]) -> None:
    one = world()
    one.put("Note.md", f"## Herons\n{TEXTS[0]}\n\n## Mills\n{TEXTS[1]}\n\n## Weirs\n{TEXTS[2]}\n")
    first, second, third = (pair.id for pair in one.pair())
    pairing.merge(one.library, first, second)
    one.library.pairs.decide(second, "proposed")
    pairing.merge(one.library, first, second)
    one.library.pairs.decide(third, "rejected")
    feedback.undo(one.library)
    assert [one.library.pairs.get(key).status for key in (first, second, third)] == ["accepted", "rejected", "proposed"]
    feedback.undo(one.library)
    assert [one.library.pairs.get(key).status for key in (first, second, third)] == ["accepted", "proposed", "proposed"]


def test_a_name_that_was_taken_back_teaches_nothing_and_may_be_given_again(world: Callable[..., World]) -> None:
    one, two = world(), world()
    for each in (one, two):
        each.put("Note.md", OWN)
        each.pair()
    named = one.name("Note.md", 1)
    pairing.reopen(one.library, named.id)
    assert from_pairs(one.library) == []
    assert one.library.counts()["pairs_teaching"] == 0
    one.send(two)
    assert two.said() == []
    one.library.pairs.decide(named.id, "accepted")
    one.send(two)
    assert two.said() == [("accepted", "Geduld", ["1"])]


@pytest.mark.parametrize("ends", [("\n", "\r\n"), ("\r\n", "\n")], ids=["to CRLF", "to LF"])
def test_a_name_finds_its_words_in_a_vault_with_other_line_ends(world: Callable[..., World], ends: tuple[str, str]) -> None:
    one, two = world(), world()
    text = f"{OWN}\n{OTHER}\n"
    one.put("Note.md", text.replace("\n", ends[0]))
    two.put("Other.md", text.replace("\n", ends[1]))
    one.pair()
    one.name("Note.md", 1)
    one.send(two)
    assert two.said() == [("accepted", "Geduld", ["1"])]


def test_a_name_stands_again_after_pairing_had_taken_it_away(world: Callable[..., World]) -> None:
    one = world()
    one.put("Note.md", OWN)
    one.pair()
    named = one.name("Note.md", 1)
    _, events = pairing.recorded(one.library, lambda: pairing.reopen(one.library, named.id))
    assert one.pair() == []
    pairing.restore(one.library, [event.id for event in events])
    assert [(pair.id, *said) for pair, said in zip(one.pair(), one.said(), strict=True)] == [(named.id, "accepted", "Geduld", ["1"])]


def test_a_name_is_for_words_and_not_for_a_place(world: Callable[..., World]) -> None:
    """The passage kept its id when another came before it; a library that reads the note only now counts from the top."""
    one, two = world(), world()
    one.put("Note.md", f"# Note\n\n## Waiting\n{OWN}\n")
    one.pair()
    for each in (one, two):
        each.put("Note.md", f"# Note\n\n## Waiting\n{OTHER}\n\n## Waiting\n{OWN}\n")
        each.pair()
    [passage] = [item for item in one.library.notes.passages() if OWN in item.text]
    pairing.add(one.library, passages=[passage], source_id=SOURCE, highlight_ids=["readwise:1"])
    one.send(two)
    assert [(pair.status, OWN in pair.passage_text) for pair in two.library.pairs.all()] == [("accepted", True)]


def test_highlights_that_arrive_late_join_the_pair_they_were_named_for(world: Callable[..., World]) -> None:
    one, two = world(), world(highlights=2)
    for each in (one, two):
        each.put("Note.md", OWN)
        each.pair()
    one.name("Note.md", 2, 3, 4)
    one.send(two)
    assert two.said() == [("accepted", "Geduld", ["2"])]
    two.arrive(4)
    two.pair()
    assert two.said() == [("accepted", "Geduld", ["2", "3", "4"])]


def test_the_same_name_in_another_order_is_no_news(world: Callable[..., World]) -> None:
    one = world()
    one.put("Note.md", OWN)
    one.pair()
    one.name("Note.md", 3, 1)
    one.name("Note.md", 3, 1)
    assert len(one.library.events.all("pair")) == 1


def test_headings_without_a_letter_are_told_apart(world: Callable[..., World]) -> None:
    one = world()
    one.put("Note.md", f"## 🚀\n{OWN}\n\n## 🎉\n{OTHER}\n")
    one.pair()
    assert [item.headings for item in pairing.passages_under(one.library, "Note.md", "🎉")] == [("🎉",)]


def test_whatever_happens_pairing_goes_on_and_names_mean_what_they_say(world: Callable[..., World]) -> None:
    """Thirty libraries in which 25 things happen by chance."""
    for seed in range(30):
        one, rng = world(), random.Random(seed)
        library = one.library
        for _ in range(25):
            pairs, passages = library.pairs.all(), library.notes.passages()
            what = rng.choice(("write", "write", "pair", "pair", "decide", "name", "undo", "reopen", "merge"))
            if what == "write":
                for _ in range(rng.randint(1, 3)):
                    file, chance = one.vault / rng.choice(("a.md", "b.md", "c.md")), rng.random()
                    if chance < 0.35 and file.exists():
                        file.rename(one.vault / rng.choice(("a.md", "b.md", "c.md")))
                    elif chance < 0.45 and file.exists():
                        file.unlink()
                    else:
                        texts = rng.sample((*TEXTS, OWN, OTHER), rng.randint(1, 3))
                        one.put(file.name, "\n\n".join(f"## {rng.choice('XY')}\n{text}" for text in texts))
                one.read()
            elif what == "pair":
                pairing.pair(library)
            elif what == "decide" and pairs:
                library.pairs.decide(rng.choice(pairs).id, rng.choice(("accepted", "rejected")))
            elif what == "reopen" and pairs:
                pairing.reopen(library, rng.choice(pairs).id)
            elif what == "merge" and len(pairs) > 1:
                pairing.merge(library, *(pair.id for pair in rng.sample(pairs, 2)))
            elif what == "undo" and library.events.standing("pair"):
                feedback.undo(library)
            elif what == "name" and passages:
                passage = rng.choice(passages)
                highlight = rng.choice(("readwise:1", "readwise:2"))
                [named] = pairing.add(library, passages=[passage], source_id=SOURCE, highlight_ids=[highlight])
                assert (named.note_path, named.passage_text) == (passage.note_path, passage.text), seed
