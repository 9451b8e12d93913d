"""The completion scripts of every shell; those of shells that are at hand run in them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from notewright.cli import main
from notewright.cli.completion import SHELLS


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_s_script_knows_commands_options_and_choices(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = script(shell, capsys)
    for word in ("improve", "rollback", "reinforce", "thorough", "powershell"):
        assert re.search(rf"\b{word}\b", text), word


@pytest.mark.parametrize("check", ["bash -n", "zsh -n", "fish -n", "tcsh -n"])
def test_a_shell_reads_its_script(check: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    shell, option = check.split()
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    path = tmp_path / "script"
    path.write_text(script(shell, capsys), encoding="utf-8")
    subprocess.run([shell, option, str(path)], check=True)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("impr", {"improve"}),
        ("models ro", {"rollback"}),
        ("improve --effort tho", {"thorough"}),
        ("completion fi", {"fish"}),
        ("draft --high", {"--highlights"}),
    ],
)
def test_bash_completes(words: str, found: set[str], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    if not shutil.which("bash"):
        pytest.skip("bash is not installed")
    path = tmp_path / "script"
    path.write_text(script("bash", capsys), encoding="utf-8")
    ask = """
        source "$1"; shift
        COMP_WORDS=(notewright "$@"); COMP_CWORD=$#
        "$(complete -p notewright | sed -E 's/.*-F ([^ ]+).*/\\1/')" notewright "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    asked = ["bash", "-c", ask, "bash", str(path), *words.split()]
    assert {line.strip() for line in subprocess.run(asked, check=True, capture_output=True, text=True).stdout.splitlines()} == found
