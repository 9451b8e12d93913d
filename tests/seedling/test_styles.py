"""Styles are deterministic, split between training and evaluation, and hold the bundled sample's person."""

from __future__ import annotations

import random

import pytest

from notewright.records import Highlight, Prompt, Source
from notewright.seedling.styles import DEFAULTS, DIGEST, SPACE, Style, draw_style, title_case, trimmed, write

SOURCE = Source(title="The Slow River Handbook", author="Marit Ekholm-Dray", tags=("rivers", "restoration"))
HIGHLIGHTS = (
    Highlight(
        "Speed breaks bridges, and 41 bends went. The rest is history.",
        annotation="Speed breaks",
        location=12,
        location_type="page",
        chapter="Why",
    ),
    Highlight("My grandmother kept two boats on it.", location=17, location_type="page", chapter="Why"),
    Highlight("A straight river is an argument.", is_favorite=True, location=19, location_type="page", chapter="Why"),
    Highlight("![](https://example.org/x/bed-level.png)", annotation="Bed level", location=20, location_type="page", chapter="Why"),
    Highlight(
        "Incision drains wells. It is quiet.",
        annotation="Dry wells!",
        tags=("ground-water",),
        location=21,
        location_type="page",
        chapter="Why",
    ),
)
PROMPT = Prompt(SOURCE, HIGHLIGHTS, chapter="Why")


def test_the_digest_of_what_was_annotated() -> None:
    assert write(DIGEST, PROMPT) == (
        "## Why\n"
        "> [!quote] p. 19\n"
        "> A straight river is an argument.\n"
        "\n"
        "- **Speed breaks.** Speed breaks bridges, and 41 bends went. (p. 12)\n"
        "\n"
        "![[bed-level.png|center|600]]\n"
        "*Bed level*\n"
        "\n"
        "- **Dry wells!** Incision drains wells. (p. 21) [[Ground Water]]\n"
        "\n"
        "#rivers #restoration"
    )


def test_a_plain_default() -> None:
    assert write(DEFAULTS[0], Prompt(SOURCE, HIGHLIGHTS[:2])) == (
        "## Why\n\n- Speed breaks bridges, and 41 bends went. The rest is history. (p. 12)\n- My grandmother kept two boats on it. (p. 17)"
    )


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        (
            Style(bullet="1. ", select="first 2", trim="first clause"),
            "## Why\n\n1. Speed breaks bridges\n2. My grandmother kept two boats on it",
        ),
        (Style(heading="", bullet="> ", loose=True, select="favourite", place=" — {}"), "> A straight river is an argument. — p. 19"),
        (Style(heading="", select="tagged", tags="#{}", tags_on="below"), "- Incision drains wells. It is quiet.\n  #ground-water"),
        (Style(heading="", select="tagged", annotation="  - {}"), "- Incision drains wells. It is quiet.\n  - Dry wells!"),
        (
            Style(heading="", select="tagged", lead="words", lead_form="**{}** "),
            "- **Incision drains wells. It** Incision drains wells. It is quiet.",
        ),
    ],
)
def test_choices_show(style: Style, expected: str) -> None:
    text_only = Prompt(SOURCE, tuple(h for h in HIGHLIGHTS if not h.text.startswith("![")), chapter="Why")
    assert write(style, text_only) == expected


def test_properties_come_first() -> None:
    note = write(Style(properties="title tags"), Prompt(SOURCE, HIGHLIGHTS[:1]))
    assert note.startswith("---\ntitle: The Slow River Handbook\ntags:\n  - rivers\n  - restoration\n---\n\n## Why")


def test_a_note_is_never_empty() -> None:
    bare = Prompt(Source(title="Untitled"), (Highlight("Words without anything."),))
    for seed in range(200):
        assert write(draw_style(random.Random(seed)), bare).strip()


def test_draws_repeat_and_evaluation_styles_are_apart() -> None:
    training = [draw_style(random.Random(seed)) for seed in range(300)]
    assert training == [draw_style(random.Random(seed)) for seed in range(300)]
    held_out = [draw_style(random.Random(seed), held_out=True) for seed in range(300)]
    assert all(style.held_out() for style in held_out)
    assert not set(training) & set(held_out)


def test_every_choice_is_a_field_with_values() -> None:
    assert set(SPACE) == set(Style.__dataclass_fields__)
    for name, values in SPACE.items():
        assert getattr(Style(), name) in [value for value, _ in values], name


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("whole", "Mr. Okafor counted twice; once was wrong. Nobody asked."),
        ("first sentence", "Mr. Okafor counted twice; once was wrong."),
        ("last sentence", "Nobody asked."),
        ("first clause", "Mr. Okafor counted twice"),
        ("eight words", "Mr. Okafor counted twice; once was wrong. Nobody…"),
    ],
)
def test_trimming(how: str, expected: str) -> None:
    assert trimmed("Mr. Okafor counted twice;\n once was wrong. Nobody asked.", how) == expected


def test_title_case() -> None:
    assert title_case("dead-wood/in_rivers") == "Dead Wood In Rivers"
