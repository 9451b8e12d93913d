"""What highlights tell of a passage: the rest is cut out of what is taught, whole lines at a time where it can be, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import small_world
from notewright import datasets
from notewright.datasets.sft import OWN_WORDS
from notewright.datasets.told import told, ways
from notewright.library import Library
from notewright.library.examples import Example, shape
from notewright.provenance import provenance
from notewright.records import Highlight, Prompt, Source

RIVER = "Between 1890 and 1935 the engineers of the Varde district removed 41 bends from a river that had 58 of them."
ALDER = "A single fallen alder can hold back forty tonnes of gravel, and without it the gravel leaves within one winter."
BEES = "My grandmother kept bees behind the church and let us turn the handle of the extractor."
BREAD = "Bakers in Lyon used to weigh their loaves twice before sunrise."


def example(passage: str, *, number: int = 1, source: str = "s", title: str = "Rivers") -> Example:
    highlights = (Highlight(RIVER, id="a", chapter="Straight water"), Highlight(ALDER, id="b", annotation="beavers do this too"))
    prompt = Prompt(source=Source(title=title, author="Inger Holm", id=source), highlights=highlights)
    return Example(prompt, passage, f"pair-{number}", f"{number}.md", 0.8, shape(prompt))


def cut(item: Example, known: frozenset[str] = frozenset()) -> str | None:
    return told(item, provenance(item.passage, item.prompt.highlights), known)


@pytest.mark.parametrize(
    ("passage", "left"),
    [
        (f"## Water\n\n- {RIVER}\n- {BEES}\n- {ALDER}", f"## Water\n\n- {RIVER}\n- {ALDER}"),
        (f"> {BEES} {RIVER} {BREAD}\n\n{ALDER}", f"> {RIVER}\n\n{ALDER}"),
        (f"> =={RIVER} {BEES}==\n> \n> {ALDER}", f"> =={RIVER}==\n> \n> {ALDER}"),
        (f"> =={BEES} {RIVER}== {ALDER}", f"> =={RIVER}== {ALDER}"),
        (f"> {BEES}\n> \n> {RIVER}\n\n{ALDER}", f"> {RIVER}\n\n{ALDER}"),
        (f"- {BEES}\n    - {RIVER}\n        - {ALDER}\n- Inger Holm", f"- {RIVER}\n    - {ALDER}\n- Inger Holm"),
        (f"## Home\n\n{BEES}\n\n### Older\n\n{BREAD}\n\n## River\n\n{RIVER} {ALDER}", f"## River\n\n{RIVER} {ALDER}"),
        (f"{RIVER}\n{ALDER}\n[{BEES}](https://bees.example/a_(b))", f"{RIVER}\n{ALDER}"),
        (f"*{BEES} {RIVER}* {ALDER}", f"*{RIVER}* {ALDER}"),
        (f"***{BEES} {RIVER}*** {ALDER}", f"***{RIVER}*** {ALDER}"),
        (f"{RIVER} [[Bees. Church|Grandmother's handle]] extractor. {ALDER}", f"{RIVER} {ALDER}"),
        (f"> [!note] Rivers\n> - {BEES}\n>     - {RIVER}\n>\t- {ALDER}", f"> [!note] Rivers\n> - {RIVER}\n>- {ALDER}"),
        (f"> [!quote] Own thought\n> {BEES}\n\n{RIVER} {ALDER}", f"{RIVER} {ALDER}"),
        (f"- {RIVER}\n- {BEES}\n  {ALDER}", f"- {RIVER}\n- {ALDER}"),
        (f"- {BEES}\n    - {BREAD}\n        - {RIVER}\n            - {RIVER}\n- {ALDER}", f"- {RIVER}\n    - {RIVER}\n- {ALDER}"),
        (f"1. {BEES}\n   {RIVER}\n2. {ALDER}", f"1. {RIVER}\n2. {ALDER}"),
        (f"- {BEES}\n    ```\n    x\n    ```\n- {RIVER} {ALDER}", f"- ```\n    x\n    ```\n- {RIVER} {ALDER}"),
        (f"1. {RIVER}\n2. {BEES}\n3. {ALDER}", f"1. {RIVER}\n2. {ALDER}"),
        (f"{RIVER} “{BEES} {BREAD}” {ALDER}", f"{RIVER} {ALDER}"),
        (f"{RIVER}\n\n```\na\n\n\n\nb\n```\n\n{BEES}\n\n{ALDER}", f"{RIVER}\n\n```\na\n\n\n\nb\n```\n\n{ALDER}"),
        (f"{RIVER}\n\n```\na\n```py\n```\n\n{BEES}\n\n{ALDER}", f"{RIVER}\n\n```\na\n```py\n```\n\n{ALDER}"),
        (f"{RIVER} Church | bees: {BREAD}\n\n{ALDER}", f"{RIVER}\n\n{ALDER}"),
        (f"- {RIVER}\n- \\[`001`\\] {BEES}\n- {ALDER}", f"- {RIVER}\n- {ALDER}"),
        (f"- {RIVER}\n\n    > {BEES}\n\n- {ALDER}", f"- {RIVER}\n\n- {ALDER}"),
        (f"{RIVER} {BEES} {BREAD} ^bread\n\n{ALDER}", f"{RIVER} {BREAD} ^bread\n\n{ALDER}"),
        (f"{RIVER}\n\n{BEES}\n\n    code\n\n{ALDER}", f"{RIVER}\n\n    code\n\n{ALDER}"),
        (f"### {RIVER}\n\n{BEES}\n\n### {ALDER}", f"### {RIVER}\n\n### {ALDER}"),
        (f"> [!quote] {RIVER}\n> {BEES}\n\n{ALDER}", f"> [!quote] {RIVER}\n\n{ALDER}"),
        (f"*{RIVER}\nBees: 2 ** 3 churches and grandmothers.*\n\n{ALDER}", f"*{RIVER}*\n\n{ALDER}"),
        (f"- **{RIVER}\n  {BEES}**\n- {ALDER}", f"- **{RIVER}**\n- {ALDER}"),
        (f"*{BEES}\n{RIVER}*\n\n{ALDER}", f"*{RIVER}*\n\n{ALDER}"),
        (f"{ALDER}\n\n=={RIVER} {BEES}\n{BREAD}==", f"{ALDER}\n\n=={RIVER}=="),
        (f"{RIVER} {BEES[:-1]}*. {ALDER}", f"{RIVER} {ALDER}"),
        (f'{RIVER} {BEES[:-1]} of 5". {ALDER}', f"{RIVER} {ALDER}"),
        (f"{RIVER[:-1]} (*. {BEES} {ALDER}", f"{RIVER[:-1]} (*. {ALDER}"),
        (f"    - {RIVER}\n    - {BEES}\n    - {ALDER}", f"    - {RIVER}\n    - {ALDER}"),
        (f"\t- {RIVER}\n\t\t- {BEES}\n\t- *{BREAD} {ALDER}*", f"\t- {RIVER}\n\t- *{ALDER}*"),
        (f"\t- {BEES}\n\t\t- {RIVER}\n\t\t- {ALDER}", f"\t- {RIVER}\n\t- {ALDER}"),
        (f"## Water\n\n    1. {RIVER}\n    2. {BEES}\n    3. {ALDER}", f"## Water\n\n    1. {RIVER}\n    2. {ALDER}"),
        (f"{RIVER}\n\n    - {BEES}\n    - {ALDER}\n\n{BREAD}", f"{RIVER}\n\n    - {ALDER}"),
        (f"> [!note] Rivers\n>     - {RIVER}\n>     - {BEES}\n>     - {ALDER}", f"> [!note] Rivers\n>     - {RIVER}\n>     - {ALDER}"),
        (f"- ~~{BEES}~~ <u>{BREAD}</u> ![[a.png]] {BREAD}\n- {RIVER}", f"- ~~{BEES}~~ <u>{BREAD}</u> ![[a.png]]\n- {RIVER}"),
    ],
)
def test_what_the_highlights_do_not_tell_is_cut(passage: str, left: str) -> None:
    assert cut(example(passage)) == left


@pytest.mark.parametrize(
    "passage",
    [
        f"# Rivers, by Inger Holm\n\n{RIVER}\n\n*Beavers do this too:* {ALDER}\n",
        f"- **41 bends** went\n- an alder holds forty tonnes of gravel back\n\n![[map.png|center|600]]\n\n{RIVER}",
        f"{RIVER}\n\n$$\n\\text{{Bakers in Lyon}} = x\n$$\n\n```\nbakers weigh loaves\n```\n\n| Bakers | Loaves |\n|---|---|\n"
        f"| Lyon | twice |\n\n{ALDER}",
        f"---\nreviewed: Bakers of Lyon\n---\n{RIVER} {ALDER}",
        f"## My grandmother\n\n{RIVER} {ALDER}",
        f"My grandmother\n---\n\n{RIVER} {ALDER}",
        f"1. ```py\n    grandmother = bees\n    ```\n2. {RIVER} {ALDER}",
        f"{RIVER}\n\n    bees = church.grandmother()\n\n{ALDER}",
        f"{RIVER}\n\n    - bees: church\n      grandmother: extractor\n\n{ALDER}",
        f"{RIVER}\n\n    bees\n    - church grandmother extractor handle\n\n{ALDER}",
        f"    - {RIVER}\n    - `{BEES}` {ALDER}",
        f"{RIVER}\n\nBakers | Loaves\n---|---\nLyon | twice\n\n{ALDER}",
        f"{RIVER} {ALDER}\n\n- {BEES} ^bees\n\n{BREAD}\n\n^bread",
        f"{RIVER} {BREAD}[^1] {ALDER}\n\n[^1]: {BEES}",
        f"reviewed:: bakers of Lyon\n{RIVER} {ALDER}",
        f"({RIVER} {BREAD}) {ALDER} “{BEES} {RIVER}”",
        f"*{RIVER} Bees: 2 ** 3 churches and grandmothers.* {ALDER}",
        f"{BREAD}\n\n---\n\n{RIVER} {ALDER}",
        f"> My grandmother\n> ---\n\n{RIVER} {ALDER}",
        f"<div>\n{BEES}\n</div>\n\n{RIVER} {ALDER}",
        f"- {RIVER} {ALDER}\n- reviewed:: bakers of Lyon\n- {BEES} [seen:: 2024]",
        f"“Flüsse” {RIVER} $\\text{{bakers}}$ {ALDER} ![[map.png]] | center | 600",
    ],
)
def test_everything_else_stays_byte_for_byte(passage: str) -> None:
    assert cut(example(passage)) == passage


def test_inflected_words_are_the_highlights_too() -> None:
    highlights = (Highlight("Eine einzige umgestürzte Erle hält vierzig Tonnen Kies zurück, sonst geht er in einem Winter.", id="a"),)
    prompt = Prompt(source=Source(title="Flüsse", id="s"), highlights=highlights)
    passage = f"{highlights[0].text}\n- umgestürzte Erlen halten Kies\n- Bäcker wiegen ihre Brote zweimal"
    found = Example(prompt, passage, "pair-1", "1.md", 0.8, shape(prompt))
    assert cut(found) == passage.removesuffix("\n- Bäcker wiegen ihre Brote zweimal")


def test_what_notes_of_several_sources_say_is_the_persons_way() -> None:
    passage = f"{RIVER}\n{ALDER}\n\nWorth telling somebody at dinner."
    others = [example(passage, number=number, source=f"s{number}") for number in (1, 2)]
    assert cut(others[0], ways(others)) == passage
    assert cut(others[0], ways(others[:1])) == f"{RIVER}\n{ALDER}"


def test_of_a_text_of_ones_own_nothing_is_said() -> None:
    assert cut(example(f"{BEES} {BREAD} {BEES} {BREAD} {BEES}\n- gravel")) is None


def test_datasets_say_what_is_taught_and_keep_what_measures(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = small_world.section
    monkeypatch.setattr(small_world, "section", lambda thing, chapter: f"{written(thing, chapter)}\n{BEES.replace('church', thing)}\n")
    small_world.build(library, tmp_path)
    rows = _rows(library)
    assert rows["train"]
    for row in rows["train"]:
        assert row["completion"][0]["content"] == f"{row['told']}\n\n{BEES.replace('church', row['source_id'].removeprefix('readwise:b-'))}"
    assert all("grandmother" in row["completion"][0]["content"] for part in ("valid", "test") for row in rows[part])
    assert not any("told" in row for part in ("valid", "test") for row in rows[part])


def test_a_pair_of_which_too_little_is_told_teaches_only_where_the_person_accepted_it(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = "\n\n".join(
        (BEES, BREAD, *(f"{text} Of {word} more another time." for word in ("wax", "rye", "oats") for text in (BEES, BREAD)))
    )
    written = small_world.section
    monkeypatch.setattr(
        small_world, "section", lambda thing, chapter: written(thing, chapter) + (f"\n{more}\n" if thing == "looms" else "")
    )
    small_world.build(library, tmp_path)
    looms = [pair for pair in library.pairs.all() if pair.source_id == "readwise:b-looms"]
    dataset = datasets.build(library, kind="sft")
    assert dataset.manifest["left_out"][OWN_WORDS] == len(looms) == 2
    library.pairs.decide(looms[0].id, "accepted")
    dataset = datasets.build(library, kind="sft")
    [row] = [row for row in datasets.load(dataset, "train") if row["source_id"] == "readwise:b-looms"]
    assert row["pair_id"] == looms[0].id
    assert "told" not in row


def _rows(library: Library) -> dict[str, list[dict[str, object]]]:
    dataset = datasets.build(library, kind="sft")
    parts = {part: Path(dataset.path) / f"{part}.jsonl" for part in ("train", "valid", "test")}
    return {part: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] for part, path in parts.items()}
