"""Protected parts: hidden consistently, put back exactly, mended only where there is one way to."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notewright.vault.protect import PARTS, Protection

HIGHLIGHT = (
    "![](https://images.example.org/x/peat-core.png)\nDischarge is $Q = A v$, see [here](https://example.org/a_b) and `code`. 34 km ^rw12"
)
PASSAGE = "![[peat-core.png|center|600]]\n- **It.** $Q = A v$ over 34 km, [so](https://example.org/a_b). [[Hydraulics]] ^rw12"


def test_the_same_part_has_the_same_placeholder_in_prompt_and_passage() -> None:
    protection = Protection()
    assert protection.hide(HIGHLIGHT) == "![]({image1})\nDischarge is {math1}, see [here]({url1}) and {code1}. {quantity1} {id1}"
    hidden = protection.hide(PASSAGE, learn=False)
    assert hidden == "![[{image1}|center|600]]\n- **It.** {math1} over {quantity1}, [so]({url1}). [[Hydraulics]] {id1}"
    assert protection.restore(hidden).text == PASSAGE
    assert Protection.of(protection.table()).restore(hidden).text == PASSAGE


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("![[{image1}|600]]", "![[peat-core.png|600]]"),
        ("![]({image1})", "![](https://images.example.org/x/peat-core.png)"),
        ("so {math1} holds", "so $Q = A v$ holds"),
        ("so {math 1} holds", "so $Q = A v$ holds"),
        ("so math1} holds", "so $Q = A v$ holds"),
        ("so {math1 holds", "so $Q = A v$ holds"),
        ("so {math7} holds", "so $Q = A v$ holds"),
    ],
)
def test_placeholders_are_put_back_and_mended(written: str, expected: str) -> None:
    protection = Protection()
    protection.hide(HIGHLIGHT)
    restored = protection.restore(written)
    assert restored.text == expected
    assert not restored.problems
    assert bool(restored.repairs) == (written[written.find("{") :][:7] not in ("{image1", "{math1}"))


def test_an_invented_placeholder_is_a_problem() -> None:
    protection = Protection()
    protection.hide("$a$ and $b$")
    assert protection.restore("{math3} and {image1}").problems == (
        "the placeholder {math3} stands for nothing", "the placeholder {image1} stands for nothing"
    )  # fmt: skip


_MARKS = st.sampled_from(
    [
        "{image1}", "{math2", "{ code3 }", "![[", "]]", "[[A.png|1]]", "![](x/A.png)", "![](<a b.png>)", "$a$", "`b`", "{{title}}",
        "<% x %>", "```\nx\n```", "12 km", "{", "}", "1", "text1}", " ^id", "\n", "https://x.org/a.png", "<https://x.org>",
        "---\na: 1\n---\n", "\\", "|", "é", "word ",
    ]
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(_MARKS).map("".join)), st.lists(st.sampled_from(PARTS)))
@example("![](x/A.png)![](y/A.png)![[A.png]]![[b/A.png]]", list(PARTS))
@example("{image1}![[A.png]]", list(PARTS))
@example("{text0}", [])
@example("{image0{text1}", [])
def test_restoring_what_was_hidden_gives_the_text(text: str, parts: list[str]) -> None:
    protection = Protection(tuple(parts))
    hidden = protection.hide(text)
    restored = protection.restore(hidden)
    assert restored.text == text
    assert not restored.problems
    assert protection.restore(protection.hide(text, learn=False)).text == text


def test_what_another_text_would_read_as_a_placeholder_is_put_back_as_it_was() -> None:
    protection = Protection()
    shown = [protection.hide(text) for text in ("[[A]]", "see link1} there")]
    assert [protection.restore(text).text for text in shown] == ["[[A]]", "see link1} there"]


@given(st.text())
def test_any_draft_can_be_restored(text: str) -> None:
    protection = Protection()
    protection.hide(HIGHLIGHT)
    protection.restore(text)
