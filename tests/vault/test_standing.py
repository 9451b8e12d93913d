"""The words of an insertion stand in the note more than once: which of them undo takes out, and when it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notewright.errors import Conflict
from notewright.vault import Known, insert, undo, without

TEXT = "- A drafted bullet about willows.\n- Another one about floods."
NOTE = "# N\n\n## One\nFirst.\n\n#tag\n\n## Two\nSecond.\n\n#tag\n"
OURS = "<ours>"  # stands for the text where it was put in


def inserted(root: Path, under: str | None, change: Callable[[str], str], *, newline: str = "\n"):
    """(The insertion; the note as changed, with `OURS` for the text that was put in; its path)."""
    vault = root / "vault"
    vault.mkdir()
    path = vault / "N.md"
    path.write_bytes(NOTE.replace("\n", newline).encode())
    done = insert(vault, "N", TEXT, under=under, backups=root / "backups")
    marked = change(path.read_bytes().decode().replace("\r\n", "\n").replace(TEXT, OURS))
    path.write_bytes(marked.replace(OURS, TEXT).replace("\n", newline).encode())
    return done, marked, path


def lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("under", "change"),
    [
        ("One", lambda now: f"{now}\n{TEXT}\n"),
        ("One", lambda now: f"{TEXT}\n\n{now}"),
        ("One", lambda now: f"A line.\n\n{now.replace('# N', f'# N{chr(10) * 2}{TEXT}')}\nThe end.\n"),
        ("One", lambda now: f"{now}\n{TEXT} And more.\n"),
        ("One", lambda now: f"{now.replace('Second.', TEXT)}\n{TEXT}\n"),
        (None, lambda now: f"{TEXT}\n\n{now}"),
        (None, lambda now: now.replace("First.", f"Changed.\n\n{TEXT}")),
    ],
    ids=["at the end", "at the top", "edits elsewhere", "one goes on", "three", "ours at the end", "a line above"],
)
def test_the_one_among_its_old_neighbours_is_taken_out(tmp_path: Path, under: str | None, change, newline: str) -> None:
    done, marked, path = inserted(tmp_path, under, change, newline=newline)
    assert undo(done).how == "removed"
    left = path.read_bytes().decode()
    assert lines(left.replace("\r\n", "\n")) == lines(marked.replace(OURS, ""))
    assert left.count("\r\n") == (left.count("\n") if newline == "\r\n" else 0)


def test_of_two_one_below_the_other_either_may_go(tmp_path: Path) -> None:
    done, marked, path = inserted(tmp_path, "One", lambda now: now.replace(OURS, f"{OURS}\n\n{TEXT}"))
    undo(done)
    assert path.read_text() == marked.replace(f"{OURS}\n\n", "")


@pytest.mark.parametrize(
    ("under", "change"),
    [
        ("One", lambda now: f"{now.replace(OURS, f'{OURS}{chr(10)}A remark.')}\n{TEXT}\n"),
        ("One", lambda now: f"{now.replace('#tag', '#tag #mine')}\n{TEXT}\n"),
        ("One", lambda now: now + now.replace(OURS, TEXT)),
        ("One", lambda now: now.replace(OURS, "").replace("First.", TEXT) + TEXT),
        (None, lambda now: f"{now}\n\nA remark.\n\n{TEXT}\n"),
        (None, lambda now: f"{now} And more.\n\n{TEXT} And more.\n"),
    ],
    ids=["a remark below", "a line above changed", "the note twice", "gone from its place", "another at the end", "both go on"],
)
def test_where_nothing_tells_them_apart_undo_refuses(tmp_path: Path, under: str | None, change) -> None:
    done, marked, path = inserted(tmp_path, under, change)
    before = path.read_bytes()
    with pytest.raises(Conflict, match="more than once, and nothing tells which was put in, so nothing was undone"):
        undo(done)
    assert path.read_bytes() == before


def test_without_its_copy_of_the_note_undo_refuses_two(tmp_path: Path) -> None:
    done, marked, path = inserted(tmp_path, "One", lambda now: f"{now}\n{TEXT}\n")
    Path(done.backup).unlink()
    with pytest.raises(Conflict, match="more than once"):
        undo(done)


def test_what_is_known_from_later_outranks_the_note_as_it_was_left(tmp_path: Path) -> None:
    """The person moved it between other lines, and put a copy where it had been: a watcher saw both."""
    done, _, path = inserted(tmp_path, "One", lambda now: now.replace(OURS, TEXT).replace("Second.", f"Second.\n\n{OURS}"))
    seen = path.read_bytes()
    at = seen.rindex(TEXT.encode())
    now = b"# Above\n\n" + seen
    left = without(now, done, known=Known(seen, ((at, at + len(TEXT)),)))
    assert left is not None
    assert left.count(TEXT.encode()) == 1
    assert left.index(TEXT.encode()) < left.index(b"## Two")


BLOCKS = st.lists(st.sampled_from([TEXT, OURS, "---", "#tag", "First.", "## One", "## Two", f"{TEXT} And more.", "Mine."]), max_size=9)


@given(blocks=BLOCKS, under=st.sampled_from(["One", "Two", None]))
def test_whatever_stands_there_only_one_whole_copy_goes(tmp_path_factory: pytest.TempPathFactory, blocks: list[str], under) -> None:
    changed = "\n\n".join(["Top.", *blocks, "End."])
    done, marked, path = inserted(tmp_path_factory.mktemp("any"), under, lambda _: changed)
    before = path.read_text()
    try:
        undo(done)
    except Conflict:
        assert path.read_text() == before
        return
    parts = before.split(TEXT)
    without_one = [lines(TEXT.join(parts[:at]) + TEXT.join(parts[at:])) for at in range(1, len(parts))]
    assert lines(path.read_text()) in without_one
