"""The TypeScript types are those of the API as it is."""

from __future__ import annotations

import importlib.util

from conftest import REPOSITORY


def test_types_are_made_from_this_api() -> None:
    spec = importlib.util.spec_from_file_location("generate", REPOSITORY / "web" / "api" / "generate.py")
    assert spec
    assert spec.loader
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    with generate.FILE.open(encoding="utf-8") as file:
        assert file.readline() == generate.first_line(generate.openapi()), "bring them up to date: make types"
