"""Normal forms, sentences, diffs, edit distance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notewright.text import content_hash, edit_distance, normalise, sentences, tokens, without_thoughts, word_diff, words

lines = st.text(alphabet=st.sampled_from("abc é.,-*#\n\t[]()!|ABC12"), max_size=80)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("“Quoted” – and dashed…", '"Quoted" - and dashed...'),
        ("**Bold** and *light*", "Bold and light"),
        ("See [the paper](https://x.org/a)", "see the paper"),
        ("[[Hydraulics|water]] runs", "water runs"),
        ("[[Hydraulics]] runs", "hydraulics runs"),
        ("- a point\n- another", "a point another"),
        ("fi\u00adnely\u200b", "finely"),
        ("ﬁne", "fine"),
        ("two\n  lines", "two lines"),
        ("مُدَرِّسَةٌ", "مدرسة"),
        ("الســلام", "السلام"),
        ("שָׁלוֹם", "שלום"),
        ("\ufb2a\ufb4b", "שו"),
        ("\u0627\u0654\u064e", "\u0623"),
    ],
)
def test_exporters_formatting_is_equal_in_normal_form(left: str, right: str) -> None:
    assert normalise(left) == normalise(right)


def test_different_words_stay_different() -> None:
    assert normalise("the river rose") != normalise("the river fell")
    assert normalise("سأل") != normalise("سال")
    assert normalise("हैं") != normalise("ह")


@given(st.text(max_size=60))
def test_whitespace_around_and_between_words_never_counts(text: str) -> None:
    assert normalise(f"  {text}\n") == normalise(text)


def test_sentences_end_before_a_capital() -> None:
    assert sentences("It rose. It fell! Why? 3 boats. “So it did.” and more") == [
        "It rose.", "It fell!", "Why?", "3 boats.", "“So it did.” and more",
    ]  # fmt: skip
    assert sentences("") == []


def test_a_sentence_keeps_its_closing_quote() -> None:
    assert sentences("“Why?” Because.") == ["“Why?”", "Because."]


def test_words_and_marks() -> None:
    assert words("don’t stop, now") == ["don’t", "stop", ",", "now"]
    assert tokens("a b\n- c") == ["a", "b", "\n", "-", "c"]
    assert tokens("ध्यान देते हैं, น้ำ") == ["ध्यान", "देते", "हैं", ",", *"น้ำ"]


@given(lines, lines)
def test_a_diff_gives_both_texts_back(before: str, after: str) -> None:
    pieces = list(word_diff(before, after))
    assert "".join(text for mark, text in pieces if mark != "+") == before
    assert "".join(text for mark, text in pieces if mark != "-") == after


@given(lines, lines)
def test_edit_distance_is_a_normalised_distance(left: str, right: str) -> None:
    distance = edit_distance(left, right)
    assert 0.0 <= distance <= 1.0
    assert distance == edit_distance(right, left)
    assert (distance == 0) == (tokens(left) == tokens(right))


@given(lines, lines, lines)
def test_unnormalised_edit_distance_keeps_the_triangle(one: str, two: str, three: str) -> None:
    def raw(left: str, right: str) -> float:
        return edit_distance(left, right) * max(len(tokens(left)), len(tokens(right)))

    assert raw(one, three) <= raw(one, two) + raw(two, three) + 1e-6


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [("", "", 0.0), ("a", "", 1.0), ("a b c d", "a b x d", 0.25), ("a b", "a  b", 0.0), ("a b", "a\nb", 1 / 3), ("a b c", "x y z", 1.0)],
)
def test_edit_distance_by_hand(left: str, right: str, expected: float) -> None:
    assert edit_distance(left, right) == pytest.approx(expected)


def test_content_hash_names_its_algorithm() -> None:
    assert content_hash("é") == content_hash("é".encode())
    assert content_hash("") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("<think>\nHm.\n</think>\n\n## Note\n", "## Note\n"), ("\n<think>Hm.</think>Note", "Note"), ("<think></think>\n\n", ""),
        ("<think>\nHm, I ran", ""), ("Hm.\n</think>\n\n## Note\n", "## Note\n"), ("</think>\nNote", "Note"), ("Note", "Note"), ("<t", "<t"),
        ("Models write `<think>` and\n</think>\nbefore it.", "Models write `<think>` and\n</think>\nbefore it."),
        ("They close with </think>.", "They close with </think>."),
    ],
)  # fmt: skip
def test_what_was_thought_aloud_is_not_said(written: str, said: str) -> None:
    assert without_thoughts(written) == said


def test_while_a_text_grows_nothing_of_a_thought_is_said() -> None:
    text = "<think>\nHm.\n</think>\n\n## Note\n"
    told = [without_thoughts(text[:end], growing=True) for end in range(len(text) + 1)]
    assert told == sorted(told)
    assert set(told) == {"## Note\n"[:end] for end in range(9)}
