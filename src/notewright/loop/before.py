"""What went before means for this improve: whether anything is new since, and what the person went back from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .. import __version__, datasets
from ..library.atwork import numbered, read_state, unfinished
from ..models import registry
from ..models.turns import note_change

if TYPE_CHECKING:
    from ..library import Library
    from ..records import Model
    from ..settings import Settings


def terms(library: Library, settings: Settings, **others: object) -> dict[str, object]:
    """What an outcome depends on beside the data and the recipe: the base, the program, and `others`."""
    return {"base": registry.ensure_base_model(library, settings).id, "program": __version__, **others}


def with_defaults(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The options of an `improve` as it is made: what was not said is by default."""
    return {**asked, "effort": asked["effort"] or "normal"}


def nothing_new_since(library: Library, settings: Settings, asked: Mapping[str, Any], **others: object) -> str:
    """The last `improve`, if it is finished, nothing in it failed, and this one would make and compare the same again; else nothing.

    The version that it promoted is what it made itself, and the one before was compared with all it made.
    """
    newest, folder = max(numbered(library.home / "runs").items(), default=(0, library.home))
    table = read_state(folder)
    if not newest or "finished_at" not in table or "failed" in table or table.get("terms") != terms(library, settings, **others):
        return ""
    if any(table.get(name) != value for name, value in with_defaults(asked).items()) or table["event"] != library.events.last():
        return ""
    current = registry.current(library, settings)
    registry.require_files(library, current)
    if current.id not in (table["current"], table["promoted"]):
        return ""
    note_change(library)
    return folder.name if datasets.build(library, kind="sft", settings=settings).id == table["sft_dataset"] else ""


def removed_since(library: Library) -> list[str]:
    """Titles of the sources that the unfinished `improve` learns from, and that the person removed since it gathered its data."""
    named = {value for key, value in unfinished(library.home).items() if key.endswith("_dataset")}
    return sorted({title for dataset in library.datasets.all() if dataset.id in named for title in library.hidden.taught_by(dataset)})


def gone_back_from(library: Library, ways: Iterable[tuple[Model, bool]]) -> dict[tuple[str, bool], str]:
    """Those of the `ways` to write (a version, with examples or without) that the person went back from, under this name or another, each
    with the version that it was then. Only they can make one current again."""
    left = {
        (registry.made_of(library, library.models.get(version)), examples): version for version, examples in library.models.went_back_from()
    }
    found = {}
    for model, examples in ways:
        made = registry.made_of(library, model)
        if then := left.get((made, None)) or left.get((made, examples)):
            found[model.id, examples] = then
    return found
