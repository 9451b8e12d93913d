"""Drafts are mended where there is one way to, and left to the gates elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notewright.records import Highlight
from notewright.vault.index import VaultIndex
from notewright.vault.links import targets
from notewright.vault.lint import find_problems
from notewright.vault.repair import Repaired, repair_draft
from notewright.vault.tokens import tokenize

HIGHLIGHTS = (
    Highlight(text="![](https://images.example.org/x/bed-level.png)\nThe bed fell.", url="https://read.example.org/1", tags=("rivers",)),
    Highlight(text="See [[Hydraulics]] and https://example.org/flood-report.pdf for more."),
)
INDEX = VaultIndex(paths=["Notes/Groundwater.md", "Assets/old map.png", "bed-level.png"])  # the note is empty


def repaired(text: str) -> str:
    return repair_draft(text, highlights=HIGHLIGHTS, known="The Slow River\nMarit Ekholm", vault_index=INDEX, linked={"Dead Wood"}).text


@pytest.mark.parametrize(
    "text",
    [
        "![[bed-level.png|center|600]]\nfine [[Hydraulics]] [[groundwater|x]] [[Dead Wood]] [[Marit Ekholm]] [[rivers]]",
        "![[old map.png]] [r](https://example.org/flood-report.pdf) https://read.example.org/1.",
        "`[[Nowhere]]`\n\n## Here\n\nand [[#Here]] %%[[Nowhere]]%%",
        "[a](Notes/Groundwater.md) [b](old%20map.png)\n\n## X y\n[c](#x%20y)",
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
        ("see [[Groundwater#Nope|it]] and [[Groundwater#^b1]]", "see [[Groundwater|it]] and [[Groundwater]]"),
        ("kept[^1]\n\n[^1]: see [[Nowhere]] x", "kept[^1]\n\n[^1]: see Nowhere x"),
        ("see [[Hydraulics#Nope|it]]", "see [[Hydraulics|it]]"),
        ("see [[#Nope]] or [[#^b1|there]]", "see Nope or there"),
        ("a [map](maps/new.pdf), a [vault](obsidian://open?vault=x) x", "a map, a vault x"),
        ("a [part](Notes/Groundwater.md#Nope) or [one](#nope)", "a part or one"),
    ],
)
def test_what_has_one_way_is_mended(text: str, expected: str) -> None:
    result = repair_draft(text, highlights=HIGHLIGHTS, vault_index=INDEX)
    assert result.text == expected
    assert result.repairs
    assert repaired(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "![[quite-another-thing.png]]",
        "![[Some Note#Part]]",
        "![[Groundwater#Part]]",
        "![[Groundwater#^b1]]",
        "![x](quite/another.png)",
        "Look at https://evil.example.net/x now.",
        "> [!note] ![[quite-another-thing.png]]\n> it rained",
        "![[#^b1]]",
        "(where:: [[Nowhere]])",
        "x [a][1]\n\n[1]: https://evil.example.net/x",
        '<img src="quite-another-thing.png" width=60>',
        "<a href='https://evil.example.net/x'>x</a>",
        "<video src=film.mp4></video>",
        "[![[quite-another-thing.png]]](https://read.example.org/1)",
        "[![x](another.png)](https://read.example.org/1)",
        "![[quite-another-thing.png]] | center | 600",
        "| a | b |\n| --- | --- |\n| ![[quite-another-thing.png\\|60]] | c |",
    ],
)
def test_what_cannot_be_mended_is_rejected(text: str) -> None:
    problems = find_problems(repaired(text), highlights=HIGHLIGHTS, vault_index=INDEX, linked={"Dead Wood"})
    assert "invented asset" in {problem.gate for problem in problems}


SHELVES = VaultIndex(paths=["Assets/bed-level.png", "Assets/old map.png", "A/twice.png", "B/twice.png", "Notes/a.md"])
ON_SHELVES = (*HIGHLIGHTS, Highlight(text="![](https://images.example.org/x/twice.png) and https://images.example.org/x/still-to-come.png"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("![[mow-river/bed-level.png|center|600]]", "![[bed-level.png|center|600]]"),
        ("![[x/bed-level.png|600]]", "![[bed-level.png|600]]"),  # the highlight's address has that folder, the vault has not
        ("![[x/bed-levle.png]]", "![[bed-level.png]]"),
        ("![[mow/old map.png\\|60]]", "![[old map.png\\|60]]"),
        ("![old|60](mow/old%20map.png)", "![old|60](old%20map.png)"),
        ("![old](<mow/old map.png> 'x')", "![old](<old map.png> 'x')"),
        ("![](https://elsewhere.example.net/bed-level.png)", "![](https://images.example.org/x/bed-level.png)"),
        ("![[Assets/bed-level.png]] ![[assets/old map.png]]", "![[Assets/bed-level.png]] ![[assets/old map.png]]"),
        ("![[still-to-come.png]] ![[Assets/still-to-come.png]]", "![[still-to-come.png]] ![[Assets/still-to-come.png]]"),
    ],
)
def test_a_folder_that_is_not_there_is_left_out_where_one_file_has_that_name(text: str, expected: str) -> None:
    mended = repair_draft(text, highlights=ON_SHELVES, vault_index=SHELVES, linked={"not yet loaded.png"}).text
    assert mended == expected
    problems = find_problems(mended, highlights=ON_SHELVES, vault_index=SHELVES, linked=set())
    assert "invented asset" not in {problem.gate for problem in problems}


@pytest.mark.parametrize("text", ["![[mow/twice.png]]", "![[mow/still-to-come.png]]", "<img src=mow/bed-level.png>", "![](mow/twice.png)"])
def test_a_folder_that_is_not_there_is_blocked_where_more_or_no_files_have_that_name(text: str) -> None:
    mended = repair_draft(text, highlights=ON_SHELVES, vault_index=SHELVES, linked={"not yet loaded.png"}).text
    assert mended == text
    problems = find_problems(mended, highlights=ON_SHELVES, vault_index=SHELVES, linked=set())
    assert "invented asset" in {problem.gate for problem in problems}


WEB = "https://images.example.org/x/still-to-come.png"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("![[still-to-come.png|600]]", f"![|600]({WEB})"),
        ("![[still-to-come.png]]", f"![]({WEB})"),
        ("![[x/still-to-come.png|center|600x300]]", f"![center|600x300]({WEB})"),
        ("![[still-to-cmoe.png| 600]]", f"![| 600]({WEB})"),
        ("| a |\n|---|\n| ![[still-to-come.png\\|60]] |", f"| a |\n|---|\n| ![\\|60]({WEB}) |"),
        (f"![[still-to-come.png]]\n\ntext\n\n![]({WEB})\n\nmore", f"![]({WEB})\n\ntext\n\nmore"),
        ("![[bed-level.png|600]]", "![[bed-level.png|600]]"),  # the vault has it
        ("![[local.png|600]]", "![[local.png|600]]"),  # so does the highlight, by this name
        ("![[twice-named.png|600]]", "![[twice-named.png|600]]"),
    ],
)
def test_a_picture_that_only_the_network_has_is_shown_from_there(text: str, expected: str) -> None:
    given = Highlight("![[local.png]] https://a.org/local.png https://a.org/twice-named.png https://b.org/twice-named.png")
    linked = {"bed-level.png", "old map.png", "https://a.org/seen.png"}
    mended = repair_draft(text, highlights=(*ON_SHELVES, given), vault_index=SHELVES, linked=linked).text
    assert mended == expected
    assert not find_problems(mended, highlights=(*ON_SHELVES, given), vault_index=SHELVES, linked=linked)


def test_where_pictures_come_later_or_the_vault_is_not_known_the_name_stays() -> None:
    text = "![[still-to-come.png|600]]"
    assert repair_draft(text, highlights=ON_SHELVES).text == text
    later = {"bed-level.png", "to load.png", "to load too.png"}
    assert repair_draft(text, highlights=ON_SHELVES, vault_index=SHELVES, linked=later).text == text


TARGETS = ["other.png", "Nowhere", "Groundwater#Part", "#^b1", "https://evil.example.net/x.png", "another.pdf", "bed-level.png"]
TARGETS += ["mow/bed-level.png"]
FORMS = ["![[%s]]", "[[%s|x]]", "![x](%s)", "[x](<%s>)", "%s", '<img src="%s">']
BETWEEN = st.sampled_from(["\n", "\n\n", "> ", "- ", "| ", "**", "~~~\n", "%%", "`", "[^1]: ", "(", ")", " word "])
LEADING = st.builds(lambda form, target: form % target, st.sampled_from(FORMS), st.sampled_from(TARGETS))


def test_a_source_and_its_authors_may_be_linked_to_and_not_any_words_about_it() -> None:
    known = "Low Water: A Year on the Slow River\nMarit Ekholm and Ida Brandt\nOn curiosity and play in dry years."
    text = "Of [[Low Water]], [[A Year on the Slow River]] and [[Ida Brandt]], with [[curiosity and play]] on [[the Slow]].\n"
    mended = repair_draft(text, highlights=HIGHLIGHTS, known=known, vault_index=INDEX, linked=set()).text
    assert mended == "Of [[Low Water]], [[A Year on the Slow River]] and [[Ida Brandt]], with curiosity and play on the Slow.\n"


@given(st.lists(BETWEEN | LEADING, max_size=12).map("".join))
def test_after_repair_nothing_leads_nowhere_unseen(text: str) -> None:
    """What Obsidian would show of a draft that passes, it can show."""
    mended = repaired(text)
    problems = find_problems(mended, highlights=HIGHLIGHTS, vault_index=INDEX, known="The Slow River\nMarit Ekholm", linked={"Dead Wood"})
    if "invented asset" in {problem.gate for problem in problems}:
        return
    data = mended.encode()
    for kind, target in targets(data, [token for token in tokenize(data) if token.kind not in ("comment", "html_comment")]):
        assert target in ("bed-level.png", "Groundwater"), kind


@given(st.text())
def test_any_draft_is_taken(text: str) -> None:
    mended = repaired(text)
    assert repaired(mended) == mended or "[[" in mended


@pytest.mark.parametrize(
    ("one", "other"),
    [("![](https://ex.org/2023/chart.png)", "![](https://ex.org/2024/chart.png)"), ("![[doc.pdf#page=3]]", "![[doc.pdf#page=5]]")],
)
def test_two_pictures_that_are_called_alike_are_two(one: str, other: str) -> None:
    text = f"{one}\n\nFirst.\n\n{other}\n\nSecond."
    repaired = repair_draft(text, highlights=[Highlight(one), Highlight(other)])
    assert (repaired.text, repaired.repairs) == (text, ())
    again = repair_draft(f"{one}\n\nFirst.\n\n{one}\n\nSecond.", highlights=[Highlight(one)])
    assert again.text.count(one) == 1


@pytest.mark.parametrize("address", ["https://en.wikipedia.org/wiki/River_(geology)", "https://en.wikipedia.org/wiki/Hilbert's_problems"])
@pytest.mark.parametrize("form", ["{}", "<{}>", "[it]({})"])
def test_addresses_with_brackets_or_an_apostrophe_stay_as_they_were_given(address: str, form: str) -> None:
    for shown in (address, address.replace("(", "\\(").replace(")", "\\)")):
        highlights = [Highlight(text=f"See [it]({shown}) there.")]
        text = f"See {form.format(address)} for more."
        assert repair_draft(text, highlights=highlights) == Repaired(text)
        assert not [found for found in find_problems(text, highlights=highlights) if found.gate == "invented asset"]


@pytest.mark.parametrize(
    ("end", "mended"),
    [
        ("# rivers #craft\n", "#rivers #craft\n"),
        ("# Slow-Water #craft # rivers", "#Slow-Water #craft #rivers"),
        ("# rivers", "#rivers"),
        ("# Silt #craft", ""),  # no tag that is known
        ("# rivers and silt", ""),
        ("## rivers", ""),
        ("# rivers\n\nThe bed fell.", ""),
        ("#rivers #craft", ""),
    ],
)
def test_a_tags_mark_with_a_space_behind_it_is_no_heading(end: str, mended: str) -> None:
    text = f"## The Bed\n\n- It fell.\n\n{end}"
    result = repair_draft(text, highlights=HIGHLIGHTS, tags=("slow water",))
    assert result.text == (text.replace(end, mended) if mended else text)
    assert bool(result.repairs) == bool(mended)
