"""Keys that need no guessing: ids, URLs, titles."""

from __future__ import annotations

import pytest

from notewright.pairing.keys import asins, highlight_numbers, link_name, main_title, reader_ids, segments, title_key, undecorated, url_key


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a quote ^rw123456", ["123456"]),
        ("^rwhi123456-note", ["123456"]),
        ("^1234567", ["1234567"]),
        ("[[Book#^rw123456|x]]", ["123456"]),
        ("https://readwise.io/open/42", ["42"]),
        ('ref "/post/x.md#id827476955"', ["827476955"]),
        ("2^10 and #2024 and x^2", []),
    ],
)
def test_highlight_ids(text: str, expected: list[str]) -> None:
    assert list(dict.fromkeys(highlight_numbers(text))) == expected


def test_reader_ids_and_asins() -> None:
    assert reader_ids("(https://read.readwise.io/new/read/01ABc) https://read.readwise.io/read/02x") == ["01abc", "02x"]
    assert asins("https://readwise.io/to_kindle?action=open&asin=B00SAMPLE1&location=223)") == [("B00SAMPLE1", 223)]
    assert asins("https://www.amazon.com/dp/B00SAMPLE1/") == [("B00SAMPLE1", None)]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("https://www.example.org/a/", "http://example.org/a?utm_source=x&utm_medium=y#part"),
        ("https://youtu.be/abc?si=1", "https://www.youtube.com/watch?v=abc&t=12"),
        ("https://example.org/a%20b", "https://example.org/a b"),
        ("https://twitter.com/x/status/1", "https://x.com/x/status/1?s=20"),
    ],
)
def test_links_to_one_page_are_equal(left: str, right: str) -> None:
    assert url_key(left) == url_key(right) != ""


@pytest.mark.parametrize("url", ["", "notes/a.md", "https://example.org", "https://readwise.io/x", "https://[broken", "mailto:a@b.org"])
def test_what_points_at_no_page_has_no_key(url: str) -> None:
    assert url_key(url) == ""


def test_pages_that_differ_stay_apart() -> None:
    assert url_key("https://news.example.org/item?id=1") != url_key("https://news.example.org/item?id=2")
    assert url_key("https://news.example.org/item?1") != url_key("https://news.example.org/item?2")
    assert url_key("https://news.example.org/item?share") == url_key("https://news.example.org/item")


@pytest.mark.parametrize(
    ("title", "bare"),
    [
        ("Becoming - Book", "Becoming"),
        ("Becoming - Literature Notes", "Becoming"),
        ("Becoming (Highlights)", "Becoming"),
        ("Becoming-2", "Becoming"),
        ("Becoming (1)", "Becoming"),
        ("Literature note: Becoming", "Becoming"),
        ("2024-03-01 Becoming", "Becoming"),
        ("Book", "Book"),
        ("Notes on Camp", "Notes on Camp"),
    ],
)
def test_labels_around_titles_are_dropped(title: str, bare: str) -> None:
    assert undecorated(title) == bare


@pytest.mark.parametrize(("left", "right"), [("काल", "किला"), ("ปี", "ปู"), ("கல்", "கால்")])
def test_titles_that_differ_in_their_vowels_differ(left: str, right: str) -> None:
    assert title_key(left) != title_key(right)
    assert title_key(f"“{left}”") == title_key(left)


def test_parts_of_titles() -> None:
    assert main_title("Cloth and Ledger: How Weavers Learned") == "Cloth and Ledger"
    assert segments("Chloe Shih - How to Make Friends | Lesson") == ["How to Make Friends | Lesson", "Lesson"]
    assert title_key("In Online Ed, Content Is No Longer King—Cohorts") == title_key("In Online Ed Content is no longer king - Cohorts")
    assert link_name("../reference/My%20Book.md#id12") == "My Book"
