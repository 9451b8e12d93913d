"""Pairing by meaning: an extra that finds paraphrases, off unless asked for."""

from __future__ import annotations

import importlib.util
import logging
import math
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest

from notewright.cli import main
from notewright.errors import MissingExtra
from notewright.library import Library
from notewright.pairing import PairReport, explain, meaning, pair
from notewright.pairing.memo import is_current
from notewright.records import Highlight, Source
from notewright.settings import Settings
from notewright.vault.notes import parse_note

TEXTS = (
    "A single fallen alder can hold back forty tonnes of gravel.",
    "Children in Holmby named the biggest log jam the Parliament.",
    "Wells in four villages went dry when the riverbed sank.",
    "The engineers of the district removed most bends within fifty years.",
)
PARAPHRASE = "Youngsters of that hamlet christened the heap of timber after a legislature."
NOTE = f"# The Slow River Handbook\n\n## Wood\n\n{PARAPHRASE}\n\n## Water\n\nWhat I saw last summer was a dull grey afternoon.\n"
# For the stand-in: words of one meaning have one number.
ALIKE = (
    {"children", "youngsters"}, {"holmby", "hamlet"}, {"named", "christened"}, {"log", "timber"}, {"jam", "heap"},
    {"parliament", "legislature"},
)  # fmt: skip


def embed(texts: list[str]) -> numpy.ndarray:
    rows = numpy.zeros((len(texts), 64), dtype=numpy.float32)
    for row, text in enumerate(texts):
        for word in (word for word in text.split() if len(word) > 5 or any(word in words for words in ALIKE)):
            place = next((at for at, words in enumerate(ALIKE) if word in words), 6 + sum(map(ord, word)) % 58)
            rows[row, place] += 1
    return rows


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """A stand-in for the package, as far as it is used; the list has what `load` was called with."""
    calls: list[dict[str, Any]] = []

    class WordLlama:
        @staticmethod
        def load(**options: Any) -> types.SimpleNamespace:
            calls.append(options)
            return types.SimpleNamespace(embed=embed)

    monkeypatch.setitem(sys.modules, "wordllama", types.SimpleNamespace(WordLlama=WordLlama, __file__="/packages/wordllama/__init__.py"))  # type: ignore[arg-type]
    meaning.embedder.cache_clear()
    yield calls
    meaning.embedder.cache_clear()


def fill(library: Library, **options: Any) -> PairReport:
    highlights = tuple(Highlight(text=text, position=place, outside_ids=(f"readwise:{place}",)) for place, text in enumerate(TEXTS))
    library.sources.upsert(
        [Source(title="The Slow River Handbook", outside_ids=("readwise:41",), highlights=highlights)], origin="api", complete=True
    )
    parsed = parse_note("The Slow River Handbook.md", NOTE.encode())
    library.notes.sync([(parsed.note, parsed.passages)])
    return pair(library, **options)


def test_a_paraphrase_without_a_common_word_is_found_by_meaning_only(library: Library, installed: list[dict[str, Any]]) -> None:
    assert fill(library).added == 0
    report = pair(library, embeddings=True)
    found = library.pairs.all()
    assert report.by_method == {"meaning": 1}
    assert [(item.headings[-1], [link.highlight_id for link in item.links]) for item in found] == [("Wood", ["readwise:1"])]
    assert 0.5 <= found[0].score < 0.98
    assert "means nearly the same" in explain(found[0])
    assert installed == [{"cache_dir": Path("/packages/wordllama"), "disable_download": True}]


def test_with_and_without_are_kept_apart_and_each_is_remembered(library: Library, installed: list[dict[str, Any]]) -> None:
    chosen = Settings(home=library.home, embeddings=True)
    assert fill(library, settings=chosen).added == 1
    assert is_current(library, embeddings=True)
    assert not is_current(library, embeddings=False)
    assert pair(library, settings=chosen) == PairReport(kept=1, notes_paired=1, by_method={"meaning": 1})
    assert pair(library, settings=chosen, embeddings=False).removed == 1
    assert library.pairs.all() == []


def test_asked_for_once_it_says_how_to_keep_it(
    library: Library, installed: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(library)
    monkeypatch.setenv("NOTEWRIGHT_HOME", str(library.home))

    def told(*options: str) -> str:
        assert main(["pair", *options]) == 0
        return capsys.readouterr().out

    assert f"write into {library.home / 'config.toml'}: embeddings = true" in told("--embeddings")
    assert "embeddings" not in told()
    (library.home / "config.toml").write_text("embeddings = true\n")
    for options in ([], ["--embeddings"]):
        assert "embeddings" not in told(*options)


def test_what_the_person_decided_stays_without_embeddings(library: Library, installed: list[dict[str, Any]]) -> None:
    fill(library, embeddings=True)
    decided = library.pairs.decide(library.pairs.all()[0].id, "accepted")
    pair(library)
    assert library.pairs.all() == [decided]


def test_without_the_package_nothing_is_changed(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wordllama", None)
    meaning.embedder.cache_clear()
    with pytest.raises(MissingExtra, match="wordllama") as error:
        fill(library, embeddings=True)
    assert "notewright[embeddings]" in error.value.hint
    assert library.pairs.all() == []
    assert not is_current(library, embeddings=False)


def test_rows_have_length_one_and_say_nothing_where_the_model_says_nothing() -> None:
    rows = meaning.vectors(["log jam", "", "x"], lambda texts: numpy.array([[3.0, 4.0], [0.0, 0.0], [math.nan, 0.0]]))
    assert rows.tolist() == [pytest.approx([0.6, 0.8]), [0.0, 0.0], [0.0, 0.0]]
    assert meaning.vectors([], embed).shape[0] == 0


def test_likeness_is_above_the_usual_and_clear_of_rivals() -> None:
    note = meaning.Sentences(["# children named log jam\n\nThe children named a log. Something else entirely stands here."], embed)
    assert len(note.rows) == 2  # no heading
    highlights = meaning.vectors(["children named log", "something quite different stands"], embed)
    found = meaning.likenesses(highlights, note, {0, 1})
    assert set(found) == {(0, 0), (1, 0)}
    assert found[0, 0].near > found[0, 0].above > 0
    assert found[0, 0].clear > 0


def test_one_highlight_or_none() -> None:
    note = meaning.Sentences(["The children named a log."], embed)
    assert meaning.likenesses(meaning.vectors(["children named log"], embed), note, {0})[0, 0].above == pytest.approx(0)
    assert meaning.likenesses(meaning.vectors([], embed), note, {0}) == {}
    assert meaning.likenesses(note.rows, meaning.Sentences(["# Only a heading"], embed), {0}) == {}


@pytest.mark.skipif(importlib.util.find_spec("wordllama") is None, reason="the extra notewright[embeddings] is not installed")
def test_the_real_model_is_in_its_package_and_knows_synonyms() -> None:
    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
    meaning.embedder.cache_clear()
    rows = meaning.vectors(
        ["the child bought a little house", "a youngster purchased a small dwelling", "interest rates rose in march"], meaning.embedder()
    )
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.2
    assert (logging.getLogger().handlers, logging.getLogger().level) == (handlers, level)
