"""sync and watch as typed: what they say, and a clean end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import small_world
from notewright import drafting, feedback
from notewright.cli import main
from notewright.library import Library
from notewright.settings import save_settings
from small_world import ScriptedEngine, numbered


@pytest.fixture
def note(library: Library, tmp_path: Path) -> Path:
    world = small_world.build(library, tmp_path, things=("rivers",))
    save_settings(world.settings)
    small_world.base_model(library)
    draft = drafting.draft(library, settings=world.settings, source="rivers", n=1, written=1, seed=3, engine=ScriptedEngine(numbered))[0]
    feedback.accept(library, settings=world.settings, draft_id=draft.id, into="Notes/Rivers.md", force=True)
    return world.vault / "Notes/Rivers.md"


def test_sync_says_what_it_stored(note: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sync"]) == 0
    assert "Nothing new. 1 inserted passage looked at." in capsys.readouterr().out
    note.write_text(note.read_text().replace("words say", "words never say"))
    assert main(["sync"]) == 0
    assert "waits   Notes/Rivers.md" in capsys.readouterr().out
    assert main(["sync", "--quiet", "0"]) == 0
    assert 'stored  draft-1 in Notes/Rivers.md: 1 style: "" -> "never"' in capsys.readouterr().out
    assert main(["sync", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["logged"] == []
    note.rename(note.parent.parent.parent / "out.md")
    assert main(["sync"]) == 0
    assert "missing Notes/Rivers.md (draft-1)" in capsys.readouterr().out
    assert main(["feedback", "list"]) == 0
    told = capsys.readouterr().out
    assert '1 style: "" -> "never" in Notes/Rivers.md, noticed' in told
    assert "into Notes/Rivers.md" in told


def test_watch_ends_cleanly_on_ctrl_c(note: Path, home: Path) -> None:
    environment = {**os.environ, "NOTEWRIGHT_HOME": str(home)}
    child = subprocess.Popen(
        [sys.executable, "-m", "notewright.cli", "watch", "--quiet", "0.2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment,
    )  # fmt: skip
    assert child.stdout
    assert "Watching" in child.stdout.readline()
    time.sleep(1.0)
    note.write_text(note.read_text().replace("words say", "words never say"))
    assert "stored" in child.stdout.readline() or "stored" in child.stdout.readline()
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=120)
    assert (child.returncode, err) == (0, "")
    assert "Stopped. 1 edit stored." in out
