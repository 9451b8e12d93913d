"""What is said about drafted sections: nothing about the sample's own passages, something about each kind of damage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from notewright.records import Highlight
from notewright.vault.index import VaultIndex, build_index
from notewright.vault.lint import find_problems
from notewright.vault.notes import parse_note

HIGHLIGHTS = (
    Highlight(text="Between 1890 and 1935 they removed 41 bends from a river that had 58.", location=12, location_type="page"),
    Highlight(
        text="A straight river is an argument that has not met its flood yet.",
        annotation="The best line",
        location=12,
        location_type="page",
    ),
    Highlight(text="![](https://images.example.org/bed-level.png)", chapter="Floods", location=725),
)
GOOD = """## Floods
> [!quote] p. 12
> A straight river is an argument that has not met its flood yet.

- **Bends go.** They removed 41 bends between 1890 and 1935. (p. 12) [[Rivers]]
- **The equation.** It costs $5 and $Q = A v$ holds, as in `a $ b`.

![[bed-level.png|center|600]]

$$
x = 58
$$

#rivers #a/b-1
"""


def reasons(text: str, **given: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(finding.reason for finding in find_problems(text, **given)))


def test_a_good_section_has_no_problems() -> None:
    assert reasons(GOOD, highlights=HIGHLIGHTS) == ()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (" \n", "empty"),
        ("A $x + y without end.", "$"),
        ("$$\nx = 58\n", "$$"),
        ("```\ncode", "never closed"),
        ("> [!tip]\n\ntext.", "no body"),
        ("> [!tip]\n- text.", "no body"),
        ("[!quote] p. 12\n> x.", "lacks its '>'"),
        ("See [[Rivers.", "broken"),
        ("See Rivers]].", "broken"),
        ("![[bed-level.png|center|600", "broken"),
        ("See [this](https://exa", "cut off"),
        ("Fine.<|im_end|>", "chat residue"),
        ("</think>\nFine.", "chat residue"),
        ("Sure! Here is the note:\n\nFine.", "chat residue"),
        ("![[other.png]]", "neither in the highlights nor in the vault"),
        ("![](https://evil.example.org/x.png)", "in no highlight"),
        ("They removed 99 bends.", "number 99"),
        ("It fell by 7%.", "number 7%"),
        ("> [!quote]\n> A straight river is a promise that met its flood.", "quotation"),
        ("> A straight river is a promise that met its flood.", "quotation"),
        ("As he says, “a river is a promise that met its flood”.", "quotation"),
        ("- A straight river is an argument.\n- A straight river is an argument.", "2 times"),
        ("the flood the flood the flood the flood the flood.", "over and over"),
        ("- They removed the bends from the", "breaks off"),
        ("- They removed bends.\n- The river was straight then.\n- The flood came and took it all aw", "breaks off"),
        ("Text.\n\n## Next", "heading that has nothing"),
    ],
)
def test_each_kind_of_damage_is_named(text: str, word: str) -> None:
    problems = reasons(text, highlights=HIGHLIGHTS)
    assert any(word in problem for problem in problems), problems


@pytest.mark.parametrize(
    "text",
    [
        "> A straight river […] has not met its flood yet.",
        "> [!quote]\n> A straight river is an argument that has not met its flood yet. (p. 12)\n> — Someone",
        "> [!note] My thought\n> Entirely my own words about this.",
        "1. One thing.\n2. Another thing.",
        "At 12:05 he stops.",
        "Costs $5 or $6 a day.",
        "- bends\n- floods",
        "He said “no”.",
    ],
)
def test_what_is_fine_is_left_alone(text: str) -> None:
    assert reasons(text, highlights=HIGHLIGHTS) == ()


SAID = "However, please see [What Is An Emergency?](../emergencies.md#what) and call `read_book` by name,"


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        (f"> {SAID}", True),  # link and code in the quotation
        (f"> [!quote]\n> {SAID} [p. 12] #tag", True),
        (f"> {SAID} (p.12)", True),
        (f"> {SAID} (page xii)", True),
        (f"> {SAID} (S. 12)", True),
        (f"> {SAID} (Seite 12 f.)", True),
        (f"> {SAID} (Pos. 12)", True),
        (f"> {SAID} (Page 12)", True),
        (f"> {SAID}, S. 12", True),
        (f"> {SAID} (S. Holm)", False),
        (f"> {SAID} (people always say so)", False),
        (
            f"> **Ask.** {SAID} (p. 12) #tag\n> **A rule.** A straight river is an argument that has not met its flood yet. [[Rivers]]",
            True,
        ),
        (f"> {SAID.replace('An Emergency', 'No Emergency')}", False),
        (f"> {SAID.replace('read_book', 'read_page')}", False),
        (f"> **In short.** {SAID} (p. 12)\n> **A rule.** A straight river is an argument that has not met its ford yet.", False),
        (f"> **However, please see** {SAID.removeprefix('However, please see')}", True),
        (f"> **It is never so, but** {SAID}", False),  # bold words without a mark are part of the quotation
        (f"- {SAID}", True),  # breaks off where the highlight does
        ("- However, please see what an emergency is and call,", False),
    ],
)
def test_quotations_and_endings_are_those_of_the_highlights(text: str, fine: bool) -> None:
    problems = reasons(text, highlights=[*HIGHLIGHTS, Highlight(text=SAID, location=12, location_type="page")])
    assert fine == (not problems), problems


@pytest.mark.parametrize(
    ("ending", "fine"),
    [("~ Hanna Vance, 3 marks", True), ("- They say so in all three of", False), ("- Hanna Vance made three marks", False)],
)
def test_a_signature_need_not_end_as_the_list_above_it(ending: str, fine: bool) -> None:
    text = f"- They removed the bends.\n- The river was straight then.\n\n{ending}"
    found = reasons(text, highlights=HIGHLIGHTS, known="Hanna Vance 3")
    assert fine == (not any("breaks off" in problem for problem in found)), found


@pytest.mark.parametrize(("ending", "fine"), [("*silence and*", True), ("*noise and*", False), ("*on silence and*", False)])
def test_a_short_annotation_may_be_the_last_line_as_it_is(ending: str, fine: bool) -> None:
    marked = Highlight(text="These hours are sacred to musing.", annotation="silence and")
    assert fine == (reasons(f"- These hours are sacred to musing.\n  {ending}", highlights=[marked]) == ())


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("- These hours are sacred to musing. (p. 4) → silence and", True),
        ("- These hours are sacred to musing.\n  - Note: silence and", True),
        ("- These hours are sacred to musing. (p. 4) → noise and", False),
        ("> These hours are sacred to musing. [[Hours]] → silence and", True),
        ("> These hours are sacred to musing. → what a thing to say of them", False),
        ("- These hours are sacred to musing.\n\n#hours\n\n---", True),
        ("- These hours are sacred to musing ;\n- They are sacred to silence ;\n- They are hours to muse in ;", True),
        ("- These hours are sacred to musing.\n- They are sacred to silence.\n- They are hours ;", False),
    ],
)
def test_a_remark_beside_a_quotation_is_the_persons_own(text: str, fine: bool) -> None:
    marked = Highlight(
        text="These hours are sacred to musing. They are sacred to silence. They are hours to muse in.", annotation="silence and"
    )
    problems = reasons(text, highlights=[marked])
    assert fine == (not problems), problems


def test_what_is_marked_twice_may_be_said_twice() -> None:
    text = "- A straight river is an argument.\n- A straight river is an argument."
    marked = Highlight(text="A straight river is an argument.")
    assert reasons(text, highlights=[marked, marked]) == ()
    assert reasons(text, highlights=[marked]) != ()


def test_files_of_the_vault_and_known_facts_are_fine() -> None:
    text = "Episode 41 of “The title that we all know well” shows ![[other.png|600]] here."
    assert len(reasons(text.replace("41", "77"), highlights=HIGHLIGHTS)) == 3
    index = VaultIndex(paths=["Assets/other.png"])
    assert reasons(text, highlights=HIGHLIGHTS, vault_index=index, known="The title that we all know well") == ()


def test_the_samples_own_passages_pass(sample: Path) -> None:
    """The person's own sections, checked against their whole export: at most a few may look odd."""
    import json

    from notewright.importers.api_export import read_book

    listed = json.loads((sample / "readwise-api.json").read_text(encoding="utf-8"))["results"]
    highlights = [item for book in listed for item in read_book(book, []).highlights]
    index = build_index(sample / "vault")
    odd = []
    count = 0
    for path in sorted((sample / "vault" / "Notes").rglob("*.md")):
        for passage in parse_note(path.name, path.read_bytes()).passages:
            if len(passage.headings) > 1:
                count += 1
                problems = reasons(passage.text, highlights=highlights, vault_index=index)
                odd += [(passage.headings[-1], problem) for problem in problems]
    assert count >= 60
    assert len(odd) <= count * 0.1, odd


@pytest.mark.parametrize(
    "text",
    [
        "Of course, there are exceptions to every rule of thumb.",
        "Certainly, nobody noted the atmosphere of it.",
        "Here is the section of the law that they mean.",
        "`xs |> List.map f` does it.",
        "<s>ten</s> eleven",
        "### Response\n\nIt came late.",
        "He could only say no, no, no, no.",
        "| x | y |\n|---|---|\n| 10 | 10 |\n| 10 | 10 |",
        "> I answer as an AI language model.",
    ],
)
def test_what_a_highlight_says_is_no_residue_and_no_loop(text: str) -> None:
    assert reasons(text, highlights=[Highlight(text.removeprefix("> "))]) == ()


@pytest.mark.parametrize(
    ("text", "said", "word"),
    [
        ("> - Knowledge is the most powerful weapon that any free people can hold.", "Other words.", "quotation"),
        ("Er sagte „Wissen ist die größte Macht aller Menschen“ dazu.", "Anderes.", "quotation"),
        ("Il dit « le savoir est la plus grande force » et part.", "Autre chose.", "quotation"),
        ("销售额在2023年增长了很多。", "销售额有所增长。", "2023"),
        ("Es waren 25 Meter.", "Es waren 2,5 Meter.", "25"),
        ("It is so so so so big.", "It is big.", "over and over"),
        ("Fine.</s>", "Fine.", "residue"),
        ("### Response:\nFine.", "Fine.", "residue"),
    ],
)
def test_what_no_highlight_says_is_found_in_other_languages_and_forms_too(text: str, said: str, word: str) -> None:
    assert word in " ".join(reasons(text, highlights=[Highlight(said)]))


def test_a_decimal_comma_is_a_point_and_one_before_three_digits_none() -> None:
    assert reasons("It was 3.5 metres, or 1,200 feet.", highlights=[Highlight("It was 3,5 metres, or 1200 feet.")]) == ()
