"""The person's store: one SQLite file plus folders under one home.

    library.sources     mirrors of Readwise: sources and highlights, upserted by outside id; vanished rows are marked, not deleted
    library.notes       mirror of the vault: notes and their passages
    library.pairs       which highlights became which passage; human decisions outrank machines
    library.hidden      sources and highlights that the person removed: kept, and looked at by nothing
    library.events      append-only: rankings, decisions, comments, edits, insertions, undos, beliefs, rules
    library.follows     where each inserted passage stood when its note was last looked at
    library.datasets, library.runs, library.models, library.drafts      what the stages made
    library.editors     Obsidians with the plugin that are open beside us, and what they are asked to write
    library.measures    a cache of the texts' style measures; may be emptied at any time
    library.browse      read-only views for the faces
    atwork.at_work(home)      the `improve` that goes on, whichever process runs it

The only SQL of the project is in this package. Weights never go into the database.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import TracebackType

from ..errors import Invalid, NotFound, Unavailable
from ..files import private
from ..records import REWARDS
from .browse import Browse
from .database import Database
from .editors import EditorStore
from .events import EventStore
from .follows import FollowStore
from .hidden import HiddenStore
from .measures import MeasureStore
from .notes import NoteStore
from .pairs import PairStore
from .products import DatasetStore, DraftStore, ModelStore, RunStore
from .sources import SourceStore

_JUDGING = ("ranking", "decision", "comment", "edit", "belief", "rule", "undo")  # what the person may trust a reward more or less by
FOLDERS = ("datasets", "runs", "models", "backups", "logs")


class Library:
    """An open library. Use as a context manager; `Library.create` makes a new home, `Library.open` needs an existing one."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.db = Database(home / "library.db", backups=home / "backups")
        self.events = EventStore(self.db)
        self.hidden = HiddenStore(self.db, self.events)
        self.sources = SourceStore(self.db, self.hidden)
        self.notes = NoteStore(self.db)
        self.pairs = PairStore(self.db, self.events)
        self.datasets = DatasetStore(self.db)
        self.runs = RunStore(self.db)
        self.models = ModelStore(self.db)
        self.drafts = DraftStore(self.db)
        self.measures = MeasureStore(self.db)
        self.browse = Browse(self.db)
        self.follows = FollowStore(self.db)
        self.editors = EditorStore(self.db)

    @classmethod
    def create(cls, home: Path, *, anew: bool = False) -> Library:
        """Make the home folder and its database; an existing one is opened and brought up to date.

        Where there was one that has lost its file it is made `anew` only if so wished: else NotFound is raised, and nothing is changed.
        """
        used = was_used(home)
        if used and not anew:
            _refuse_lost(home)
        try:
            private(home)
            for name in FOLDERS:
                (home / name).mkdir(exist_ok=True)
        except OSError as error:
            hint = "Choose another folder: notewright --home PATH init, or set NOTEWRIGHT_HOME."
            raise Unavailable(f"No library can be made in {home}: {error.strerror}.", hint) from error
        _refuse_emptied(home, used)
        return cls(home)

    @classmethod
    def open(cls, home: Path) -> Library:
        """Raises NotFound where no library has been made, Invalid where its file has lost all that was in it."""
        if not (home / "library.db").exists():
            if was_used(home):
                raise _lost(home)
            raise NotFound(f"There is no notewright library in {home}.", "Make one with: notewright init --vault PATH")
        _refuse_emptied(home, was_used(home))
        return cls(home)

    def counts(self) -> dict[str, int]:
        """Rows by kind, for status pages."""
        return self.db.counts()

    def trust(self) -> dict[str, str]:
        """What each reward may do (nothing, order, label) as `reward.trust` last judged it: for pages that must not compute."""
        kept = json.loads(self.db.get_state("trust") or "{}").get("rewards", ())
        return dict.fromkeys(REWARDS, "nothing") | {item["reward"]: item["level"] for item in kept}

    def trust_is_old(self) -> bool:
        """Whether `trust` would be judged anew if it were asked for: something was said, or taken back, since, or another model rewards."""
        kept = json.loads(self.db.get_state("trust") or "{}")
        if not kept:
            return False
        since = self.events.all(*_JUDGING, after=kept["event"])
        rewards = [model.id for model in self.models.all("reward")]
        return kept["version"] != (rewards[-1] if rewards else "") or any(
            event.payload.get("kind") not in ("pair", "source") for event in since
        )

    def check(self) -> None:
        """Raises Invalid where the file is damaged. Reads all of it."""
        self.db.check()

    def close(self) -> None:
        self.db.close()

    def __enter__(self) -> Library:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
        if told := self.db.explain(error):
            raise told from error


_TRIES, _PAUSE = 100, 0.1  # while another process may be making the file
_PUT_BACK = "Put a copy of it back (docs/your-data.md), or {} with: notewright init --vault PATH"


def was_used(home: Path) -> bool:
    """Whether a library was made here, or anything that a library knows of."""
    return all((home / name).is_dir() for name in FOLDERS) or _was_filled(home)


def _was_filled(home: Path) -> bool:
    return any(any((home / name).glob("*")) for name in FOLDERS)


def _lost(home: Path) -> NotFound:
    return NotFound(f"There is no library.db in {home} any more, though what belongs to one is there.", _PUT_BACK.format("begin anew"))


def _refuse_lost(home: Path) -> None:
    """Its folders alone are no library: a new one beside them would be taken for the one that was there."""
    for _ in range(1 if _was_filled(home) else _TRIES):
        if (home / "library.db").exists():
            return
        time.sleep(_PAUSE)
    raise _lost(home)


def _refuse_emptied(home: Path, used: bool) -> None:
    """SQLite takes a file without a byte for a new one; where a library was before it, nobody would be told that all is lost."""
    file = home / "library.db"
    for _ in range(_TRIES // 5 if _was_filled(home) else _TRIES):
        if not file.is_file() or file.stat().st_size or not (used or (home / "config.toml").exists()):
            return
        time.sleep(_PAUSE)
    raise Invalid(f"{file} is empty: whatever was in it is not there any more.", _PUT_BACK.format("delete it and begin anew"))


__all__ = ["FOLDERS", "Library", "was_used"]
