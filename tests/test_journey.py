"""The whole story, as a person would live it: from a Readwise export and a vault to a section in their own style.

Every step is a command of the product, run in this process on the bundled sample and the bundled base model.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from notewright.cli import main
from notewright.sample import copy_sample

NOTE = "Notes/Articles/What Moss Knows About Cities.md"
pytestmark = [pytest.mark.slow]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], home: Path) -> Callable[..., str]:
    """Run one command; returns what it printed. `code` is the exit code it must have."""

    def command(*arguments: str, code: int = 0) -> str:
        capsys.readouterr()
        assert main(arguments) == code, capsys.readouterr()
        printed = capsys.readouterr()
        return printed.out if "--json" in arguments else printed.out + printed.err  # how far it is goes to stderr

    return command


def test_from_highlights_to_a_note_in_the_persons_style(run: Callable[..., str], tmp_path: Path, home: Path, no_network: Path) -> None:
    def data(*arguments: str) -> Any:
        return json.loads(run(*arguments, "--json"))

    # A person has a vault and a Readwise account.
    sample = copy_sample(tmp_path / "sample")
    vault = sample / "vault"
    untouched = {path: path.read_bytes() for path in vault.rglob("*") if path.is_file()}
    assert "notewright init" in run("status")
    run("init", "--vault", str(vault))

    # They bring in what they marked: from the CSV today, from the API tomorrow. It stays one set.
    first = data("import", "readwise", str(sample / "readwise.csv"))
    assert first["added"] > 240
    assert data("import", "readwise", str(sample / "readwise-api.json"))["added"] == 0
    assert data("import", "readwise", str(sample / "Readwise"))["added"] == 0
    again = data("import", "readwise", str(sample / "readwise-api.json"))
    assert (again["added"], again["updated"], again["removed"]) == (0, 0, 0)

    # Their finished notes, without the Readwise folder.
    data("import", "vault")
    assert data("status")["counts"]["notes"] == 22

    # Which highlights became which passage? They correct one pair; pairing again leaves that decision alone.
    assert data("pair")["added"] >= 55
    pairs = data("pairs", "list")
    run("pairs", "reject", pairs[0]["id"])
    data("pair")
    assert data("pairs", "show", pairs[0]["id"])["pair"]["status"] == "rejected"
    rows = [json.loads(line) for line in run("pairs", "export").splitlines()]
    assert all(
        (vault / row["note_path"]).read_bytes()[row["passage_start"] : row["passage_end"]].decode() == row["passage_text"] for row in rows
    )

    # The notes become training data, and the model learns the style.
    dataset = data("dataset", "sft")
    assert dataset["manifest"]["counts"]["test"] > 0
    trained = data("train", "sft", "--set", "max_steps=3", "--set", "batch_size=2", "--set", "rate_check=off", "--set", "early_stop=off")
    assert trained["status"] == "finished"
    assert (home / trained["path"] / "loss.png").stat().st_size > 5_000
    tuned = data("models", "list")["current"]

    # Candidates for a chapter nobody has written about yet, the two or three best of eight; they rank them: the ranking is kept as given.
    chapter = data("sources", "What Moss Knows")["highlights"][0]["chapter"]
    drafts = data("draft", "--source", "What Moss Knows", "--chapter", chapter, "--seed", "3")
    assert 2 <= len(drafts) <= 3
    assert {draft["model_id"] for draft in drafts} == {tuned}
    same = data("draft", "--source", "What Moss Knows", "--chapter", chapter, "--seed", "3")
    assert sorted(draft["text"] for draft in same) == sorted(draft["text"] for draft in drafts)
    ranking = data("rank", drafts[0]["batch_id"], "--order", "2 1=3" if len(drafts) == 3 else "2 1", "--comment", "l")
    assert ranking["payload"]["order"][0] == [drafts[1]["id"]]

    # The best one goes into the note they had begun: nothing else in the vault changes by a byte.
    before = (vault / NOTE).read_bytes()
    run("accept", drafts[1]["id"], "--into", NOTE, "--force")
    after = (vault / NOTE).read_bytes()
    assert before.rstrip() in after
    assert drafts[1]["text"].strip().encode() in after
    assert all(path.read_bytes() == body for path, body in untouched.items() if path != vault / NOTE)

    # They change their mind, twice.
    run("undo")
    assert (vault / NOTE).read_bytes() == before
    assert data("models", "show")["id"] == tuned
    assert "model-1" in run("models", "rollback")
    assert "no earlier version" in run("models", "rollback", code=1)
    assert data("feedback", "stats")["events"]["ranking"] == 1
    assert data("status")["next"].startswith("notewright ")

    # All of it without one connection, in this process or in the training's.
    assert no_network.read_text() == ""
