"""Events: as given, in order, for ever."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notewright.library import Library

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.dictionaries(st.text(max_size=6), json_values, max_size=4))
def test_a_payload_comes_back_as_it_was_given(library: Library, payload: dict[str, object]) -> None:
    event = library.events.append("comment", "draft-1", payload)
    assert library.events.all()[-1] == event
    assert library.events.all()[-1].payload == payload


def test_by_kind_and_subject_in_the_order_they_happened(library: Library) -> None:
    for kind, subject in (("ranking", "batch-1"), ("comment", "draft-1"), ("decision", "draft-1"), ("ranking", "batch-2")):
        library.events.append(kind, subject, {})
    assert [event.subject for event in library.events.all("ranking")] == ["batch-1", "batch-2"]
    assert [event.kind for event in library.events.all("comment", "decision", subject="draft-1")] == ["comment", "decision"]
    assert [event.kind for event in library.events.all(subject="draft-1")] == ["comment", "decision"]
    ids = [event.id for event in library.events.all()]
    assert ids == sorted(ids)
    assert len(ids) == 4


@pytest.mark.parametrize("statement", ["UPDATE events SET kind='x'", "DELETE FROM events"])
def test_events_cannot_be_changed_or_removed(library: Library, statement: str) -> None:
    library.events.append("ranking", "batch-1", {})
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        library.db.connection.execute(statement)
    assert len(library.events.all()) == 1


def test_a_failed_action_leaves_no_event(library: Library) -> None:
    def failing() -> None:
        with library.db.write():
            library.events.append("decision", "draft-1", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing()
    assert library.events.all() == []


def test_two_writers_lose_nothing(library: Library) -> None:
    def write(name: str) -> None:
        with Library.open(library.home) as mine:
            for number in range(25):
                mine.events.append("comment", name, {"number": number})

    threads = [threading.Thread(target=write, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in ("one", "two"):
        assert [event.payload["number"] for event in library.events.all(subject=name)] == list(range(25))


WRITER = """
import sys
from pathlib import Path
from notewright.library import Library
with Library.open(Path(sys.argv[1])) as library:
    for number in range(int(sys.argv[3])):
        print(library.events.append("comment", sys.argv[2], {"number": number}).id, flush=True)
"""


def test_two_faces_at_once_lose_nothing_and_double_nothing(library: Library) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "src")}
    faces = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(library.home), name, "150"], stdout=subprocess.PIPE, text=True, env=environment
        )
        for name in ("studio", "shell")
    ]  # fmt: skip
    told = [int(line) for face in faces for line in face.communicate()[0].split()]
    assert [face.returncode for face in faces] == [0, 0]
    assert sorted(told) == [event.id for event in library.events.all()]
    for name in ("studio", "shell"):
        assert [event.payload["number"] for event in library.events.all(subject=name)] == list(range(150))


def test_an_event_is_on_the_disk_when_it_is_acknowledged(library: Library) -> None:
    assert library.db.connection.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL: the log is synced at every commit
    assert library.db.connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_standing_events_are_those_not_taken_back(library: Library) -> None:
    first, second = (library.events.append("comment", "draft-1", {"number": number}) for number in (1, 2))
    library.events.append("undo", str(first.id), {"events": [first.id], "kind": "comment"})
    assert library.events.undone() == {first.id}
    assert library.events.standing("comment") == [second]
    assert [event.id for event in library.events.all(after=second.id)] == [3]


def test_a_batch_counts_as_ranked_once_and_only_while_its_ranking_stands(library: Library) -> None:
    for batch in ("batch-1", "batch-1", "batch-2"):
        last = library.events.append("ranking", batch, {})
    assert library.counts()["rankings"] == 2
    library.events.append("undo", str(last.id), {"events": [last.id], "kind": "ranking"})
    assert library.counts()["rankings"] == 1


def test_the_order_is_that_of_the_times_wherever_the_events_came_from(library: Library) -> None:
    for number in (3, 1, 2, 1):
        library.events.append("comment", "draft-1", {}, at=f"2026-01-0{number}T00:00:00+00:00")
    library.events.append("ranking", "batch-1", {}, at="2026-01-02T12:00:00+00:00")
    assert [event.id for event in library.events.all()] == [2, 4, 3, 5, 1]
    assert [event.id for event in library.events.all("comment", subject="draft-1")] == [2, 4, 3, 1]
    for read in (library.events.all, library.events.standing):
        assert [event.id for event in read("comment", newest=2)] == [3, 1]
        assert [event.id for event in read("comment", "ranking", newest=2)] == [5, 1]
        assert [event.id for event in read(subject="draft-1", newest=3)] == [4, 3, 1]
    assert [event.id for event in library.events.all("comment", after=0)] == [1, 2, 3, 4]  # as this library got them
    assert [event.id for event in library.events.all(after=2)] == [3, 4, 5]


def test_the_newest_are_found_without_looking_at_all(library: Library) -> None:
    said: list[str] = []
    library.db.connection.set_trace_callback(said.append)
    library.events.all("ranking", "decision", "edit", newest=2000)
    library.events.append("comment", "draft-1", {})
    library.db.connection.set_trace_callback(None)
    queries = [query for query in said if query.startswith("SELECT") and " events" in query]
    assert len(queries) == 3
    for query in queries:
        plan = " ".join(row["detail"] for row in library.db.rows(f"EXPLAIN QUERY PLAN {query}"))
        assert "events_by_time" in plan
        assert "B-TREE" not in plan


def test_what_is_done_now_comes_after_what_a_clock_ahead_has_told(library: Library) -> None:
    there = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    library.events.append("comment", "draft-1", {}, at=there)
    first, second = (library.events.append("comment", "draft-1", {"number": number}) for number in (1, 2))
    assert there < first.at < second.at
    assert [event.id for event in library.events.all()] == [1, 2, 3]
    library.events.append("comment", "draft-1", {}, at="2999-01-01T00:00:00+00:00")  # a mistake
    assert second.at < library.events.append("comment", "draft-1", {}).at < "2998"
    library.events.append("comment", "draft-1", {}, at=f"{there[:10]}T99")
    assert library.events.append("comment", "draft-1", {}).at < "2998"


def test_what_a_clock_far_ahead_gave_a_time_keeps_its_place(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    def there(days: float) -> str:
        return (datetime.now(UTC) + timedelta(days=days)).isoformat()

    events, known = library.events, {}
    for number, days in enumerate((0, 40, 30, 30.5), 1):
        with monkeypatch.context() as patch:
            patch.setattr("notewright.library.events.now", lambda days=days: there(days))
            known[number] = events.append("ranking", "batch-1", {"order": [[f"draft-{number}"]]}).at
    events.append("ranking", "batch-1", {"order": [["draft-5"]]})
    events.append("ranking", "batch-1", {"order": [["draft-0"]]}, at=there(-9))  # of another machine
    events.append("ranking", "batch-1", {"order": [["draft-6"]]})
    assert [event.id for event in events.all("ranking")] == [6, 1, 2, 3, 4, 5, 7]
    assert [event.id for event in events.all(newest=3)] == [4, 5, 7]
    assert all(event.at < there(0) for event in events.all())
    assert events.count("ranking", since=there(1)) == 0
    told = {event.id: event.at for event in events.all(after=0, as_told=True)}
    assert {number: told[number] for number in known} == known  # as other libraries know them
    monkeypatch.setattr("notewright.library.events.now", lambda: there(50))  # when their times have come
    events.append("ranking", "batch-1", {"order": [["draft-7"]]})
    assert [event.id for event in events.all("ranking")] == [6, 1, 2, 3, 4, 5, 7, 8]


def test_a_clock_that_is_before_all_that_was_done_is_not_believed(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    before = library.events.append("ranking", "batch-1", {"order": [["draft-1"]]})
    monkeypatch.setattr("notewright.library.events.now", lambda: "2015-01-01T00:00:00+00:00")
    after = library.events.append("ranking", "batch-1", {"order": [["draft-2"]]})
    assert [event.id for event in library.events.all("ranking")] == [
        before.id,
        after.id,
    ]  # the later one is what counts, and is undone first
    monkeypatch.undo()
    assert library.events.append("ranking", "batch-1", {}).at > after.at


def test_an_undo_that_names_no_event_takes_nothing_back(library: Library) -> None:
    first, second = (library.events.append("comment", "draft-1", {"number": number}) for number in (1, 2))
    for taken in (["event:dc5b0123456789abcdef0123"], [None, second.id, "x"], "event:dc5b", first.id, {}):
        library.events.append("undo", "event:dc5b0123456789abcdef0123", {"events": taken, "kind": "comment"})
    library.events.append("undo", "nothing", {})
    assert library.events.undone() == {second.id}
    assert library.counts()["rankings"] == 0


def test_all_edits_of_an_insertion_go_with_it(library: Library) -> None:
    kept, taken = (library.events.append("insertion", "draft-1", {"insertion": {"note_path": name}}) for name in ("A.md", "B.md"))
    edits = [library.events.append("edit", "draft-1", {"insertion": number}) for number in (kept.id, taken.id, None)]
    library.events.append("undo", str(taken.id), {"events": [taken.id], "kind": "insertion"})
    later = library.events.append("edit", "draft-1", {"insertion": taken.id})
    assert library.events.undone() == {taken.id, edits[1].id, later.id}
    assert library.events.standing("edit") == [edits[0], edits[2]]
