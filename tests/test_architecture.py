"""The rules of the architecture that a machine can check (direction of imports: import-linter; module-level imports: ruff TID253)."""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "notewright"
MODULES = sorted(path for path in SOURCE.rglob("*.py") if "data" not in path.relative_to(SOURCE).parts)
HEAVY = {"torch", "transformers", "trl", "peft", "accelerate", "datasets"}
HEAVY_SHELF = (
    "training/",
    "seedling/",
    "models/cache.py",
    "models/chat.py",
    "models/engine.py",
    "models/generation.py",
    "models/lookup.py",
    "models/merging.py",
    "models/sharing.py",
    "gates/nli.py",
    "reward/neural.py",
)
LIGHT_ON_THE_SHELF = (
    "training/__init__.py", "training/recipes.py", "training/runs.py", "training/launch.py", "training/prompts.py", "training/judging.py",
    "seedling/__init__.py",
)  # fmt: skip


def name(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def imported(path: Path) -> set[str]:
    """Top-level packages imported anywhere in the file, functions included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_heavy_libraries_stay_on_the_heavy_shelf(path: Path) -> None:
    if not name(path).startswith(HEAVY_SHELF) or name(path) in LIGHT_ON_THE_SHELF:
        assert not imported(path) & HEAVY


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_sql_lives_in_the_library(path: Path) -> None:
    if not name(path).startswith("library/"):
        assert "sqlite3" not in imported(path)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_the_command_line_library_lives_in_cli(path: Path) -> None:
    # `python -m` entry points for developers and the training child are no faces of the product.
    if not name(path).startswith(("cli/", "seedling/", "sample/build.py", "training/worker.py")):
        assert "argparse" not in imported(path)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_serving_lives_in_the_server(path: Path) -> None:
    if not name(path).startswith(("server/", "cli/serve.py")):
        assert not imported(path) & {"fastapi", "starlette", "uvicorn", "pydantic"}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_files_are_small_and_plainly_named(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 600
    assert path.stem not in ("utils", "helpers", "misc", "common")


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_modules_say_what_they_are(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_the_median_module_is_short() -> None:
    assert statistics.median(len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES) <= 200


@pytest.mark.parametrize("command", [["--help"], ["status"], ["sources"], ["pairs", "list"], ["models", "list"], ["drafts"], ["runs"]])
def test_light_commands_import_nothing_heavy(command: list[str], home: Path) -> None:
    from notewright.library import Library

    Library.create(home).close()
    script = (
        f"import sys; from notewright.cli import main\ntry: main({command!r})\nexcept SystemExit: pass\n"
        "print('LOADED', sorted({'torch','transformers','trl','peft','fastapi','httpx','matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "LOADED []" in done.stdout, done.stdout + done.stderr
