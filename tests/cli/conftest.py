"""A library with a vault and two drafts, made by commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from notewright.cli import main
from notewright.library import Library
from notewright.records import Draft


@pytest.fixture
def started(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A library with a vault of one note and a batch of two drafts; returns the vault."""
    vault = tmp_path / "vault"
    vault.mkdir()
    (vault / "Note.md").write_text("# Note\n\nText.\n")
    assert main(["init", "--vault", str(vault)]) == 0
    with Library.open(home) as library:
        batch = library.drafts.new_batch()
        library.drafts.add(Draft("", batch, "s", "", "m", f"- text {place}", place, 0, "now") for place in range(2))
    capsys.readouterr()
    return vault
