"""The bundled sample in its three forms is one set of highlights, in any order of importing."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from notewright.importers import import_readwise
from notewright.library import Library

FORMS = {"csv": "readwise.csv", "api": "readwise-api.json", "markdown": "Readwise"}


def everything(library: Library) -> list[object]:
    found: list[object] = []
    for source in library.sources.all():
        found.append((source.title, source.author, source.kind, source.app, source.url, source.asin, source.summary, source.tags))
        found += [replace(item, id="", source_id="", outside_ids=()) for item in library.sources.highlights(source.id, marks=True)]
    return found


@pytest.fixture(scope="module")
def forms(sample: Path) -> dict[str, Path]:
    if not (sample / "readwise-api.json").exists():
        pytest.skip("the bundled sample has not been built: python -m notewright.sample.build")
    return {name: sample / file for name, file in FORMS.items()}


def test_any_order_ends_the_same(forms: dict[str, Path], tmp_path: Path) -> None:
    ends = []
    for order in permutations(forms):
        with Library.create(tmp_path / "-".join(order)) as library:
            reports = [import_readwise(library, path=forms[name]) for name in order]
            assert reports[0].added >= 240
            assert [report.added for report in reports[1:]] == [0, 0], order
            assert [report.sources_added for report in reports[1:]] == [0, 0], order
            assert not any(report.removed or report.warnings for report in reports), order
            again = [import_readwise(library, path=forms[name]) for name in order]
            assert not any(report.changed for report in again), order
            assert {report.unchanged for report in again} == {reports[0].added}
            ends.append(everything(library))
    assert all(end == ends[0] for end in ends)


def test_what_only_the_api_knows_arrives_after_the_csv(forms: dict[str, Path], library: Library) -> None:
    import_readwise(library, path=forms["csv"])
    source = library.sources.all()[0]
    first = library.sources.highlights(source.id)[0]
    import_readwise(library, path=forms["api"])
    after = library.sources.highlight(first.id)
    assert after.outside_ids[0].startswith("readwise:") or any(item.startswith("readwise:") for item in after.outside_ids)
    flags = [item.is_favorite for source in library.sources.all() for item in library.sources.highlights(source.id)]
    assert any(flags)


def test_changes_arrive_through_each_form(forms: dict[str, Path], library: Library, tmp_path: Path) -> None:
    import_readwise(library, path=forms["csv"])
    import_readwise(library, path=forms["api"])
    export = json.loads(forms["api"].read_text(encoding="utf-8"))
    first, second, third = [item for item in export["results"][0]["highlights"] if item["note"] != ".h1"][:3]
    first["text"] += " With an edit."
    second["is_deleted"] = True
    third["tags"] = [{"id": 1, "name": "retagged"}]
    (tmp_path / "later.json").write_text(json.dumps(export), encoding="utf-8")
    report = import_readwise(library, path=tmp_path / "later.json")
    assert (report.added, report.updated, report.removed) == (0, 2, 1)
    assert library.sources.highlight(_id(library, first["id"])).text.endswith("With an edit.")
    assert library.sources.highlight(_id(library, third["id"])).tags == ("retagged",)
    old = import_readwise(library, path=forms["csv"])
    assert old.removed == 0
    gone = library.sources.highlight(_id(library, second["id"]))
    assert gone.is_deleted  # an older CSV does not take a deletion back


def _id(library: Library, number: int) -> str:
    return next(key for key, ids in library.sources.outside_ids().items() if f"readwise:{number}" in ids)


def test_an_export_beside_notes_is_found(library: Library, sample: Path, tmp_path: Path) -> None:
    (tmp_path / "readme.md").write_text("# Just words\n")
    (tmp_path / "readwise.csv").write_bytes((sample / "readwise.csv").read_bytes())
    assert import_readwise(library, path=tmp_path).added > 240
