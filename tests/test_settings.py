"""The home folder and config.toml: precedence, round trip, every kind of bad file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from notewright.errors import Invalid, NotFound, Unavailable
from notewright.settings import (
    Settings,
    change_settings,
    edited,
    expanded,
    home_folder,
    load_settings,
    output_file,
    save_settings,
    silence_telemetry,
)


def test_the_environment_names_the_home(tmp_path: Path) -> None:
    assert home_folder({"NOTEWRIGHT_HOME": str(tmp_path)}) == tmp_path
    assert home_folder({}) == Path.home() / ".notewright"
    assert home_folder({"NOTEWRIGHT_HOME": ""}) == Path.home() / ".notewright"


def test_no_file_means_defaults(home: Path) -> None:
    assert load_settings() == Settings(home=home)


def test_saved_settings_come_back(home: Path, tmp_path: Path) -> None:
    settings = Settings(
        home=home, vault=tmp_path, readwise_folder="Réadwise", exclude=("Templates", 'A "b"'), base_model="org/base", device="cpu"
    )
    save_settings(settings)
    assert load_settings() == settings
    assert sorted(item.name for item in home.iterdir()) == ["config.toml"]


def test_defaults_are_not_written(home: Path) -> None:
    save_settings(Settings(home=home))
    assert (home / "config.toml").read_text() == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("vault = ", ["not valid TOML"]),
        ("vualt = 'x'\n", ["unknown key 'vualt'", "vault"]),
        ("vault = 3\n", ["vault must be text, not a whole number"]),
        ("exclude = 'Templates'\n", ["exclude must be a list, not text"]),
        ("device = 'tpu'\n", ["device must be auto, cpu, cuda or mps, not 'tpu'"]),
        ("duels = 'some'\n", ["duels must be a number, not text"]),
        ("embeddings = 1\n", ["embeddings must be true or false, not a whole number"]),
        ("backup_days = 1.5\n", ["backup_days must be a whole number, not a number"]),
        ("improve_after = true\n", ["improve_after must be a whole number, not true or false"]),
        ("keep_versions = -1\n", ["keep_versions must not be negative"]),
        ("vualt = 1\ndevice = 'x'\n", ["unknown key 'vualt'", "device must be", "2 problems"]),
    ],
)
def test_bad_files_say_everything_that_is_wrong(home: Path, text: str, words: list[str]) -> None:
    home.mkdir()
    (home / "config.toml").write_text(text)
    with pytest.raises(Invalid) as caught:
        load_settings()
    for word in [*words, "config.toml"]:
        assert word in caught.value.message
    assert caught.value.hint


def test_wrong_encoding_is_bad_toml(home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_bytes("vault = 'é'".encode("latin-1"))
    with pytest.raises(Invalid, match="not valid TOML"):
        load_settings()


def test_tilde_in_the_vault_path(home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text("vault = '~/Vault'\n")
    assert load_settings().vault == Path.home() / "Vault"


def test_needing_a_vault(home: Path, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        Settings(home=home).need_vault()
    assert "notewright init --vault" in caught.value.hint
    with pytest.raises(NotFound):
        Settings(home=home, vault=tmp_path / "gone").need_vault()
    assert Settings(home=home, vault=tmp_path).need_vault() == tmp_path


def test_obsidians_own_folder_is_no_vault(home: Path, tmp_path: Path) -> None:
    """Where the completion of a shell leads one to."""
    (tmp_path / ".obsidian").mkdir()
    with pytest.raises(Invalid, match="no notes") as caught:
        change_settings(Settings(home=home), {"vault": str(tmp_path / ".obsidian")})
    assert caught.value.hint.endswith(str(tmp_path))


def test_telemetry_is_off_before_anything_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "0")
    monkeypatch.delenv("DO_NOT_TRACK", raising=False)
    silence_telemetry()
    assert os.environ["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert os.environ["DO_NOT_TRACK"] == "1"


def test_a_home_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("mine")
    with pytest.raises(Unavailable) as caught:
        save_settings(Settings(home=tmp_path / "home"))
    assert f"{tmp_path / 'home'} is a file, not a folder" in caught.value.message
    assert "--home" in caught.value.hint
    assert (tmp_path / "home").read_text() == "mine"


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_settings(Settings(home=home, device="cpu"))
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(Unavailable, match="No space left on device"):
        save_settings(Settings(home=home, device="cuda"))
    assert load_settings().device == "cpu"
    assert sorted(item.name for item in home.iterdir()) == ["config.toml"]


@pytest.mark.parametrize("name", ["nope", "/no/such/folder", "./models/x", "~/nowhere-at-all/x", "a/b/c", "no such/thing", "nö/such"])
def test_a_base_model_that_cannot_be_is_not_kept(home: Path, name: str) -> None:
    with pytest.raises(NotFound, match="There is no base model"):
        change_settings(Settings(home=home), {"base_model": name})
    assert not home.exists()


def test_a_change_that_is_refused_is_no_problem_of_the_file(home: Path) -> None:
    with pytest.raises(Invalid) as caught:
        change_settings(Settings(home=home), {"engine_url": "file:///x", "duels": 3})
    assert caught.value.message.startswith("That cannot be kept: duels must lie between 0 and 0.5, not 3.0; engine_url must be")
    assert "config.toml" not in caught.value.message + caught.value.hint


def test_an_empty_name_excludes_nothing(home: Path) -> None:
    assert change_settings(Settings(home=home), {"exclude": ["A", " ", ""]}).exclude == ("A",)
    assert change_settings(Settings(home=home, exclude=("A",)), {"exclude": [""]}).exclude == ()


@pytest.mark.parametrize("name", ["", "seedling", "Qwen/Qwen3-0.6B", "Qwen/Qwen3-0.6B@main"])
def test_names_of_base_models_are_kept_as_they_are(home: Path, name: str) -> None:
    assert change_settings(Settings(home=home), {"base_model": name}).base_model == name


def test_the_page_of_settings_has_every_key_and_its_default() -> None:
    page = (Path(__file__).parents[1] / "docs" / "settings.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", page.partition("## The home folder")[0], re.MULTILINE))
    defaults = {item.name: getattr(Settings(home=Path()), item.name) for item in fields(Settings) if item.name != "home"}
    assert set(told) == set(defaults)
    for key, default in defaults.items():
        if told[key].startswith("`"):
            assert tomllib.loads(f"x = {told[key].strip('`')}")["x"] == (list(default) if isinstance(default, tuple) else default), key
        else:
            assert not default, key


def test_a_home_of_somebody_who_does_not_exist_is_said() -> None:
    with pytest.raises(NotFound, match="There is no ~nobody-at-all on this machine"):
        home_folder({"NOTEWRIGHT_HOME": "~nobody-at-all/h"})


def test_other_paths_that_begin_with_a_tilde_may_be_names(home: Path) -> None:
    assert expanded("~nobody-at-all.md") == Path("~nobody-at-all.md")
    assert expanded("~/x") == Path.home() / "x"
    home.mkdir()
    (home / "config.toml").write_text('vault = "~nobody-at-all/v"\n')
    assert load_settings().vault == Path("~nobody-at-all/v")


def test_an_empty_path_is_none(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('vault = ""\nnli_model = " "\n', encoding="utf-8")
    settings = load_settings(tmp_path)
    assert (settings.vault, settings.nli_model) == (None, None)


def test_what_two_tabs_change_is_all_kept(home: Path) -> None:
    save_settings(Settings(home=home))
    one, other = load_settings(), load_settings()
    change_settings(one, {"improve_after": 5})
    changed = change_settings(other, {"engine_model": "large"})
    assert (changed.improve_after, changed.engine_model) == (5, "large")
    assert load_settings() == changed


def test_changes_at_the_same_moment_wait_for_each_other(home: Path) -> None:
    save_settings(Settings(home=home))
    names = ("engine_model", "template", "readwise_folder", "base_model")
    with ThreadPoolExecutor(len(names)) as tabs:
        for turn in range(25):
            value = "seedling" if turn % 2 else ""
            for done in [tabs.submit(change_settings, load_settings(), {name: value}) for name in names]:
                done.result()
            assert {getattr(load_settings(), name) for name in names} == {value}


_CHANGER = """
import sys
from pathlib import Path
from notewright.settings import change_settings, load_settings
home, name = Path(sys.argv[1]), sys.argv[2]
print(flush=True)
sys.stdin.readline()
for turn in range(100):
    assert getattr(change_settings(load_settings(home), {name: str(turn)}), name) == str(turn)
    assert getattr(load_settings(home), name) == str(turn)
"""


def test_changes_of_several_programs_wait_for_each_other(home: Path) -> None:
    names = ("engine_model", "template", "readwise_folder")
    programs = [
        subprocess.Popen([sys.executable, "-c", _CHANGER, home, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE) for name in names
    ]
    for program in programs:
        assert program.stdout
        program.stdout.readline()
    for program in programs:
        assert program.stdin
        program.stdin.write(b"\n")
        program.stdin.flush()
    for program in programs:
        program.communicate()
    assert [program.returncode for program in programs] == [0, 0, 0]
    assert {getattr(load_settings(home), name) for name in names} == {"99"}


def test_a_disk_without_locks_keeps_nobody_from_changing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notewright.files.locked", lambda file: False)
    monkeypatch.setattr("notewright.files.PAUSE", 0.0)
    assert change_settings(Settings(home=home), {"backup_days": 7}) == load_settings(home)


MINE = """# mine
vault = '~/Vault'  # synced

"exclude" = [  # not these
  "Daily", # every day
  'A # "b"',
]
duels = 0.20 # less of it
engine_model = '''
# not a comment
'''
device = "auto"
"""


def test_a_change_leaves_the_rest_of_the_file_as_it_was_written(home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text(MINE, encoding="utf-8")
    change_settings(load_settings(), {"duels": 0.3, "backup_days": 7})
    assert (home / "config.toml").read_text() == MINE.replace("duels = 0.20 # less", "duels = 0.3 # less") + "backup_days = 7\n"
    change_settings(load_settings(), {"exclude": ["Daily"], "device": "cpu", "engine_model": ""})
    text = (home / "config.toml").read_text()
    assert text.startswith('# mine\nvault = \'~/Vault\'  # synced\n\n"exclude" = ["Daily"]\n')
    assert text.endswith('duels = 0.3 # less of it\ndevice = "cpu"\nbackup_days = 7\n')
    changed = load_settings()
    assert (changed.exclude, changed.engine_model, changed.device, changed.duels) == (("Daily",), "", "cpu", 0.3)


def test_what_is_taken_back_is_as_it_was_by_default(home: Path, tmp_path: Path) -> None:
    save_settings(Settings(home=home, vault=tmp_path, duels=0.0, exclude=("A",), embeddings=True))
    save_settings(Settings(home=home))
    assert (home / "config.toml").read_text() == ""
    (home / "config.toml").write_text("# mine\nduels = 0.0  # none\nembeddings = true\n")
    save_settings(Settings(home=home))
    assert (home / "config.toml").read_text() == "# mine\n# none\n"


def test_lines_of_windows_and_a_last_one_without_an_end_are_kept(home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_bytes(b"# mine\r\ndevice = 'cpu' # why\r\nduels = 0.1 # last")
    change_settings(load_settings(), {"device": "cuda", "backup_days": 3})
    assert (home / "config.toml").read_bytes() == b'# mine\r\ndevice = "cuda" # why\r\nduels = 0.1 # last\r\nbackup_days = 3\r\n'


def test_a_file_that_lies_elsewhere_is_changed_there(home: Path, tmp_path: Path) -> None:
    home.mkdir()
    (tmp_path / "dotfiles").mkdir()
    (home / "config.toml").symlink_to("../dotfiles/notewright.toml")
    (tmp_path / "dotfiles" / "notewright.toml").write_text("device = 'cpu'\n")
    change_settings(load_settings(), {"backup_days": 3})
    assert (home / "config.toml").is_symlink()
    assert (tmp_path / "dotfiles" / "notewright.toml").read_text() == "device = 'cpu'\nbackup_days = 3\n"


@given(st.data())
def test_any_file_keeps_what_was_not_changed(data: st.DataObject) -> None:
    text = st.text(st.one_of(st.sampled_from("#\"'\\\n =["), st.characters(exclude_categories=["Cs"])), max_size=12)
    values = {
        "readwise_folder": text, "template": text, "exclude": st.lists(text, max_size=3), "backup_days": st.integers(0, 10**9),
        "duels": st.floats(0, 0.5), "embeddings": st.booleans(), "engine_model": text,
    }  # fmt: skip
    tables = st.fixed_dictionaries({}, optional=values)
    before, wanted = data.draw(tables), data.draw(tables)
    remark = st.sampled_from(["", "# a remark\n", "\n", '  # \'x\' = """\n'])
    lines = [data.draw(remark)]
    for key, value in before.items():
        lasting = isinstance(value, str) and "\r" not in value and data.draw(st.booleans())
        written = tomlkit.dumps({key: tomlkit.string(str(value), multiline=True) if lasting else value})
        lines += [written.removesuffix("\n") + data.draw(st.sampled_from(["", " # why", "\t#"])) + "\n", data.draw(remark)]
    given_text = "".join(lines)
    after = edited(given_text, wanted)
    assert tomllib.loads(after) == before | wanted
    assert edited(after, wanted) == after
    assert all(after.count(kept) == given_text.count(kept) for kept in ("# a remark", " # why\n"))
    assert edited(given_text, before) == given_text
    emptied = edited(given_text, dict.fromkeys(before))
    assert tomllib.loads(emptied) == {}
    assert all(emptied.count(kept) == given_text.count(kept) for kept in ("# a remark", "# why"))


def test_what_is_there_and_no_file_is_not_written_over(tmp_path: Path, home: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for place in (pipe, tmp_path):
        with pytest.raises(Invalid, match="is not a file"):
            output_file(place, Settings(home))
