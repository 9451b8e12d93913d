"""The bundled sample: what the issue promises of it, and that the committed tree is what its content renders to."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from notewright.errors import Invalid
from notewright.sample import copy_sample
from notewright.sample.build import render_all, write_tree
from notewright.sample.read import load_sources


def test_the_committed_tree_is_up_to_date(sample: Path) -> None:
    tree = {name: body for name, body in render_all().items() if not name.endswith(".png")}  # zlib builds differ in their bytes
    stored = {
        path.relative_to(sample).as_posix(): path.read_bytes() for path in sample.rglob("*") if path.is_file() and path.suffix != ".png"
    }
    assert stored == tree


def test_it_is_as_large_and_varied_as_promised(sample: Path) -> None:
    sources = load_sources()
    highlights = [item for source in sources for item in source.highlights]
    assert len(sources) >= 12
    assert {source.category for source in sources} == {"books", "articles", "podcasts"}
    assert len(highlights) >= 240
    assert sum(len(source.chapters) for source in sources if source.note == "finished") >= 60
    assert any(not item.annotation for item in highlights)
    assert any("$" in item.text for item in highlights)
    assert any(item.image for item in highlights)


def test_the_three_exports_hold_the_same_highlights(sample: Path) -> None:
    with (sample / "readwise.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    books = json.loads((sample / "readwise-api.json").read_text(encoding="utf-8"))["results"]
    from_api = [(book["title"], item["text"]) for book in books for item in book["highlights"]]
    assert sorted((row["Book Title"], row["Highlight"]) for row in rows) == sorted(from_api)
    exported = "\n".join(path.read_text(encoding="utf-8") for path in (sample / "Readwise").rglob("*.md"))
    assert all(text.split("\n")[0] in exported for _, text in from_api)


def test_images_of_finished_notes_are_in_the_vault(sample: Path) -> None:
    images = [item.image for source in load_sources() if source.note == "finished" for item in source.highlights if item.image]
    assert images
    assert all((sample / "vault" / "Assets" / image).exists() for image in images)


def test_copying_gives_a_whole_tree_and_never_overwrites(tmp_path: Path, sample: Path) -> None:
    target = copy_sample(tmp_path / "copy")
    assert {path.relative_to(target) for path in target.rglob("*")} == {path.relative_to(sample) for path in sample.rglob("*")}
    with pytest.raises(Invalid, match="not empty"):
        copy_sample(target)


def test_a_broken_source_is_refused_with_all_its_problems(tmp_path: Path) -> None:
    write_tree({"01-bad.toml": b'title = "T"\ncategory = "films"\nid = "x"\n'}, tmp_path / "content")
    with pytest.raises(Invalid) as caught:
        load_sources(tmp_path / "content")
    assert len(caught.value.problems) >= 3
