"""Measures of a draft: each case changes one thing and names the value it must have."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notewright.records import Highlight
from notewright.reward.features import ASPECTS, FEATURES, INDEX, NAMES, measure
from notewright.reward.shape import read_shape

HIGHLIGHTS = (
    Highlight("A straight river is an argument that has not met its flood yet.", location=19, location_type="page"),
    Highlight("Eight beavers built 29 dams within five years.", location=77, location_type="page", annotation="cheaper than contractors"),
    Highlight("Leaks turn the meadow into a sponge.", location=79, location_type="page"),
)


def value(name: str, text: str, highlights=HIGHLIGHTS) -> float:
    return measure(text, highlights)[INDEX[name]]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("headings", "# One\n\ntext\n\nTwo\n---\n\n### Three\n", 3),
        ("headings", "```\n# no heading\n```\n", 0),
        ("heading_depth", "## One\n\n### Two\n\n##### Three\n", 4),
        ("heading_depth", "plain", 0),
        ("heading_level", "### One\n\n## Two\n", 3),
        ("bullets", "- one\n* two\n+ three\n1. four\n2) five\n", 5),
        ("bullets", "-no item\n---\n", 0),
        ("nesting", "- one\n    - two\n        - three\n- four\n", 3),
        ("nesting", "- one\n\t- two\n", 2),
        ("numbered", "1. one\n2. two\n- three\n- four\n", 0.5),
        ("bullet_words", "- one two three\n- four\n  five\n", 2.5),
        ("paragraphs", "one\ntwo\n\nthree\n\n- four\n\n> five\n", 2),
        ("prose", "one two three\n\n- four\n", 0.75),
        ("callouts", "> [!note] Title\n> body\n\n> [!quote]\n> more\n\n> plain\n", 2),
        ("quotes", "> one\n> two\n\n> three\n\n> [!note] x\n> y\n", 2),
        ("quotes", "> one\n\ntext\n> two\n>\n> three\n> - four\n", 2),
        ("tables", "text\na | b\n--- | ---\n1 | 2\n\n---\n\ntext\n", 1),
        ("tables", "| a | b |\n| --- | --- |\n| 1 | 2 |\n\ntext\n\n| c |\n|---|\n", 2),
        ("paragraphs", "one\n\n---\n\n%% two %%\n\n![[three.png]]\n\n$$\nx = y\n$$\n", 1),
        ("labels", "- **One.** two\n- three\n", 0.5),
        ("words", "## One two\n- three [[Four|five six]] #seven `code` $x+y$\n", 6),
        ("words", "one[^1] two\n$$\nx = three\n$$\n\n[^1]: four <b>five</b> \\* six\n", 5),
        ("links", "see [the map][m] and `[[code]]`\n\n[m]: https://example.org\n", 1),
        ("links", "[[a]] [b](c.md) https://example.org ![[d.png]] ![e](f.png)", 3),
        ("tags", "#one #two/three text#four ## five\n# six\n#7 #eight8", 3),
        ("embeds", "![[a.png|300]] ![b](c.png) [[d]]", 2),
        ("math", "$x$ costs $5 and $$y = 2$$ or 5$ and 6$", 2),
        ("quoted", "> one two\n\nthree four\n", 0.5),
        ("bold", "**one two** three four", 50),
        ("italics", "*one* _two_ **three** snake_case_word 2 * 3 * 4", 200 / 9),
        ("italics", "2*3*4 are as Obsidian shows them", 100 / 8),
        ("italics", "**one *two* three** four", 25),
        ("bold", "***one** two* three four", 25),
        ("sentence_words", "One two three. Four five six seven eight.", 4),
        ("first_person", "I like my own river", 40),
        ("second_person", "You keep your boat", 50),
        ("questions", "Why? Because. Really?", 2 / 3),
        ("full_stops", "- One.\n- Two\n- **Three!**\n", 2 / 3),
        ("dashes", "One — two: three - four well-known", 300 / 6),
        ("locations", "Flood (p. 19), beavers p. 77, 790", 2 / 3),
        ("locations", "In 19 years 77 dams fell, 79 % of them", 0),
        ("locations", "Flood [19], beavers (S. 77–79)", 1),
        ("words", "注意力是 rare。", 5),
        ("words", "ध्यान हम देते हैं।", 4),
        ("sentence_words", "注意力。 时间也是！", 3.5),
        ("questions", "为什么？因为。", 0.5),
        ("full_stops", "- 注意力。\n- 时间\n", 0.5),
        ("coverage", "The straight river is an argument: it has not met its flood.\n\n- Eight beavers built dams.\n", 2 / 3),
        ("coverage", "Nothing of it.", 0),
        ("numbers_kept", "They built 29.", 1),
        ("numbers_kept", "They built many.", 0),
        ("verbatim", "Leaks turn the meadow into a sponge.", 1),
        ("verbatim", "Entirely other words stand here now.", 0),
        ("own_words", "beavers paint pictures there", 0.75),
        ("annotations", "Beavers are cheaper than contractors.", 1),
        ("annotations", "Beavers.", 0),
        ("order_kept", "- A straight river is an argument.\n- Eight beavers built dams.\n- Leaks turn the meadow into sponge.\n", 1),
        ("order_kept", "- Leaks turn the meadow into sponge.\n- Eight beavers built dams.\n- A straight river is an argument.\n", 0),
    ],
)
def test_a_measure(name: str, text: str, expected: float) -> None:
    assert value(name, text) == pytest.approx(expected)


def test_scripts_without_spaces_are_measured_by_their_signs() -> None:
    given = (Highlight("注意力是我们能给予别人的最稀有的礼物。"), Highlight("时间像河水一样流过每一座城市。"))
    text = "注意力是最稀有的礼物。别的都不重要。"
    assert value("coverage", text, given) == 0.5
    assert 0 < value("own_words", text, given) < 1
    assert 0 < value("verbatim", text, given) < 1
    assert value("compression", text, given) == pytest.approx(16 / 32)


def test_the_length_is_measured_against_the_highlights() -> None:
    size = sum(len(f"{item.text} {item.annotation}".split()) for item in HIGHLIGHTS)
    assert value("compression", "word " * size) == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "text", "highlights"),
    [
        ("bullet_words", "no list", HIGHLIGHTS),
        ("full_stops", "no list", HIGHLIGHTS),
        ("heading_level", "no heading", HIGHLIGHTS),
        ("coverage", "text", ()),
        ("compression", "text", ()),
        ("annotations", "text", HIGHLIGHTS[:1]),
        ("sentence_words", "", HIGHLIGHTS),
    ],
)
def test_what_does_not_apply_is_no_number(name: str, text: str, highlights) -> None:
    assert math.isnan(value(name, text, highlights))


def test_code_comments_and_properties_are_no_part_of_the_text() -> None:
    bare = "## One\n- two three\n"
    dressed = f"---\ntags: [x]\n---\n{bare}\n%% hidden **words** %%\n\n```python\n- no item\n```\n"
    # The outline keeps a one-line comment as text of its own kind; nothing of the rest may count.
    assert [value(name, dressed) for name in ("headings", "bullets", "tags")] == [
        value(name, bare) for name in ("headings", "bullets", "tags")
    ]


@pytest.mark.parametrize(("kind", "side"), [("book", 0.5), ("article", -0.5), ("podcast", -0.5), ("", 0.0)])
def test_a_row_ends_with_the_side_of_its_source(kind: str, side: float) -> None:
    assert measure("text", HIGHLIGHTS, kind=kind) == pytest.approx((*measure("text", HIGHLIGHTS)[:-1], side), nan_ok=True)


def test_the_table_is_sound() -> None:
    assert 24 <= len(FEATURES) <= 40
    assert len(set(NAMES)) == len(NAMES)
    for feature in FEATURES:
        assert feature.aspect in ASPECTS
        assert feature.spread > 0
        assert feature.meaning
        assert feature.unit


@settings(max_examples=150)
@given(st.text(alphabet=st.sampled_from(list('ab 1.#*_->|[]()!$`~\n\t:"“”^%é')) | st.characters(), max_size=120))
def test_any_text_has_measures_within_reason(text: str) -> None:
    row = measure(text, HIGHLIGHTS)
    assert row[-1] == 0
    for feature, found in zip(FEATURES, row[:-1], strict=True):
        assert math.isnan(found) or found >= 0
        assert feature.unit != "share" or math.isnan(found) or found <= 1
    assert measure(text, HIGHLIGHTS) == pytest.approx(row, nan_ok=True)
    read_shape(text)


def test_every_measure_is_documented() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "taste.md").read_text(encoding="utf-8")
    for feature in FEATURES:
        assert f"| {feature.name} | {feature.aspect} | {feature.unit} | {feature.meaning} |" in page
