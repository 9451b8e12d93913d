"""notewright vault check: a note, a folder, a vault; what it says and how it exits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from notewright.cli import main
from notewright.errors import Invalid, NotFound
from notewright.settings import Settings
from notewright.vault.checkup import check_vault


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    root = tmp_path / "vault"
    for name, text in {
        ".obsidian/types.json": '{"types": {"rating": "number"}}',
        "Good.md": "# A\n[[Bad]] [[Later]]\n",
        "Sub/Bad.md": "---\nrating: x\n---\n![[gone.png]]\n",
        "Sub/Worse.md": "![[Good]] | center\n",
        "Readwise/Book.md": "- text ![[gone.png]] [View Highlight](https://read.readwise.io/read/1) ![rw-book-cover](x)\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_the_whole_vault_is_checked_without_its_exports(vault: Path, home: Path) -> None:
    report = check_vault(Settings(home=home, vault=vault))
    assert [note.path for note in report.notes] == ["Good.md", "Sub/Bad.md", "Sub/Worse.md"]
    assert all(note.round_trip for note in report.notes)
    assert report.by_rule == {"missing-file": 1, "missing-note": 1, "embed-tail": 1, "property-type": 1}
    assert report.by_severity == {"error": 1, "warning": 2, "info": 1}
    assert report.failed


def test_parts_are_judged_in_the_vault_they_lie_in(vault: Path, home: Path) -> None:
    settings = Settings(home=home)
    one = check_vault(settings, vault / "Good.md")
    assert [note.path for note in one.notes] == ["Good.md"]
    assert [item.message for item in one.notes[0].findings] == ["there is no note Later yet"]
    assert not one.failed
    assert [note.path for note in check_vault(settings, vault / "Sub").notes] == ["Sub/Bad.md", "Sub/Worse.md"]
    assert [note.path for note in check_vault(settings, vault / "Readwise").notes] == ["Readwise/Book.md"]
    assert check_vault(settings, vault, rules=["embed-tail"]).by_rule == {"embed-tail": 1}


def test_a_path_may_be_the_vaults_own(vault: Path, home: Path) -> None:
    settings = Settings(home=home, vault=vault)
    assert [note.path for note in check_vault(settings, Path("Sub")).notes] == ["Sub/Bad.md", "Sub/Worse.md"]
    assert [note.path for note in check_vault(settings, Path("Good.md")).notes] == ["Good.md"]


def test_what_cannot_be_checked_is_said(vault: Path, home: Path) -> None:
    with pytest.raises(NotFound):
        check_vault(Settings(home=home), vault / "gone.md")
    with pytest.raises(Invalid, match="no rule"):
        check_vault(Settings(home=home), vault, rules=["nope"])
    with pytest.raises(Invalid):
        check_vault(Settings(home=home))


def test_the_command_lists_findings_and_exits_with_one_for_errors(
    vault: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NOTEWRIGHT_HOME", str(home))
    assert main(["vault", "check", str(vault)]) == 1
    shown = capsys.readouterr().out
    assert "Sub/Bad.md:4: error: there is no file gone.png in the vault [missing-file]" in shown
    assert "could be: ![[Good|center]]" in shown
    assert "3 notes, 3 come out byte for byte" in shown
    assert "Infos are listed with: notewright vault check --all" in shown
    assert "Later" not in shown
    assert main(["vault", "check", str(vault / "Good.md"), "--all"]) == 0
    assert "there is no note Later yet" in capsys.readouterr().out
    assert main(["vault", "check", str(vault), "--rule", "embed-tail", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["by_rule"] == {"embed-tail": 1}
    assert told["notes"][2]["findings"][0]["fix"] == "![[Good|center]]"


def test_real_vaults_come_out_byte_for_byte(home: Path) -> None:
    vaults = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "vaults"
    if not vaults.is_dir():
        pytest.skip("the shared vaults are not here")
    for vault in sorted(vaults.iterdir()):
        report = check_vault(Settings(home=home), vault)
        assert report.notes
        assert all(note.round_trip for note in report.notes)
        # One finding in a hundred lines at most would be noise; these vaults have a handful, all looked at.
        assert sum(count for rule, count in report.by_rule.items() if rule not in ("missing-note", "missing-file")) <= 10
