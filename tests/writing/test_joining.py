"""Parts that were written like notes of their own come together as the note that would have been written at once."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from notewright.sample.read import load_sources
from notewright.seedling.corpora import Corpus, Text
from notewright.seedling.readers import Reader
from notewright.seedling.sources import make_prompt, make_source
from notewright.seedling.styles import write
from notewright.writing import join
from notewright.writing.parts import split


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    texts = tuple(item.text for source in load_sources() for chapter in source.chapters for item in chapter.highlights)
    return Corpus((Text("sample", texts, ("",) * len(texts)),))


@pytest.mark.parametrize("seed", range(300))
def test_parts_come_together_as_what_their_reader_writes_at_once(corpus: Corpus, seed: int) -> None:
    rng = random.Random(seed)
    reader = Reader.draw(rng, corpus, held_out=bool(seed % 2))
    source = make_source(rng, corpus, reader.habits)
    prompt = make_prompt(rng, corpus, reader.habits, source, count=rng.randint(15, 40), mean_words=15)
    # What a reader does once a note, such as quoting its first favourite, no part can know that another one did; parts of one item
    # each do not tell what stands between two; and a picture below no item's heading goes to those above the first one.
    style = replace(reader.style, callout="", order="kept", image_last=False, select="all")
    style = replace(style, image="") if style.bullet == "### " else style
    sizes, chapters = [len(item.text) for item in prompt.highlights], [item.chapter for item in prompt.highlights]
    cuts = split(sizes, chapters, rng.randint(2, 3))
    parts = [write(style, replace(prompt, highlights=prompt.highlights[start:end])) for start, end in cuts]
    assert join(parts) == write(style, prompt)


@pytest.mark.parametrize(
    ("parts", "note"),
    [
        (["# T\n\n- a\n- b", "# T\n\n- c"], "# T\n\n- a\n- b\n- c"),
        (["- a\n\n- b", "- c"], "- a\n\n- b\n\n- c"),
        (["1. a\n2. b", "1. c\n2. d", "1. e"], "1. a\n2. b\n3. c\n4. d\n5. e"),
        (["1. a\n1. b", "1. c"], "1. a\n1. b\n1. c"),
        (["| x | y |\n|---|---|\n| 1 | 2 |", "| x | y |\n|---|---|\n| 3 | 4 |"], "| x | y |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |"),
        (["> [!quote] T\n> a", "> [!quote] T\n> b"], "> [!quote] T\n> a\n> b"),
        (["## A\n\nx\n\n## Tags\n\n#t", "## B\n\ny\n\n## Tags\n\n#t"], "## A\n\nx\n\n## B\n\ny\n\n## Tags\n\n#t"),
        (["## Ideas\n- a\n\n## Quotes\n> b", "## Ideas\n- c\n\n## Quotes\n> d"], "## Ideas\n- a\n- c\n\n## Quotes\n> b\n\n> d"),
        (["# T\n\n## A\n- a\n\n## B\n- b", "# T\n\n## B\n- c\n\n## C\n- d"], "# T\n\n## A\n- a\n\n## B\n- b\n- c\n\n## C\n- d"),
        (["## A\nx\n## B\ny", "## C\nz"], "## A\nx\n## B\ny\n## C\nz"),
        (["Title\n=====\n\n- a", "Title\n=====\n\n- b"], "Title\n=====\n\n- a\n- b"),
        (["```\n# no heading\n```\n\nx", "```\n# no heading\n```\n\ny"], "```\n# no heading\n```\n\nx\n\ny"),
        (
            ["---\ntitle: T\ntags:\n  - a\n---\n- x", "---\ntitle: U\ntags:\n  - a\n  - b\nkind: book\n---\n- y"],
            "---\ntitle: T\ntags:\n  - a\n  - b\nkind: book\n---\n- x\n- y",
        ),
        (["- a", "# T\n\n- a\n- b"], "- a\n\n# T\n\n- a\n- b"),
        (["# T", "# T"], "# T"),
        (["# T", ""], "# T"),
        (["", "- b"], "- b"),
        (["- only\n"], "- only\n"),
    ],
)  # fmt: skip
def test_frames_stand_once_and_items_follow(parts: list[str], note: str) -> None:
    assert join(parts) == note


@pytest.mark.parametrize("seed", range(200))
def test_nothing_is_lost_or_made_up(seed: int) -> None:
    """Whatever the parts are like: every line of theirs is there, none else, and those of a part in their order below each heading."""
    rng = random.Random(seed)
    pool = [
        "",
        "# T",
        "## A",
        "## B",
        "- a",
        "- b",
        "  - c",
        "> d",
        "> [!tip] e",
        "f",
        "![[g.png]]",
        "| h |",
        "```",
        "#tag",
        "---",
        "* * *",
    ]
    parts = ["\n".join(rng.choices(pool, k=rng.randint(0, 12))) for _ in range(rng.randint(2, 4))]
    lines = join(parts).splitlines()
    assert {line for line in lines if line} == {line for part in parts for line in part.splitlines() if line}
    assert join([parts[0], parts[0]]) == join([parts[0], ""])
