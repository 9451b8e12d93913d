"""What is said to stand at a place stands there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from notewright.gates import Habits, check
from notewright.records import Highlight
from notewright.vault import repair_draft

BENDS = Highlight(id="1", text="Between 1890 and 1935 they removed 41 bends from a river that had 58.", location=12, location_type="page")
FLOOD = Highlight(
    id="2",
    text="A straight river is an argument that has not met its flood yet.",
    annotation="The best line",
    location=27,
    location_type="page",
)
BEAVER = Highlight(id="3", text="In many cases a beaver needs eleven nights for a dam.", location=725, location_type="location")
TALK = Highlight(id="4", text="Every lake is a river that somebody has persuaded to wait.", location=3905, location_type="time_offset")
MEANDERS = Highlight(id="5", text="Meanders wander some 4 metres a year; see p. 12 for the bends.", location=40, location_type="page")
ALL = (BENDS, FLOOD, BEAVER, TALK, MEANDERS)


def wrong(text: str) -> list[str]:
    found = check(text, highlights=ALL, habits=Habits(60, {}, {}))
    return [text[finding.start : finding.end] for finding in found if finding.gate == "wrong reference"]


@pytest.mark.parametrize(
    "line",
    [
        f"- {BENDS.text} (p. 27)",
        f"- **The best line.** {BENDS.text} (p. 27) [[Rivers]]",
        f"- {TALK.text} (loc. 725)",
        f"- {FLOOD.text} (1:05:05)",
        f"- {BEAVER.text} *(page 27)*",
        "- From 1890 to 1935 a river with 58 bends lost 41 of them (S. 27)",
        f"> [!quote] p. 40\n> {FLOOD.text}",
    ],
)
def test_a_place_of_another_highlight_is_found_on_its_line(line: str) -> None:
    text = f"## Rivers\n\n- {MEANDERS.text} (p. 40)\n\n{line}\n"
    assert wrong(text) == [next(part for part in line.split("\n") if any(char.isdigit() for char in part))]


@pytest.mark.parametrize(
    "line",
    [
        f"- {BENDS.text} (p. 12)",
        f"- {BENDS.text} {FLOOD.text} (p. 12)",  # two together, by the place of one
        f"- {BENDS.text} (pp. 12–14)",
        f"- {TALK.text} (1:05:05)",
        f"- {BENDS.text} (p. 99)",  # of none: another gate's
        f"- {TALK.text} At 7:25 in the morning.",
        f"- {FLOOD.text} See p. 12 for the bends.",  # what a highlight says itself
        "- In many cases (loc. 725)",  # too few words to tell
        "- The best line (p. 27)",
        "## p. 27",
        f"> [!quote] p. 27\n> {FLOOD.text}",
        f"- {BENDS.text} ![[page 27.png]]",
    ],
)
def test_a_place_that_fits_or_tells_nothing_is_left_alone(line: str) -> None:
    assert wrong(line) == []


@pytest.mark.parametrize(
    ("line", "right"),
    [
        (f"- {BENDS.text} (p. 27)", f"- {BENDS.text} (p. 12)"),
        (f"- {TALK.text} (loc. 725)", f"- {TALK.text} (loc. 725)"),  # a time is no location: which of the two was meant?
        (f"- **The best line.** {FLOOD.text} [[Dams]] #wet (page 40) ^p", f"- **The best line.** {FLOOD.text} [[Dams]] #wet (page 27) ^p"),
        (f"> [!quote] p. 40\n> {FLOOD.text}", f"> [!quote] p. 27\n> {FLOOD.text}"),
        (f"- **The best line.** {BENDS.text} (p. 27)", f"- **The best line.** {BENDS.text} (p. 27)"),  # a lead-in of another highlight
        (f"- Sadly, {BENDS.text} (p. 27)", f"- Sadly, {BENDS.text} (p. 27)"),  # words of nobody's
        (f"- {BENDS.text} (p. 27, p. 12)", f"- {BENDS.text} (p. 27, p. 12)"),  # the true place stands there already
        (f"- {BENDS.text} {MEANDERS.text} (p. 27)", f"- {BENDS.text} {MEANDERS.text} (p. 27)"),  # of two
        (f"- {BENDS.text} (p. 99)", f"- {BENDS.text} (p. 99)"),
    ],
)  # fmt: skip
def test_a_place_is_put_right_where_nothing_else_is_of_another_highlight(line: str, right: str) -> None:
    text = f"## Rivers\n\n- {MEANDERS.text} (p. 40)\n\n{{}}\n\n- Ünd so weiter 🌊\n"
    mended = repair_draft(text.format(line), highlights=ALL, linked={"Dams"})
    assert mended.text == text.format(right)
    assert bool(mended.repairs) == (line != right)


def test_times_are_written_as_readers_write_them() -> None:
    early = replace(FLOOD, location=725, location_type="time_offset")
    mended = repair_draft(f"- {TALK.text} (12:05)\n- {early.text} (1:05:05)\n", highlights=(TALK, early))
    assert mended.text == f"- {TALK.text} (1:05:05)\n- {early.text} (12:05)\n"
    assert mended.repairs == (
        "12:05 became 1:05:05, where that highlight stands",
        "1:05:05 became 12:05, where that highlight stands",
    )


def test_a_sentence_of_a_highlight_under_another_one_is_said_twice() -> None:
    globe = Highlight(
        id="6", text="Sailors loved it for one reason. It was never meant to hang in a room at all.", location=5, location_type="page"
    )
    peel = Highlight(
        id="7", text="My students peel an orange. Those who give up early become cartographers.", location=6, location_type="page"
    )
    sentence = "It was never meant to hang in a room at all."
    text = f"- **Made for pencils.** {sentence} (p. 5)\n- **Give up.** {sentence} (p. 6)\n"
    gates = {finding.gate for finding in check(text, highlights=(globe, peel), habits=Habits(60, {}, {}))}
    assert {"repeats", "wrong reference"} <= gates
    assert not check(f"> [!quote]\n> {sentence}\n\n- {sentence} (p. 5)\n", highlights=(globe,), habits=Habits(60, {}, {}))
