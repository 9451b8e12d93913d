"""Drafts are mended where there is one way to, and left to the gates elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notewright.records import Highlight
from notewright.vault.index import VaultIndex
from notewright.vault.lint import check_draft
from notewright.vault.repair import repair_draft

HIGHLIGHTS = (
    Highlight(text="![](https://images.example.org/x/bed-level.png)\nThe bed fell.", url="https://read.example.org/1", tags=("rivers",)),
    Highlight(text="See [[Hydraulics]] and https://example.org/flood-report.pdf for more."),
)
INDEX = VaultIndex(paths=["Notes/Groundwater.md", "Assets/old map.png"])


def repaired(text: str) -> str:
    return repair_draft(text, highlights=HIGHLIGHTS, known="The Slow River\nMarit Ekholm", vault_index=INDEX, linked={"Dead Wood"}).text


@pytest.mark.parametrize(
    "text",
    [
        "![[bed-level.png|center|600]]\nfine [[Hydraulics]] [[groundwater#A|x]] [[Dead Wood]] [[Marit Ekholm]] [[rivers]]",
        "![[old map.png]] [r](https://example.org/flood-report.pdf) https://read.example.org/1.",
        "`[[Nowhere]]` and [[#Here]]",
        "![[bed-level.png]]\n\ntext ![[bed-level.png|60]] in a line",
        "![[quite-another-thing.png]]",
        "",
    ],
)
def test_what_is_given_or_not_to_be_mended_stays(text: str) -> None:
    assert repaired(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("![[bed-levle.png|center|600]]", "![[bed-level.png|center|600]]"),
        ("![](https://images.example.org/x/bed-leve.png)", "![](https://images.example.org/x/bed-level.png)"),
        ("![[bed-level.png]]\n\ntext\n\n![[bed-level.png|center]]\n\nmore", "![[bed-level.png]]\n\ntext\n\nmore"),
        ("- It fell. (p. 1) [[Nowhere]] [[Neither]]\n- b", "- It fell. (p. 1)\n- b"),
        ("the [[Nowhere|idea]] of [[No Place]] is", "the idea of No Place is"),
        ("- It fell. (p. 1) [[Hydraulics]] [[Nowhere]]", "- It fell. (p. 1) [[Hydraulics]]"),
        ("a [report](https://example.org/flood-reprt.pdf) x", "a [report](https://example.org/flood-report.pdf) x"),
        ("a [report](https://evil.example.net/q) x", "a report x"),
    ],
)
def test_what_has_one_way_is_mended(text: str, expected: str) -> None:
    result = repair_draft(text, highlights=HIGHLIGHTS, vault_index=INDEX)
    assert result.text == expected
    assert result.repairs
    assert repaired(expected) == expected


@pytest.mark.parametrize("text", ["![[quite-another-thing.png]]", "![[Some Note#Part]]", "Look at https://evil.example.net/x now."])
def test_what_cannot_be_mended_is_rejected(text: str) -> None:
    assert check_draft(repaired(text), highlights=HIGHLIGHTS, vault_index=INDEX)


@given(st.text())
def test_any_draft_is_taken(text: str) -> None:
    mended = repaired(text)
    assert repaired(mended) == mended or "[[" in mended
