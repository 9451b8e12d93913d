"""Kill a writer at random moments and look at every byte: `python benchmarks/kills.py [--kills 200]`.

A child accepts a draft into a note and undoes it, over and over, as fast as it can. The parent kills it (SIGKILL) after a random time,
then checks that the note is exactly the old or the new one, that no other file of the vault changed, that the library opens and says the
same as the note once the interrupted write was made up for, and that undoing gives the old bytes back.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from notewright import feedback
from notewright.library import Library
from notewright.library.database import now
from notewright.records import Draft, Highlight, Model, Source
from notewright.settings import Settings, load_settings, save_settings
from notewright.vault import plan

RESULTS = Path(__file__).parent / "results" / "kills.json"
TEXT = "## Inserted\n" + "".join(f"- A line of the draft, number {number}, with some words in it.\n" for number in range(200))
NOTE = "\ufeff# Title\r\n\r\n" + "".join(f"Paragraph {number} of the person's own note.\r\n\r\n" for number in range(2000))


def make(home: Path, vault: Path) -> str:
    """A library with one draft, a vault with one large note and an innocent one; returns the draft's id."""
    (vault / "Sub").mkdir(parents=True)
    (vault / "Sub" / "Note.md").write_bytes(NOTE.encode())
    (vault / "Other.md").write_text("not ours\n")
    with Library.create(home) as library:
        save_settings(Settings(home=home, vault=vault))
        source = Source(title="A source", outside_ids=("readwise:b1",), highlights=(Highlight("Words.", outside_ids=("readwise:1",)),))
        library.sources.upsert([source], origin="api", complete=True)
        model = library.models.add(Model(library.models.new_id(), "base/none", "", "base", now()))
        [draft] = library.drafts.add([Draft("", library.drafts.new_batch(), "readwise:b1", "", model.id, TEXT, 0, 0, now())])
    return draft.id


def work(draft_id: str, into: str) -> None:
    """The child: accept and undo until killed."""
    settings = load_settings()
    with Library.open(settings.home) as library:
        feedback.recover(library)
        print("ready", flush=True)
        while True:
            standing = [action for action in feedback.history(library, limit=3) if action.event.kind == "insertion" and not action.undone]
            if not standing:
                feedback.accept(library, settings=settings, draft_id=draft_id, into=into)
            feedback.undo(library, settings=settings)


def measure(kills: int, seed: int) -> dict[str, object]:
    rng = random.Random(seed)
    seen: Counter[str] = Counter()
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        home, vault = Path(name) / "home", Path(name) / "vault"
        os.environ["NOTEWRIGHT_HOME"] = str(home)
        draft_id = make(home, vault)
        settings = load_settings()
        for number in range(kills):
            into = rng.choice(("Sub/Note.md", "Made/For it/New.md"))
            path = vault / into
            old = path.read_bytes() if path.exists() else None
            new = planned(vault, into)
            child = subprocess.Popen([sys.executable, __file__, "--child", draft_id, into], stdout=subprocess.PIPE)
            assert child.stdout
            child.stdout.readline()
            time.sleep(rng.uniform(0, 0.25))
            child.send_signal(signal.SIGKILL)
            child.wait()
            child.stdout.close()
            found = path.read_bytes() if path.exists() else None
            with Library.open(home) as library:
                seen["old" if found == old else "new" if found == new else "damaged"] += 1
                if found not in (old, new):
                    problems.append(f"kill {number}: the note is neither the old nor the new one")
                seen["made up for"] += bool(feedback.recover(library))
                standing = [action for action in feedback.history(library) if action.event.kind == "insertion" and not action.undone]
                if bool(standing) != (found != old):
                    problems.append(
                        f"kill {number}: the library says {len(standing)} insertions, the note is {'old' if found == old else 'new'}"
                    )
                if standing:
                    feedback.undo(library, settings=settings)
            if (path.read_bytes() if path.exists() else None) != old:
                problems.append(f"kill {number}: undoing did not give the old bytes back")
            files = {item.relative_to(vault).as_posix() for item in vault.rglob("*") if item.is_file() and not item.name.startswith(".")}
            if (vault / "Other.md").read_text() != "not ours\n" or files != {"Sub/Note.md", "Other.md"}:
                problems.append(f"kill {number}: other files changed: {sorted(files)}")
        parts = len(list(vault.rglob(".*.notewright-part")))
    return {"kills": kills, "seed": seed, **seen, "dot files left to be cleared": parts, "problems": problems}


def planned(vault: Path, into: str) -> bytes:
    """The whole note as the insertion should leave it, told by the library before anything is killed."""
    return plan(vault, into, TEXT).after


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--child", nargs=2)
    options = parser.parse_args()
    if options.child:
        work(*options.child)
    result = measure(options.kills, options.seed)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    sys.exit(bool(result["problems"]))


if __name__ == "__main__":
    main()
