"""The whole way for a person who does not copy: German notes, or notes in other words, about English highlights."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

import own_words
import small_world
from accepted_note import look
from notewright import datasets, drafting, feedback, gates, pairing, reward
from notewright.cli import main
from notewright.errors import Invalid, NotFound
from notewright.feedback.hunks import hunks
from notewright.importers.vault import import_vault
from notewright.language import common_language, language_of, own_language
from notewright.library import Library
from notewright.library.examples import from_pairs
from notewright.library.rows import read_rows
from notewright.pairing import add, explain, pair, passages_under
from notewright.records import Highlight, Pair
from notewright.settings import Settings
from notewright.text import edit_distance, sentences
from small_world import ScriptedEngine

RIVERS, HABITS, SLEEP, BREAD = own_words.BOOKS[0], own_words.BOOKS[1], own_words.BOOKS[4], own_words.BOOKS[7]


def truth(item: Pair) -> bool:
    """Whether a pair is right: its passage is the section (or note) that says its highlights."""
    number, at = item.source_id.removeprefix("readwise:"), [link.highlight_id.removeprefix("readwise:") for link in item.links]
    book = own_words.BOOKS[int(number) - 1]
    said = [book.chapters[int(name[1])] for name in at]
    return all(any(part in item.passage_text for part in _lines(chapter.german) + _lines(chapter.english)) for chapter in said)


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


def pair_by_hand(library: Library, language: str) -> None:
    """As a person does who accepts what is proposed and names the rest."""
    pair(library)
    for number, book in enumerate(own_words.BOOKS, 1):
        path, _ = own_words.note(book, language)
        for at, chapter in enumerate(book.chapters):
            ids = [f"readwise:{number}{at}{place}" for place in range(1, len(chapter.said) + 1)]
            heading = own_words.section(book, chapter, language).partition("\n")[0].removeprefix("## ")
            if book.headings:
                add(library, passages=passages_under(library, path, heading), source_id=f"readwise:{number}", highlight_ids=ids)
    whole = [item.id for item in library.sources.highlights("readwise:5")]
    add(library, passages=passages_under(library, own_words.note(SLEEP, language)[0]), source_id="readwise:5", highlight_ids=whole)


@pytest.fixture
def german(library: Library) -> Library:
    own_words.fill(library, "german")
    pair_by_hand(library, "german")
    return library


# --- languages ---


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The walk was not a rest from the work.", "en"),
        ("Eine Gewohnheit hängt zuerst am Ort und erst danach am Vorsatz.", "de"),
        ("Le fleuve droit est un argument qui n'a pas encore rencontré sa crue.", "fr"),
        ("川の曲がりは四十一か所取り除かれた。", "ja"),
        ("1890年至1935年间，工程师移除了41处弯道。", "zh"),
        ("강의 굽이 마흔한 곳이 제거되었다.", "ko"),
        ("River restoration, 41 bends", ""),
        ("Elven var et argument som ennå ikke hadde møtt flommen sin.", "no"),
        ("Joki on väite, joka ei ole vielä kohdannut tulvaansa.", "fi"),
        ("Nehir, henüz seliyle karşılaşmamış bir savdır.", "tr"),
        ("Deploy Hugo Blog to Github Pages via Github Actions W/ a Custom Domain", ""),
        ("Vita activa", ""),
        ("Vanity, vanity: to do is to do.", ""),
        ("", ""),
        ("![[the-of-and.png]] [x](https://the.of.and/is) `the of and`", ""),
    ],
)
def test_a_language_is_known_or_said_to_be_unknown(text: str, language: str) -> None:
    assert language_of(text) == language


def test_every_highlight_and_section_is_in_its_language() -> None:
    for chapter in (chapter for book in own_words.BOOKS for chapter in book.chapters):
        assert common_language(text for text, _ in chapter.said) == "en"
        assert own_language(chapter.german) == "de"
        assert own_language(chapter.english) in ("en", "")
    assert own_language("> The bank of the river is high.\n\nDas Ufer ist hoch und steil.") == "de"


# --- pairing ---


@pytest.mark.parametrize(("language", "least"), [("german", 14), ("english", 9)])
def test_what_stands_beside_the_words_is_proposed_and_teaches_nothing_by_itself(library: Library, language: str, least: int) -> None:
    own_words.fill(library, language)
    report = pair(library)
    found = library.pairs.all()
    assert len(found) >= least
    assert [item for item in found if not truth(item)] == []
    beside = [item for item in found if item.method in ("place", "figures")]
    assert len(beside) == sum(report.by_method.get(name, 0) for name in ("place", "figures"))
    assert all(item.score == 0.55 for item in beside)
    assert not {item.pair_id for item in from_pairs(library)} & {item.id for item in beside}
    assert "stands where your notes tell of" in explain(next(item for item in beside if item.method == "place"))
    again = [replace(item, status="") for item in found]
    pair(library)
    assert [replace(item, status="") for item in library.pairs.all()] == again


def test_accepting_what_stands_beside_the_words_teaches_and_leaves_the_scores_of_others(library: Library) -> None:
    own_words.fill(library, "german")
    pair(library)
    before = {item.id: item.score for item in library.pairs.all()}
    accepted = [item.id for item in library.pairs.all() if item.method in ("place", "figures")]
    for name in accepted:
        library.pairs.decide(name, "accepted")
    pair(library)
    assert {item.id: item.score for item in library.pairs.all()} == before
    examples = {item.pair_id: item for item in from_pairs(library)}
    assert set(accepted) <= {name.partition(".")[0] for name in examples}
    assert all(item.used and item.weight == 1.0 for name, item in examples.items() if name in accepted)


def test_thoughts_between_quotations_in_the_highlights_language_are_left_alone(library: Library) -> None:
    library.sources.upsert(own_words.sources(), origin="api", complete=True)
    said = RIVERS.chapters[0].said[0][0]
    text = f"# x\n\n## Straight Lines\n- {said}\n\n## Wood\nWhat I think of this is that it is too simple, and it was so in 1951.\n"
    import_text(library, f"Notes/{RIVERS.title}.md", text)
    pair(library)
    assert [item.headings[-1] for item in library.pairs.all()] == ["Straight Lines"]


def import_text(library: Library, path: str, text: str) -> None:
    parsed = own_words.parse_note(path, text.encode())
    library.notes.sync([(parsed.note, parsed.passages)])


def test_a_pair_that_the_person_names_stays_and_can_be_taken_back(library: Library, tmp_path: Path) -> None:
    own_words.fill(library, "german")
    pair(library)
    path = own_words.note(BREAD, "german")[0]
    assert not library.pairs.all(note_path=path)
    [made] = add(
        library, passages=passages_under(library, path, "Salz"), source_id="readwise:8", highlight_ids=["readwise:811", "readwise:812"]
    )
    assert (made.status, made.method, made.headings[-1]) == ("accepted", "hand", "Salz")
    assert "named by you for 2 highlights" in explain(made)
    pair(library)
    assert library.pairs.get(made.id) == made
    feedback.undo(library, settings=Settings(home=library.home, vault=tmp_path))
    pair(library)
    assert not library.pairs.all(note_path=path)


def test_a_proposal_gets_the_highlights_that_the_person_names(library: Library) -> None:
    own_words.fill(library, "german")
    pair(library)
    path = own_words.note(RIVERS, "german")[0]
    known = next(item for item in library.pairs.all(note_path=path) if item.headings[-1] == "Costs")
    [made] = add(library, passages=passages_under(library, path, "costs"), source_id="readwise:1", highlight_ids=["readwise:121"])
    assert (made.id, [link.highlight_id for link in made.links]) == (known.id, ["readwise:121"])


@pytest.mark.parametrize("feedback_first", [True, False])
def test_pairs_that_the_person_names_are_made_on_another_machine(library: Library, tmp_path: Path, feedback_first: bool) -> None:
    """One where nothing is proposed, and one that was proposed with other highlights."""
    own_words.fill(library, "german")
    pair(library)
    bread, rivers = own_words.note(BREAD, "german")[0], own_words.note(RIVERS, "german")[0]
    [salt] = add(library, passages=passages_under(library, bread, "Salz"), source_id="readwise:8", highlight_ids=["readwise:812"])
    [costs] = add(library, passages=passages_under(library, rivers, "costs"), source_id="readwise:1", highlight_ids=["readwise:121"])
    lines = list(feedback.export_feedback(library))
    with Library.create(tmp_path / "other") as other:
        if feedback_first:
            feedback.import_feedback(other, lines)
            assert not other.pairs.all()
        own_words.fill(other, "german")
        pair(other)
        if not feedback_first:
            feedback.import_feedback(other, lines)
        there = {item.passage_id: item for item in other.pairs.all(status="accepted")}
        assert there.keys() == {salt.passage_id, costs.passage_id}
        assert [there[item.passage_id].links for item in (salt, costs)] == [salt.links, costs.links]
        assert list(feedback.export_feedback(other)) == lines
        for _ in feedback.undo_last(library, number=2):
            pass
        feedback.import_feedback(other, feedback.export_feedback(library))
        pair(other)
        pair(library)
        assert [replace(item, id="") for item in other.pairs.all()] == [replace(item, id="") for item in library.pairs.all()]
        assert not other.pairs.all(note_path=bread)


@pytest.mark.parametrize(
    ("note", "heading", "ids", "error", "words"),
    [
        ("Notizen/Über Brot.md", "", ["readwise:801"], Invalid, "--under"),
        ("Notizen/Über Brot.md", "Zucker", ["readwise:801"], NotFound, "Zeit, Salz, Kruste"),
        ("Notizen/Nichts.md", "", ["readwise:801"], NotFound, "import vault"),
        ("Notizen/Über Brot.md", "Salz", [], Invalid, "chapter"),
    ],
)
def test_what_cannot_be_named_is_said(
    library: Library, note: str, heading: str, ids: list[str], error: type[Invalid | NotFound], words: str
) -> None:
    own_words.fill(library, "german")
    with pytest.raises(error) as raised:
        add(library, passages=passages_under(library, note, heading), source_id="readwise:8", highlight_ids=ids)
    assert words in f"{raised.value} {raised.value.hint}"
    assert library.pairs.all() == []


def test_highlights_of_another_source_are_not_named_for_this_one(library: Library) -> None:
    own_words.fill(library, "german")
    passages = passages_under(library, own_words.note(BREAD, "german")[0], "Salz")
    with pytest.raises(Invalid, match=r"readwise:101 is no highlight of What Bread Knows"):
        add(library, passages=passages, source_id="readwise:8", highlight_ids=["readwise:811", "readwise:101"])
    assert library.pairs.all() == []


def test_the_commands_say_what_to_do(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vault = tmp_path / "vault"
    (vault / "Notizen").mkdir(parents=True)
    assert main(["init", "--vault", str(vault)]) == 0
    for book in (RIVERS, HABITS, BREAD):
        path, text = own_words.note(book, "german")
        (vault / path).write_text(text, encoding="utf-8")
    with Library.open(home) as library:
        library.sources.upsert(own_words.sources(), origin="api", complete=True)
    assert main(["import", "vault"]) == 0
    assert main(["pair"]) == 0
    assert "teach once you have accepted them" in " ".join(capsys.readouterr().out.split())
    made = ["pairs", "add", str(vault / "Notizen/Über Brot.md"), "--under", "Salz", "--source", "What Bread Knows", "--chapter", "Salt"]
    assert main(made) == 0
    assert "accepted, with 2 highlights. To take that back: notewright undo" in capsys.readouterr().out
    assert main(made) == 0
    assert "It was so already." in capsys.readouterr().out


def test_a_note_that_points_at_a_source_and_is_not_recognised_is_told(library: Library) -> None:
    library.sources.upsert(own_words.sources(), origin="api", complete=True)
    import_text(library, "Notizen/Licht.md", "# Licht\n\nZu [[Letters from a Lighthouse]]: ein Buch, das man im Winter liest.\n")
    report = pair(library)
    assert (report.notes_silent, report.silent) == (1, ("Notizen/Licht.md",))


@pytest.mark.parametrize(("notes", "told"), [(1, "1 note points at"), (12, "12 notes point at")])
def test_the_notes_that_are_not_recognised_are_named(
    notes: int, told: str, german: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = tuple(f"Notizen/{number}.md" for number in range(notes))
    monkeypatch.setattr(pairing, "pair", lambda *_, **__: pairing.PairReport(added=1, notes_silent=notes, silent=paths))
    assert main(["pair"]) == 0
    _, first, *lines, last = capsys.readouterr().out.splitlines()
    assert (first.startswith(told), last.startswith("If one is there in other words, say so: notewright pairs add")) == (True, True)
    assert lines == [*(f"  {path}" for path in paths[:10]), *(["  and 2 more"] if notes > 10 else [])]


# --- datasets ---


def test_of_accepted_notes_in_another_language_everything_is_taught(german: Library) -> None:
    made = datasets.build(german, kind="sft")
    rows = [row for part in ("train", "valid", "test") for row in read_rows(german.home / "datasets" / made.id / f"{part}.jsonl")]
    assert len(rows) == 22
    assert [row for row in rows if "told" in row] == []


def test_a_person_who_says_all_in_other_words_is_taught_whole_passages(library: Library) -> None:
    own_words.fill(library, "english")
    pair_by_hand(library, "english")
    made = datasets.build(library, kind="sft")
    rows = read_rows(library.home / "datasets" / made.id / "train.jsonl")
    assert len(rows) > 10
    assert [row for row in rows if "told" in row] == []


# --- gates ---


def checked(library: Library, text: str, highlights: tuple[Highlight, ...], *, habits: gates.Habits | None = None) -> dict[str, str]:
    source = library.sources.get(highlights[0].source_id)
    found = gates.check(text, highlights=highlights, known=f"{source.title}\n{source.author}", habits=habits)
    return {item.gate: item.severity for item in found}


def test_right_german_drafts_pass_and_invented_figures_and_names_do_not(german: Library) -> None:
    examples = from_pairs(german)
    assert len(examples) == 22
    said = "Nachgewiesen hat das erst viel später Heinrich Brandt in seinen Vorlesungen."
    for example in examples:
        shown = example.prompt.highlights
        for habits in (None, gates.habits_of(german, without_source=example.source_id)):
            found = checked(german, example.passage, shown, habits=habits)
            assert found.keys() <= {"invented quotation"}, example.passage
            assert "block" not in found.values()
        assert "invented name" in checked(german, f"{example.passage.rstrip()} {said}\n", shown)
        if number := re.search(r"(?<![\d.,(S] )\b\d{2,3}\b(?![.,]\d)", example.passage.replace("(S. ", "(S.")):
            wrong = example.passage.replace(number[0], str(int(number[0]) + 577))
            assert checked(german, wrong, shown)["invented number"] == "block"


def test_a_draft_in_the_highlights_language_is_told_where_the_notes_are_in_another(german: Library) -> None:
    example = next(item for item in from_pairs(german) if item.prompt.chapter == "Wood")
    habits = gates.habits_of(german)
    assert habits.tongues == {"en de": 22}
    text = "## Wood\n- Even one alder that has fallen will hold back forty tonnes of gravel for a winter.\n"
    found = [item for item in gates.check(text, highlights=example.prompt.highlights, habits=habits) if item.gate == "other language"]
    assert [(item.severity, item.reason) for item in found] == [
        ("block", "it is in English, your notes about such highlights are in German")
    ]
    assert "other language" not in checked(german, text, example.prompt.highlights)


def test_sentences_in_other_words_are_not_blamed_once_the_notes_show_them(library: Library) -> None:
    own_words.fill(library, "english")
    pair_by_hand(library, "english")
    example = from_pairs(library)[0]
    habits = gates.habits_of(library, without_source=example.source_id)
    assert habits.passages < 20
    assert "unsupported sentence" in checked(library, example.passage, example.prompt.highlights)
    assert "unsupported sentence" not in checked(library, example.passage, example.prompt.highlights, habits=habits)


@pytest.mark.parametrize(
    ("said", "right", "wrong"),
    [
        ("It held forty tonnes of gravel.", "40 Tonnen Kies.", "50 Tonnen Kies."),
        ("Two hundred and five people came.", "Es kamen 205.", "Es kamen 215."),
        ("It cost 1,250,000 kroner.", "1.250.000 Kronen, 1,25 Mio. Kronen, 125万クローネ", "1,35 Mio. Kronen"),
        ("A fine of 1.5 million kroner.", "1.500.000 Kronen", "1.500 Kronen"),
        ("Deaths fell to 0.8 percent.", "auf 0,8 %", "auf 0,9 %"),
        ("On October 3, 1951, it burned.", "Am 3.10.1951, 1951-10-03, 10/3/1951, 1951年10月3日 und am 3.10. auch", "Am 4.10.1951"),
        ("On October 3, 1951, it burned.", "Am 3. Oktober 1951", "Am 10. Oktober 1951"),
        ("At 5:30 pm the shift ends.", "Um 17:30 Uhr", "Um 18:30 Uhr"),
        ("It stood for three decades in the nineteenth century.", "30 Jahre im 19. Jahrhundert", "im 18. Jahrhundert"),
        ("Es waren einundvierzig Häuser.", "There were 41 houses", "There were 42 houses"),
    ],
)
def test_a_number_counts_in_every_form_that_says_it(said: str, right: str, wrong: str) -> None:
    highlights = (Highlight(said, id="h"),)
    assert "invented number" not in {item.gate for item in gates.check(right, highlights=highlights)}
    assert "invented number" in {item.gate for item in gates.check(wrong, highlights=highlights)}


def test_a_translated_quotation_warns_and_an_altered_one_blocks() -> None:
    highlights = (Highlight("A monument is what a city builds so that it may forget.", id="h"),)
    translated = gates.check("„Ein Denkmal baut eine Stadt, um vergessen zu dürfen“, heißt es dort.", highlights=highlights)
    assert [(item.gate, item.severity) for item in translated] == [("invented quotation", "warn")]
    altered = gates.check("Es heißt dort: “A monument is what a village builds so that it may forget.” Das ist es.", highlights=highlights)
    assert ("invented quotation", "block") in {(item.gate, item.severity) for item in altered}


# --- sentences, words, edits, rules ---


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Am 3. Oktober 1951 brannte es. Danach kam nichts.", 2),
        ("Im 19. Jahrhundert, z. B. Darwin, d. h. Menschen. Sie kosteten 1,2 Mio. Euro, vgl. Kapitel 3. Ende.", 3),
        ("„Das ist es.“ Danach kam er. „Nein“, sagte sie.", 3),
        ("It was 3. Three is odd. “Yes.” So it is.", 4),
    ],
)
def test_german_sentences_are_whole(text: str, parts: int) -> None:
    assert len(sentences(text)) == parts


def test_texts_without_spaces_differ_by_what_was_changed() -> None:
    assert edit_distance("川の曲がりは四十一か所取り除かれた。", "川の曲がりは四十二か所取り除かれた。") == pytest.approx(1 / 18)


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("eine Behauptung", "ein Argument", "style"),
        ("eine Behauptung", "eine Behauptung der Ingenieure", "style"),
        ("eine Behauptung", "nicht mehr als eine Meinung", "style"),
        ("eine Behauptung", "eine Behauptung von Heinrich Brandt", "added fact"),
        ("eine Behauptung", "1951 eine Behauptung", "added fact"),
    ],
)
def test_another_noun_in_a_german_edit_is_no_added_fact(old: str, new: str, kind: str) -> None:
    text = "- Ein begradigter Fluss ist nur eine Behauptung, die ihr Hochwasser noch vor sich hat.\n"
    assert kind in {item.kind for item in hunks(text, text.replace(old, new))}
    assert kind == "added fact" or "added fact" not in {item.kind for item in hunks(text, text.replace(old, new))}


def test_the_language_of_the_notes_is_proposed_as_a_rule(german: Library) -> None:
    assert [rule.text for rule in reward.propose_rules(german)] == ["write in German"]
    reward.confirm_rule(german, "write-in-german")
    assert reward.rules_for_prompt(german) == ("write in German",)
    assert reward.propose_rules(german) == []


# --- the walk ---


def test_a_german_draft_goes_into_a_note_and_teaches_from_there(library: Library, tmp_path: Path) -> None:
    small_world.base_model(library)
    library.sources.upsert(own_words.sources(), origin="api", complete=True)
    vault = tmp_path / "vault"
    vault.mkdir()
    settings = Settings(home=library.home, vault=vault, device="cpu")
    chapter = BREAD.chapters[1]
    text = f"## Salz\n{chapter.german}"
    engine = ScriptedEngine(lambda messages, seed: text if seed < 0 else f"## Salz\nGanz anders: 4711 Brote Nummer {abs(seed)}.\n")
    found = drafting.draft(
        library, settings=settings, source="What Bread Knows", chapter="Salt", seed=1, n=1, written=2, engine=engine
    )  # fmt: skip
    [draft] = [item for item in found if item.text.strip() == text.strip()]
    assert draft.problems == ()
    assert draft.warnings == ()
    done = feedback.accept(library, settings=settings, draft_id=draft.id, into="Brot.md")
    import_vault(library, settings=settings)
    assert pair(library).by_method == {"draft": 1}
    [known] = library.pairs.all()
    assert (known.score, [link.highlight_id for link in known.links]) == (1.0, ["readwise:811", "readwise:812"])
    [example] = from_pairs(library)
    assert example.weight == 1.0
    assert chapter.german.strip() in example.passage
    note = vault / done.note_path
    note.write_text(note.read_text(encoding="utf-8").replace("gärt kaum noch etwas", "ruht die Gärung"), encoding="utf-8")
    [event] = look(small_world.World(library, settings, vault)).logged
    assert {hunk["kind"] for hunk in event.payload["hunks"]} == {"style"}
    import_vault(library, settings=settings)
    pair(library)
    assert "ruht die Gärung" in from_pairs(library)[0].passage
    note.write_text(note.read_text(encoding="utf-8").replace("ruht die Gärung", "steht der Teig"), encoding="utf-8")
    import_vault(library, settings=settings)
    assert pair(library).removed == 1  # nobody has seen yet what became of the draft
    look(small_world.World(library, settings, vault))
    assert pair(library).added == 1
    note.write_text(note.read_text(encoding="utf-8").replace("steht der Teig", "gärt kaum noch etwas"), encoding="utf-8")
    feedback.undo(library, settings=settings)
    import_vault(library, settings=settings)
    pair(library)
    assert library.pairs.all() == []
