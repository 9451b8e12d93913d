from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from notewright.cli import main
from notewright.files import private, put, whole, whole_folder
from notewright.importers.readwise_api import save_token
from notewright.library import Library
from notewright.server.gate import read_token
from notewright.settings import Settings, save_settings


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


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
@pytest.mark.parametrize(
    "make",
    [
        lambda home: Library.create(home).close(),
        lambda home: save_settings(Settings(home=home, template="book")),
        lambda home: save_token(Settings(home=home), "abcdefgh"),
        read_token,
        lambda home: main(["--home", str(home), "init"]),
    ],
    ids=["library", "settings", "token", "server", "init"],
)
def test_others_on_the_machine_cannot_look_into_a_new_home(
    make: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notewright.importers.readwise_api._keyring_set", lambda _: False)  # no machine's real keyring is touched
    home = tmp_path / "above" / "home"
    earlier = os.umask(0)
    try:
        make(home)
    finally:
        os.umask(earlier)
    assert home.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
def test_a_folder_that_is_there_stays_as_open_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    private(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o750
