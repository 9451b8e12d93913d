"""The rules of the architecture that a machine can check (direction of imports: import-linter; module-level imports: ruff TID253)."""

from __future__ import annotations

import ast
import functools
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
SOURCE = TESTS.parent / "src" / "notewright"
MODULES = sorted(path for path in SOURCE.rglob("*.py") if "data" not in path.relative_to(SOURCE).parts)
HEAVY = {"torch", "transformers", "trl", "peft", "accelerate", "datasets"}
HEAVY_SHELF = (
    "training/",
    "seedling/",
    "models/cache.py",
    "models/chat.py",
    "models/engine.py",
    "models/export.py",
    "models/generation.py",
    "models/letters.py",
    "models/lookup.py",
    "models/marks.py",
    "models/merging.py",
    "models/precision.py",
    "models/quantization.py",
    "models/sharing.py",
    "models/splitting.py",
    "models/thin.py",
    "gates/nli.py",
    "reward/neural.py",
)
LIGHT_ON_THE_SHELF = (
    "training/__init__.py", "training/recipes.py", "training/runs.py", "training/launch.py", "training/prompts.py", "training/judging.py",
    "seedling/__init__.py",
)  # fmt: skip


def name(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


TEXTS = {name(path): path.read_text(encoding="utf-8") for path in MODULES}
TREES = {module: ast.parse(text) for module, text in TEXTS.items()}


@functools.cache
def imported(module: str) -> frozenset[str]:
    """Top-level packages imported anywhere in the file, functions included."""
    found: set[str] = set()
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return frozenset(found)


def importers(libraries: set[str], *allowed: str) -> list[str]:
    """Modules that import one of these libraries, other than those whose names begin as allowed."""
    return [module for module in TEXTS if not module.startswith(allowed) and imported(module) & libraries]


def test_heavy_libraries_stay_on_the_heavy_shelf() -> None:
    assert importers(HEAVY, *HEAVY_SHELF) == []
    assert [module for module in LIGHT_ON_THE_SHELF if imported(module) & HEAVY] == []


def test_sql_lives_in_the_library() -> None:
    assert importers({"sqlite3"}, "library/") == []


def test_the_command_line_library_lives_in_cli() -> None:
    # `python -m` entry points for developers and the training child are no faces of the product.
    assert importers({"argparse"}, "cli/", "seedling/", "sample/build.py", "training/worker.py") == []


def test_serving_lives_in_the_server() -> None:
    assert importers({"fastapi", "starlette", "uvicorn", "pydantic"}, "server/", "cli/serve.py") == []


def test_the_network_has_two_doors() -> None:
    assert importers({"httpx", "requests", "urllib3", "aiohttp"}, "importers/readwise_api.py", "models/remote.py") == []


def test_the_rules_find_offenders() -> None:
    found = {*importers({"sqlite3"}), *importers({"argparse", "fastapi"}), *importers({"httpx"})}
    assert {"library/database.py", "cli/__init__.py", "server/app.py", "models/remote.py"} <= found


def test_files_are_small_and_plainly_named() -> None:
    assert [module for module, text in TEXTS.items() if len(text.splitlines()) > 600] == []
    assert [path.name for path in TESTS.rglob("*.py") if len(path.read_text(encoding="utf-8").splitlines()) > 600] == []
    assert [path for path in MODULES if path.stem in ("utils", "helpers", "misc", "common")] == []


def test_modules_say_what_they_are() -> None:
    assert [module for module, tree in TREES.items() if not ast.get_docstring(tree)] == []


def test_the_median_module_is_short() -> None:
    assert statistics.median(len(text.splitlines()) for text in TEXTS.values()) <= 200


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
