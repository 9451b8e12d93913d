"""`notewright init`: what it keeps, refuses, finds in a vault, and advises to do next."""

from __future__ import annotations

from pathlib import Path

import pytest

import small_world
from notewright.cli import main
from notewright.library import Library
from notewright.settings import load_settings


def test_init_keeps_what_was_set_before(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "vault").mkdir()
    assert main(["init", "--vault", str(tmp_path / "vault"), "--exclude", "Templates"]) == 0
    assert main(["init", "--readwise-folder", "Reading"]) == 0
    text = (home / "config.toml").read_text()
    assert all(word in text for word in ("vault", "Templates", "Reading"))
    assert "excluded         Templates\n" in capsys.readouterr().out
    assert main(["init", "--base", "someone/some-model"]) == 0
    assert "base model       someone/some-model\n" in capsys.readouterr().out
    assert main(["init", "--vault", str(tmp_path / "nowhere")]) == 1


def test_a_home_inside_the_vault_is_said_to_be_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vault = tmp_path / "vault"
    vault.mkdir()
    for home, said in ((vault / ".notewright", True), (vault / "tools" / "home", True), (tmp_path / "vault home", False)):
        assert main(["--home", str(home), "init", "--vault", str(vault)]) == 0
        assert ("warning: the library lies in the vault" in capsys.readouterr().out) is said


def test_a_new_library_in_place_of_a_lost_one_is_said_to_be_new(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notewright.library._PAUSE", 0.001)
    assert main(["init"]) == 0
    assert "warning" not in capsys.readouterr().out
    for file in home.glob("library.db*"):
        file.unlink()
    assert main(["serve", "--cold", "--port", "0"]) == 1
    assert "any more" in capsys.readouterr().err
    assert main(["init"]) == 0
    assert "this is a new, empty one" in capsys.readouterr().out
    assert (home / "library.db").exists()


def test_home_option_outranks_the_environment(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTEWRIGHT_HOME", str(tmp_path / "other"))
    assert main(["--home", str(tmp_path / "mine"), "init"]) == 0
    assert (tmp_path / "mine" / "library.db").exists()
    assert not (tmp_path / "other").exists()


def test_a_vault_is_kept_without_the_way_there(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("vault", "elsewhere"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert main(["init", "--vault", "../vault"]) == 0
    assert load_settings().vault == tmp_path / "vault"
    (tmp_path / "link").symlink_to("vault")
    assert main(["init", "--vault", str(tmp_path / "link")]) == 0
    assert load_settings().vault == tmp_path / "link"


@pytest.mark.parametrize("vault", ["", "  ", "nowhere", "file"])
def test_a_vault_that_is_none_is_refused(home: Path, tmp_path: Path, vault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.chdir(tmp_path)
    assert main(["init", "--vault", vault]) == 1
    assert not home.exists()


def test_folders_that_are_not_there_are_told(started: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--readwise-folder", "Reedwise", "--exclude", "*.tmp"]) == 0
    printed = capsys.readouterr().out
    assert "'Reedwise'" in printed
    assert "no '*.tmp'" not in printed


@pytest.mark.parametrize("stands", ["", "vault", "elsewhere"])
def test_a_folder_of_the_vault_may_be_named_from_where_one_stands(
    home: Path, tmp_path: Path, stands: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("vault/Notes/Reading", "vault/Old", "elsewhere/Notes"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / stands)
    before = {"": "vault/", "vault": "", "elsewhere": "../vault/"}[stands]
    given = ["init", "--vault", str(tmp_path / "vault"), "--readwise-folder", f"{before}Notes/Reading", "--exclude", f"{before}Old/"]
    assert main([*given, "--exclude", "Notes"]) == 0
    settings = load_settings()
    assert (settings.readwise_folder, [*settings.exclude]) == ("Notes/Reading", ["Old" if before else "Old/", "Notes"])


def test_a_folder_of_a_base_model_is_remembered_whole(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "base").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["init", "--base", "./base"]) == 0
    assert str(tmp_path / "base") in (home / "config.toml").read_text()


def test_a_vault_without_notes_is_said(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["init", "--vault", str(tmp_path / "empty"), "--exclude", "Old"]) == 0
    assert main(["init", "--exclude", ""]) == 0  # none any more
    assert "exclude" not in (home / "config.toml").read_text()
    capsys.readouterr()
    assert main(["import", "vault"]) == 0
    assert f"There are no notes of yours in {tmp_path / 'empty'}" in capsys.readouterr().out


def test_notes_that_hold_no_text_yet_are_no_reason_to_read_the_vault_again(
    home: Path, tmp_path: Path, library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "vault").mkdir()
    (tmp_path / "vault" / "New.md").write_text("# To be written\n")
    library.sources.upsert([small_world.source("rivers")], origin="api", complete=True)
    assert main(["init", "--vault", str(tmp_path / "vault")]) == main(["import", "vault"]) == 0
    capsys.readouterr()
    assert main(["pair"]) == 0
    assert "no note of yours has a passage of text yet" in capsys.readouterr().out


def test_init_says_what_comes_next_in_this_library(
    started: Path, home: Path, library: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init"]) == 0
    assert "Next: notewright import readwise PATH   then   notewright import vault" in capsys.readouterr().out
    assert main(["import", "vault"]) == main(["init"]) == 0
    assert capsys.readouterr().out.endswith("Next: notewright import readwise PATH\n")
    small_world.build(library, started.parent, things=("rivers",))
    assert main(["init"]) == main(["status"]) == 0
    first, second = (line for line in capsys.readouterr().out.splitlines() if line.startswith("Next: "))
    assert first == second
    monkeypatch.setenv("NOTEWRIGHT_HOME", str(started.parent / "other"))
    assert main(["init"]) == 0
    assert "Next: notewright init --vault PATH" in capsys.readouterr().out


def test_init_names_the_export_that_it_found(started: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exports = started / "My refs" / "Readwise"
    exports.mkdir(parents=True)
    (exports / "A.md").write_text("# A\n- Full Title: A\n- Category: #books\n\n## Highlights\n- One\n")
    plugin = started / ".obsidian" / "plugins" / "readwise-official"
    plugin.mkdir(parents=True)
    (plugin / "data.json").write_text('{"readwiseDir": "Inbox/Readwise"}')
    assert main(["init"]) == 0
    told = capsys.readouterr().out
    assert "Readwise folder  Inbox/Readwise (not there yet), My refs/Readwise\n" in told
    assert f"Next: notewright import readwise '{exports}'" in told
