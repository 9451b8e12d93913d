"""What the pages name is there: links, files, commands and their flags, make targets, extras."""

from __future__ import annotations

import argparse
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from notewright.cli import COMMANDS, build_parser

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "web" / "plugin" / "README.md"]
NOW = [page for page in PAGES if "decisions" not in page.parts and page.name != "lab-notes.md"]  # the others tell what once was
PLACES = ("", "docs", "src/notewright", "src")
OURS = re.compile(r"`((?:docs|src|tests|web|benchmarks)/[\w./-]+)(?: [^`]*)?`|`(?:python )(benchmarks/\w+\.py)")
BUILT = ("src/notewright/plugin/",)


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_and_files_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = {link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link} - {""}
    assert [link for link in links if not (page.parent / link).exists()] == []
    files = {one or other for one, other in OURS.findall(text)} - set(BUILT)
    assert [file for file in files if not any((ROOT / place / file).exists() for place in PLACES)] == []


@cache
def flags(command: str) -> dict[tuple[str, ...], set[str]]:
    """The flags of a command and of each of its actions."""
    found: dict[tuple[str, ...], set[str]] = {}

    def walk(parser: argparse.ArgumentParser, path: tuple[str, ...]) -> None:
        found[path] = {flag for action in parser._actions for flag in action.option_strings}
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for word, inner in action.choices.items():
                    walk(inner, (*path, word))

    top = next(action for action in build_parser([command])._actions if isinstance(action, argparse._SubParsersAction))
    walk(top.choices[command], ())
    return found


def said(text: str) -> Iterator[tuple[str, list[str], set[str]]]:
    """(command, its words, its flags) for every `notewright ...` in code."""
    fenced = "\n".join(re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    for line in [*re.findall(r"`([^`\n]+)`", text), *fenced.splitlines(), *re.findall(r"^    (notewright .*)$", text, re.MULTILINE)]:
        for part in re.split(r"&&|;|\|\||\s#", line):
            if found := re.match(r"\s*notewright ([a-z]+)(.*)", part):
                yield found[1], found[2].split(), set(re.findall(r"(?<![\w-])(--[a-z][\w-]*)", found[2]))


@pytest.mark.parametrize("page", NOW, ids=name)
def test_commands_and_flags_are_there(page: Path) -> None:
    for command, words, named in said(page.read_text(encoding="utf-8")):
        assert command in COMMANDS, f"notewright {command}"
        known = flags(command)
        path: tuple[str, ...] = ()
        for word in words:
            if (*path, word.strip(".,)")) not in known:
                break
            path = (*path, word.strip(".,)"))
        inner = set().union(*(there for one, there in known.items() if one[: len(path)] == path or path[: len(one)] == one))
        assert named <= inner, f"notewright {command} {' '.join(words)}"


def test_something_is_looked_at() -> None:
    told = [item for page in NOW for item in said(page.read_text(encoding="utf-8"))]
    assert len(told) > 80
    assert sum(len(named) for _, _, named in told) > 20


@pytest.mark.parametrize("page", NOW, ids=name)
def test_make_targets_and_extras_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)`", text)) <= targets
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(re.findall(r"notewright\[(\w+)\]", text)) <= set(extras)
