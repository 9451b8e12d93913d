"""Migrations, transactions and refusals of the SQLite file."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from notewright.errors import Busy, Invalid, NotFound, Unavailable
from notewright.library import Library, database


def test_opening_needs_a_library_and_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        Library.open(tmp_path)
    assert "notewright init" in caught.value.hint


def test_the_file_is_in_wal_mode_with_foreign_keys(library: Library) -> None:
    assert library.db.connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert library.db.connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1


def test_a_pending_migration_copies_the_file_first_and_runs_once(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.db.set_state("before", "yes")
    home = library.home
    library.close()
    monkeypatch.setattr(database, "MIGRATIONS", [*database.MIGRATIONS, (900, "CREATE TABLE later (id INTEGER);")])
    for _ in range(2):
        with Library.open(home) as opened:
            assert opened.db.rows("SELECT * FROM later") == []
            assert [row["number"] for row in opened.db.rows("SELECT number FROM migrations")] == [
                number for number, _ in database.MIGRATIONS
            ]
    with sqlite3.connect(home / "backups" / "library-before-migration-0900.db") as copy:
        assert copy.execute("SELECT value FROM state WHERE key='before'").fetchone()[0] == "yes"
    copy.close()


def test_a_damaged_copy_of_before_is_in_nobody_s_way(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    home = library.home
    library.close()
    copy = home / "backups" / "library-before-migration-0900.db"
    copy.parent.mkdir(exist_ok=True)
    for name in (copy.name, f".{copy.name}.part"):
        copy.with_name(name).write_bytes(b"what a full disk left of an earlier copy " * 100)
    monkeypatch.setattr(database, "MIGRATIONS", [*database.MIGRATIONS, (900, "CREATE TABLE later (id INTEGER);")])
    with Library.open(home), sqlite3.connect(copy) as read:
        assert read.execute("SELECT count(*) FROM migrations").fetchone()[0] == len(database.MIGRATIONS) - 1
    read.close()
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


def test_of_two_that_open_an_old_library_at_once_neither_copies_what_the_other_changed(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = library.home
    library.close()

    class Looked(list):
        """After this process has looked, another one is faster."""

        first = True

        def __iter__(self):
            if Looked.first:
                Looked.first = False
                Library.open(home).close()
            return super().__iter__()

    monkeypatch.setattr(database, "MIGRATIONS", Looked([*database.MIGRATIONS, (900, "CREATE TABLE later (id INTEGER);")]))
    Library.open(home).close()
    with sqlite3.connect(home / "backups" / "library-before-migration-0900.db") as copy:
        assert copy.execute("SELECT max(number) FROM migrations").fetchone()[0] < 900
    copy.close()


def test_a_failing_migration_leaves_nothing_behind(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    home = library.home
    library.close()
    monkeypatch.setattr(database, "MIGRATIONS", [*database.MIGRATIONS, (900, "CREATE TABLE half (id INTEGER);\nSELECT * FROM nowhere;")])
    with pytest.raises(Invalid):
        Library.open(home)
    with sqlite3.connect(home / "library.db") as connection:
        assert not connection.execute("SELECT 1 FROM sqlite_master WHERE name='half'").fetchall()
        assert connection.execute("SELECT max(number) FROM migrations").fetchone()[0] < 900
    connection.close()


def test_a_library_of_a_newer_version_is_refused(library: Library) -> None:
    with library.db.write() as connection:
        connection.execute("INSERT INTO migrations VALUES (999, 'later')")
    library.close()
    with pytest.raises(Invalid, match="newer notewright"):
        Library.open(library.home)


def test_a_file_that_is_no_database_is_refused(home: Path) -> None:
    home.mkdir()
    (home / "library.db").write_bytes(b"this is not SQLite at all, but long enough to be read as a header" * 10)
    with pytest.raises(Invalid, match="not a notewright library"):
        Library.open(home)


def test_a_second_writer_is_told_that_the_library_is_busy(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    with Library.open(library.home) as other:
        other.db.connection.execute("PRAGMA busy_timeout=50")
        with library.db.write(), pytest.raises(Busy):
            other.db.set_state("key", "value")
        other.db.set_state("key", "value")
    assert library.db.get_state("key") == "value"


def test_an_interrupted_write_is_rolled_back(library: Library) -> None:
    def stopped_halfway() -> None:
        with library.db.write():
            library.db.set_state("key", "value")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped_halfway()
    assert library.db.get_state("key") == ""


def test_a_killed_process_leaves_a_consistent_library(library: Library) -> None:
    script = f"""
        import os, pathlib
        from notewright.library import Library
        library = Library.open(pathlib.Path({str(library.home)!r}))
        library.db.set_state("done", "yes")
        with library.db.write():
            library.db.set_state("half", "yes")
            os.kill(os.getpid(), 9)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert (library.db.get_state("done"), library.db.get_state("half")) == ("yes", "")


def test_ids_are_short_and_never_given_twice(library: Library) -> None:
    with library.db.write():
        assert [library.db.next_id("draft") for _ in range(3)] == ["draft-1", "draft-2", "draft-3"]
        assert library.db.next_id("pair") == "pair-1"


def test_a_home_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Unavailable, match="No library can be made"):
        Library.create(tmp_path / "file" / "home")


def test_a_full_disk_is_no_bug_of_ours(library: Library) -> None:
    pages = library.db.row("PRAGMA page_count")
    assert pages is not None
    library.db.connection.execute(f"PRAGMA max_page_count={pages[0]}")
    with pytest.raises(Unavailable, match="full"):
        library.db.set_state("much", "x" * 100_000)
    library.db.connection.execute("PRAGMA max_page_count=1000000")
    assert library.db.get_state("much") == ""


@pytest.fixture
def damaged(library: Library) -> Path:
    """A home whose library opens, but whose notes lie on a page of nonsense."""
    home, connection = library.home, library.db.connection
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    page, size = connection.execute("SELECT rootpage FROM sqlite_master WHERE name='notes'").fetchone()[0], 4096
    library.close()
    data = bytearray((home / "library.db").read_bytes())
    data[(page - 1) * size : (page - 1) * size + 300] = b"\xff" * 300
    (home / "library.db").write_bytes(data)
    return home


def test_a_damaged_file_is_said_wherever_it_shows(damaged: Path) -> None:
    with pytest.raises(Invalid, match="is damaged") as caught, Library.open(damaged) as opened:
        opened.counts()
    assert str(damaged / "backups") in caught.value.hint
    with pytest.raises(Invalid, match="is damaged"), Library.open(damaged) as opened:
        opened.check()


def test_a_library_in_order_passes_the_check(library: Library) -> None:
    library.check()


def test_mistakes_of_ours_stay_what_they_are(library: Library) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"), library:
        library.db.rows("SELECT * FROM nonsense")


def test_a_library_that_was_emptied_is_not_taken_for_a_new_one(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notewright.library._PAUSE", 0.001)
    home = library.home
    library.close()
    (home / "runs" / "run-1").mkdir()
    for name in ("library.db-wal", "library.db-shm"):
        (home / name).unlink(missing_ok=True)
    (home / "library.db").write_bytes(b"")
    for start in (Library.open, Library.create):
        with pytest.raises(Invalid, match=r"library\.db is empty") as caught:
            start(home)
        assert "your-data.md" in caught.value.hint
    assert (home / "library.db").read_bytes() == b""
    (home / "library.db").unlink()
    for start in (Library.open, Library.create):
        with pytest.raises(NotFound, match="any more"):
            start(home)
    assert not (home / "library.db").exists()
    Library.create(home, anew=True).close()


def test_a_library_of_which_only_the_folders_are_left_is_not_made_anew_unasked(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything was trained, all that the person has said lies in the file alone."""
    monkeypatch.setattr("notewright.library._PAUSE", 0.001)
    library.close()
    for file in library.home.glob("library.db*"):
        file.unlink()
    with pytest.raises(NotFound, match="any more"):
        Library.create(library.home)
    Library.create(library.home, anew=True).close()


def test_two_that_make_the_same_library_at_once_both_open_it(tmp_path: Path) -> None:
    for turn in range(10):
        with ThreadPoolExecutor(4) as pool:
            for made in pool.map(Library.create, [tmp_path / str(turn)] * 4):
                made.close()


def test_a_file_without_a_byte_is_no_loss_where_nothing_was_made(home: Path) -> None:
    home.mkdir()
    (home / "library.db").touch()
    with Library.create(home) as made:
        assert made.counts()["events"] == 0


def test_beside_an_older_copy_that_was_put_back_nothing_newer_is_overwritten(library: Library) -> None:
    (library.home / "runs" / "run-1").mkdir()
    (library.home / "datasets" / "dataset-2").mkdir()
    (library.home / "models" / "model-1").mkdir()
    assert [library.runs.new_id() for _ in range(2)] == ["run-2", "run-3"]
    assert [library.datasets.new_id() for _ in range(2)] == ["dataset-1", "dataset-3"]
    assert library.models.new_id() == "model-2"


def test_a_disk_without_room_is_named(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 4096))
    told = library.db.explain(sqlite3.OperationalError("disk I/O error"))
    assert told is not None
    assert "make room" in told.hint


@pytest.mark.parametrize(
    ("sqlite", "told"),
    [
        ("disk I/O error", "cannot be read: disk I/O error."),
        ("unable to open database file", "cannot be read: unable to open database file."),
        ("attempt to write a readonly database", "cannot be written: attempt to write a readonly database."),
    ],
)
def test_of_what_only_failed_to_be_read_nothing_is_said_to_be_unwritten(library: Library, sqlite: str, told: str) -> None:
    home = library.home
    with pytest.raises(Unavailable) as caught, Library.open(home):
        raise sqlite3.OperationalError(sqlite)
    assert caught.value.message == f"The library {home / 'library.db'} {told}"


def test_of_what_failed_to_be_written_it_is_said_that_it_was_not_kept(library: Library) -> None:
    def broken_off() -> None:
        with library.db.write():
            library.db.set_state("key", "value")
            raise sqlite3.OperationalError("disk I/O error")

    with pytest.raises(Unavailable, match="cannot be written: disk I/O error. Nothing of this step was kept."):
        broken_off()
    assert library.db.get_state("key") == ""
