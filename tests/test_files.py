from __future__ import annotations

from pathlib import Path

import pytest

from notewright.files import put, whole, whole_folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_whole_byte_for_byte(tmp_path: Path) -> None:
    put(tmp_path / "new" / "a.json", "one\r\ntwo\n")
    put(tmp_path / "new" / "a.json", "ünd\r\n")
    assert (tmp_path / "new" / "a.json").read_bytes() == "ünd\r\n".encode()
    assert names(tmp_path / "new") == ["a.json"]


def test_what_breaks_off_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    put(path, "before")

    def stopped() -> None:
        with whole(path) as part:
            part.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert path.read_text() == "before"
    assert names(tmp_path) == ["a.json"]
    with pytest.raises(OSError, match=r"\.a\.json\.part"), whole(path):  # nothing was written
        pass
    assert path.read_text() == "before"


def test_a_folder_is_replaced_whole_and_what_a_killed_one_left_is_cleared(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    for text in ("old", "new"):
        with whole_folder(folder) as part:
            (part / f"{text}.txt").write_text(text)
    assert names(folder) == ["new.txt"]
    (tmp_path / ".model.part").mkdir()
    (tmp_path / ".model.part" / "half.txt").write_text("half")
    with whole_folder(folder) as part:
        assert names(part) == []
    with pytest.raises(RuntimeError), whole_folder(folder) as part:
        raise RuntimeError
    assert names(tmp_path) == ["model"]
