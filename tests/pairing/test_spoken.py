"""The file of words read before: it saves reading, and nothing hangs on it."""

from __future__ import annotations

from pathlib import Path

import paired_world
import pytest

from notewright.library import Library
from notewright.pairing import WORDS, pair
from notewright.pairing.spoken import Spoken
from notewright.pairing.words import RULES, Corpus, match_words
from notewright.records import Pair

TEXTS = ["The river carried gravel.", "", "Stale bread, and *stale* soup.", "The river carried gravel.", "Ein Fluß – 河が流れる"]


def told(corpus: Corpus) -> list[list[str]]:
    return [corpus.spoken(corpus.words(text)) for text in range(len(corpus))]


def test_each_text_is_read_once_and_only_what_is_in_use_is_kept(tmp_path: Path) -> None:
    read: list[str] = []

    def reading(text: str) -> list[str]:
        read.append(text)
        return match_words(text)

    path = tmp_path / "cache" / "words.npz"
    spoken = Spoken()
    spoken.words(TEXTS, reading)
    assert read == [TEXTS[0], TEXTS[1], TEXTS[2], TEXTS[4]]
    spoken.save(path, "rules")
    again = Spoken.load(path, "rules")
    again.words([*TEXTS[2:], "New words."], reading)
    assert read[4:] == ["New words."]
    again.save(path, "rules")
    last = Spoken.load(path, "rules")
    assert (len(last.rows), "carried" in last.vocabulary, "soup" in last.vocabulary) == (4, True, True)
    last.words(TEXTS[2:3], reading)
    last.save(path, "rules")
    assert list(Spoken.load(path, "rules").vocabulary) == ["stale", "bread", "and", "soup"]


def test_words_from_the_file_are_those_of_the_texts(tmp_path: Path) -> None:
    fresh = Corpus(TEXTS)
    spoken = Spoken()
    Corpus([TEXTS[2], "Something else."], spoken)
    spoken.save(tmp_path / "words.npz", RULES)
    kept = Corpus(TEXTS, Spoken.load(tmp_path / "words.npz", RULES))
    assert told(kept) == told(fresh) == [match_words(text) for text in TEXTS]
    weights = [dict(zip(corpus.vocabulary, corpus.weights, strict=True)) for corpus in (kept, fresh)]
    assert weights[1].items() <= weights[0].items()


@pytest.fixture
def filled(library: Library) -> Library:
    paired_world.fill(library, paired_world.make(seed=4, sources=6, notes=12, texts=paired_world._bundled(), per_source=8))
    pair(library)
    return library


def again(library: Library) -> list[Pair]:
    """Paired anew, from nothing but the texts and the file of words."""
    with library.db.write() as connection:
        connection.execute("DELETE FROM pairing_memo")
        connection.execute("UPDATE pairing SET paired_at = -1")
    assert pair(library).removed == 0
    return library.pairs.all()


@pytest.mark.parametrize("harm", ["gone", "cut", "bits", "one bit", "rules", "text", "folder"])
def test_a_harmed_file_is_not_believed(filled: Library, harm: str) -> None:
    before, path = filled.pairs.all(), filled.home / WORDS
    assert again(filled) == before  # with the file as it should be
    data = path.read_bytes()
    path.unlink()
    if harm == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif harm == "bits":
        at = data.index(b"ids.npy") + 400
        path.write_bytes(data[:at] + bytes(byte ^ 0x55 for byte in data[at : at + 64]) + data[at + 64 :])
    elif harm == "one bit":
        at = data.index(b"PK\x01\x02") + 8  # flags, of which the lowest says "encrypted"
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    elif harm == "rules":
        path.write_bytes(data)
        spoken = Spoken.load(path, RULES)
        spoken.vocabulary = {word[::-1]: number for word, number in spoken.vocabulary.items()}
        spoken._asked, spoken._kept = set(spoken.rows), 0
        spoken.save(path, "of another version")
    elif harm == "text":
        path.write_text("not a file of words")
    elif harm == "folder":
        path.mkdir()
    assert again(filled) == before


def test_where_it_cannot_be_written_pairing_goes_on(filled: Library) -> None:
    before, path = filled.pairs.all(), filled.home / WORDS
    path.unlink()
    path.parent.rmdir()
    path.parent.write_text("in the way")
    assert again(filled) == before
    assert not list(path.parent.parent.glob("**/*.part"))
