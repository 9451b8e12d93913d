"""docs/api.md is what OpenAPI says."""

from __future__ import annotations

from conftest import REPOSITORY
from notewright.server.reference import render, schema


def test_the_page_lists_the_routes() -> None:
    page = (REPOSITORY / "docs" / "api.md").read_text(encoding="utf-8")
    assert page == render(), "bring it up to date: python -m notewright.server.reference > docs/api.md"


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for path in schema()["paths"].values() for operation in path.values()]
    assert len(set(names)) == len(names)
