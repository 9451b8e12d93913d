"""The benchmark on real edits, on a few made ones: what recurs is foreseen, what does not is not, the future is not known."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import real_edits


def lines(*texts: str) -> str:
    return "".join(f"{text}\n" for text in texts)


def rows() -> list[dict[str, str]]:
    """In each of four notes an emphasis is taken away and a thought is added; in the last one a bracket is opened besides."""
    found = []
    for number, thing in enumerate(("moss", "salt", "peat", "bells")):
        before = lines(
            "---", f"modified: {number}", "---", f"# About {thing}", f"- ==The {thing}== stands here", "- Another line stays as it is"
        )
        after = before.replace("==", "").replace("modified: ", "modified: 2") + f"- In 19{number}7 the {thing} was gone for ever\n"
        found.append({"file": f"{thing}.md", "kind": "note", "after_date": f"2021-0{number + 1}-01", "before": before, "after": after})
    return found


def test_what_recurs_is_foreseen(tmp_path: Path) -> None:
    path = tmp_path / "edits.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in reversed(rows())))
    edits = real_edits.read_edits(path)
    assert [edit.file for edit in edits] == ["moss.md", "salt.md", "peat.md", "bells.md"]
    assert all(edit.before.startswith("# About") for edit in edits)  # properties are no text
    assert real_edits.recurrence(edits)["format"] == {"hunks": 8, "characters": 16, "seen before": 6, "share": 0.75}
    told = real_edits.foresee(edits, order="sitting")
    assert (told["notes"], told["guesses"], told["right"]) == (3, 6, 6)
    assert told["right by kind"] == {"format": 6}
    assert (told["notes nearer"], told["notes further"]) == (3, 0)
    assert 0 < told["distance, guesses made"] < told["distance, nothing changed"]
    assert told == real_edits.foresee(edits, order="days")  # each note has a day of its own
    same_day = [real_edits.Edit(edit.file, "2021-01-01", edit.before, edit.after, edit.hunks) for edit in edits]
    assert real_edits.foresee(same_day, order="days") == {"notes": 0}


def test_a_change_that_is_seldom_made_is_not_guessed() -> None:
    many = lines(*[f"a ==mark== in line {number}" for number in range(6)])
    edits = []
    for name in "abc":
        text = many.replace("mark", f"mark {name}")
        after = text.replace(f"==mark {name}== in line 3", f"mark {name} in line 3")
        edits.append(real_edits.Edit(name, "2021-01-01", text, after, tuple(real_edits.hunks(text, after))))
    assert real_edits.foresee(edits, order="sitting")["guesses"] == 0
    assert real_edits.foresee(edits, order="sitting", gate=False)["guesses"] > 0


def test_it_skips_where_there_are_no_vaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["real_edits.py", "--vaults", str(tmp_path / "none"), "--out", str(tmp_path / "out.json")])
    real_edits.main()
    assert "skipped" in capsys.readouterr().out
    assert not (tmp_path / "out.json").exists()
