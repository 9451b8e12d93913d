"""The bundled sample, imported and paired for real: what a model would learn from it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from notewright import datasets
from notewright.importers import import_readwise
from notewright.importers.vault import import_vault
from notewright.library import Library
from notewright.pairing import pair
from notewright.prompts import render_highlights
from notewright.settings import Settings
from notewright.vault import build_index, find_problems


@pytest.fixture
def paired(library: Library, sample: Path, tmp_path: Path) -> Settings:
    settings = Settings(home=library.home, vault=tmp_path / "vault")
    shutil.copytree(sample / "vault", tmp_path / "vault")
    import_readwise(library, path=sample / "readwise-api.json")
    import_vault(library, settings=settings)
    pair(library, settings=settings)
    return settings


def test_rows_that_are_right_by_the_products_own_standard(library: Library, paired: Settings) -> None:
    from notewright.drafting import choose_prompt

    dataset = datasets.build(library, kind="sft", settings=paired)
    counts = dataset.manifest["counts"]
    assert isinstance(counts, dict)
    assert counts["train"] >= 30
    assert counts["valid"] >= 1
    assert counts["test"] >= 8
    index = build_index(paired.need_vault())
    as_drafted = 0
    for row in (row for split in counts for row in datasets.load(dataset, split)):
        passage = row["completion"][0]["content"]
        source = library.sources.get(row["source_id"])
        highlights = [library.sources.highlight(item) for item in row["highlight_ids"]]
        known = f"{source.title}\n{source.author}\n{source.summary}"
        assert find_problems(passage, highlights=highlights, vault_index=index, known=known) == ()
        assert passage.encode() in (paired.need_vault() / row["note_path"]).read_bytes()
        if row["chapter"]:
            prompt = choose_prompt(library, source=row["source_id"], chapter=row["chapter"])
            as_drafted += render_highlights(prompt) == row["prompt"][-1]["content"]
    assert as_drafted / sum(counts.values()) >= 0.95, "training prompts must look like drafting prompts"


def test_importing_again_changes_no_dataset(library: Library, sample: Path, paired: Settings) -> None:
    first = datasets.build(library, kind="sft", settings=paired)
    for export in ("readwise.csv", "Readwise", "readwise-api.json"):
        import_readwise(library, path=sample / export)
    import_vault(library, settings=paired)
    pair(library, settings=paired)
    second = datasets.build(library, kind="sft", settings=paired)
    assert second.manifest["sources"] == first.manifest["sources"]
    assert second.manifest["sha256"] == first.manifest["sha256"]
