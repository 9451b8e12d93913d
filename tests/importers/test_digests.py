"""A Markdown file a day or a week, with highlights of several books: whatever comes first, each book has its own in the end."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

from notewright import importers
from notewright.library import Library

TITLES = {1: "Deep Work", 2: "Soundings", 3: "Looms and Men"}
DIGESTS = ("Monday digest", "Review of the week")


def line(number: int, remark: str = "") -> str:
    link = f"https://read.readwise.io/read/01h8aaaaaaaaaaaaaaaaaaa{number:03}"
    return f"- Words number {number} of it all, said at some length. ([View Highlight]({link}))\n" + (
        f"    - Note: {remark}\n" if remark else ""
    )


def book(number: int, held: list[int]) -> str:
    head = f"# {TITLES[number]}\n\n## Metadata\n- Author: [[Author {number}]]\n- Full Title: {TITLES[number]}\n- Category: #books\n"
    return f"{head}\n## Highlights\n" + "".join(line(item, f"remark {item}") for item in held)


def digest(title: str, named: list[int], *, by_book: bool) -> str:
    said, last = [f"# {title}\n\n## Highlights\n"], 0
    for item in sorted(named):
        if by_book and item // 100 != last:
            last = item // 100
            said.append(f"### {TITLES.get(last, 'Others')}\n")
        said.append(line(item))
    return "".join(said)


def world(rng: random.Random, digests: int, *, others: bool = False) -> tuple[dict[str, str], dict[str, list[tuple[int, str]]]]:
    """Files by name, and what each source should hold in the end: numbers and remarks. `others`: of a book that never comes, too."""
    held = {number: [100 * number + at for at in range(rng.randint(2, 6))] for number in rng.sample(list(TITLES), rng.choice((2, 3)))}
    wanted = {TITLES[number]: [(item, f"remark {item}") for item in items] for number, items in held.items()}
    files = {TITLES[number]: book(number, items) for number, items in held.items()}
    for name in DIGESTS[:digests]:
        named = [item for items in held.values() for item in rng.sample(items, rng.randint(1, len(items)))]
        more = [900, 901] if others else []
        wanted |= {name: [(item, "") for item in more]} if more else {}
        files[name] = digest(name, named + more, by_book=rng.random() < 0.5)
    return files, wanted


def found(library: Library) -> dict[str, list[tuple[int, str]]]:
    told = {
        source.title: sorted((int(item.text.split()[2]), item.annotation) for item in library.sources.highlights(source.id))
        for source in library.sources.all()
    }
    return {title: items for title, items in told.items() if items}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("others", [False, True])
def test_each_book_has_its_own_highlights_whatever_comes_first(tmp_path: Path, seed: int, others: bool) -> None:
    files, wanted = world(random.Random(seed), digests=1, others=others)
    for number, order in enumerate(itertools.permutations(files)):
        with Library.create(tmp_path / f"home {number}") as library:
            folder = tmp_path / f"files {number}"
            folder.mkdir()
            for name in (*order, *sorted(order)):
                (folder / f"{name}.md").write_text(files[name])
                importers.import_readwise(library, path=folder / f"{name}.md")
            assert found(library) == wanted, order
            importers.import_readwise(library, path=folder)
            assert found(library) == wanted, order


@pytest.mark.parametrize("seed", range(12))
def test_two_digests_and_their_books_in_any_order(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    files, wanted = world(rng, digests=2)
    order = rng.sample(list(files), len(files))
    with Library.create(tmp_path / "home") as library:
        for name in order:
            (tmp_path / f"{name}.md").write_text(files[name])
            importers.import_readwise(library, path=tmp_path / f"{name}.md")
        assert found(library) == wanted, order


def test_a_digest_of_one_known_book_takes_nothing_from_it(library: Library, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(book(1, [100, 101, 102]))
    (tmp_path / "b.md").write_text(digest("Monday", [100, 201, 202], by_book=False))
    for name in ("a.md", "b.md"):
        report = importers.import_readwise(library, path=tmp_path / name)
    assert (report.added, report.removed, report.unchanged) == (2, 0, 1)
    assert found(library)["Deep Work"] == [(item, f"remark {item}") for item in (100, 101, 102)]


def test_a_book_that_was_renamed_is_the_one_that_it_was(library: Library, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(book(1, [100, 101, 102]))
    importers.import_readwise(library, path=tmp_path / "a.md")
    (known,) = library.sources.all()
    (tmp_path / "b.md").write_text(book(1, [100, 101, 103]).replace("Deep Work", "Rules for a Distracted World"))
    importers.import_readwise(library, path=tmp_path / "b.md")
    assert [source.id for source in library.sources.all()] == [known.id]
    assert len(library.sources.highlights(known.id)) == 4  # that it is the same is a guess, by which nothing is taken away
    importers.import_readwise(library, path=tmp_path / "b.md")
    assert len(library.sources.highlights(known.id)) == 3


def test_what_a_known_book_names_of_another_one_has_moved_there(library: Library, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(book(1, [100, 101, 102]))
    (tmp_path / "b.md").write_text(book(2, [200, 201]))
    importers.import_readwise(library, path=tmp_path)
    (tmp_path / "a.md").write_text(book(1, [100, 101]))
    (tmp_path / "b.md").write_text(book(2, [200, 201, 102]).replace("Soundings", "Soundings II"))
    importers.import_readwise(library, path=tmp_path)
    assert {title: [number for number, _ in items] for title, items in found(library).items()} == {
        "Deep Work": [100, 101], "Soundings": [102, 200, 201],
    }  # fmt: skip
