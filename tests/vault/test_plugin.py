"""The plugin goes into its own folder of the vault, and touches nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from notewright.cli import main
from notewright.errors import Invalid, Unavailable
from notewright.vault.plugin import FILES, install_plugin


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "built"
    folder.mkdir()
    for name in FILES:
        (folder / name).write_text(json.dumps({"version": "0.2.0"}) if name == "manifest.json" else name)
    return folder


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    folder = tmp_path / "vault"
    (folder / ".obsidian" / "plugins" / "other").mkdir(parents=True)
    (folder / ".obsidian" / "plugins" / "other" / "main.js").write_text("theirs")
    (folder / "Note.md").write_text("mine")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_three_files_are_new_and_all_others_as_before(vault: Path, built: Path) -> None:
    before = contents(vault)
    done = install_plugin(vault, source=built)
    after = contents(vault)
    assert (done.version, done.before) == ("0.2.0", "")
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {f".obsidian/plugins/notewright/{name}" for name in FILES}


def test_an_update_keeps_the_settings(vault: Path, built: Path) -> None:
    install_plugin(vault, source=built)
    settings = vault / ".obsidian" / "plugins" / "notewright" / "data.json"
    settings.write_text('{"settings": {}}')
    (built / "manifest.json").write_text('{"version": "0.3.0"}')
    done = install_plugin(vault, source=built)
    assert (done.version, done.before) == ("0.3.0", "0.2.0")
    assert settings.read_text() == '{"settings": {}}'


def test_the_command_says_what_is_new(
    vault: Path, built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("notewright.vault.plugin.built_plugin", lambda: built)
    said = []
    for version in ("0.2.0", "0.2.0", "0.3.0"):
        (built / "manifest.json").write_text(json.dumps({"version": version}))
        assert main(["plugin", "install", "--vault", str(vault)]) == 0
        said.append(capsys.readouterr().out.partition(":")[0])
    assert said == [
        "The plugin is installed, version 0.2.0", "The plugin is installed once more, version 0.2.0",
        "The plugin is updated from 0.2.0, version 0.3.0",
    ]  # fmt: skip


def test_a_folder_that_is_no_vault_is_refused(tmp_path: Path, built: Path) -> None:
    with pytest.raises(Invalid, match="no Obsidian vault"):
        install_plugin(tmp_path, source=built)


def test_a_place_that_cannot_be_written_is_said(vault: Path, built: Path) -> None:
    (vault / ".obsidian" / "plugins" / "notewright").write_text("a file in the way")
    with pytest.raises(Unavailable, match="cannot be put into"):
        install_plugin(vault, source=built)
