"""Two versions side by side, with engines that need no model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import small_world
from notewright import datasets, loop
from notewright.errors import Invalid, NotFound
from notewright.library import Library
from notewright.library.database import now
from notewright.records import Highlight, Model, Source
from served import ScriptedEngines
from small_world import ScriptedEngine, World


class Two(ScriptedEngines):
    """Each version writes its own name and what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.writers: dict[str, ScriptedEngine] = {}

    def get(self, library: Library, model: Model, *, device: str):
        super().get(library, model, device=device)
        return self.writers.setdefault(model.id, ScriptedEngine(lambda messages, _: f"{model.id} of {len(messages)}"))


@pytest.fixture
def world(library: Library, tmp_path: Path) -> World:
    made = small_world.build(library, tmp_path)
    small_world.base_model(library)
    small_world.base_model(library)
    return made


def test_held_out_passages_are_written_by_both_from_the_same_prompts(world: World) -> None:
    datasets.build(world.library, kind="sft", settings=world.settings)
    engines, seen = Two(), []
    found = loop.diff_versions(
        world.library,
        settings=world.settings,
        before="model-1",
        after="model-2",
        limit=2,
        engines=engines,
        progress=lambda *at: seen.append(at),
    )
    assert (found.before, found.after, len(found.items)) == ("model-1", "model-2", 2)
    assert engines.asked[-2:] == ["model-1", "model-2"]
    one, other = engines.writers["model-1"].calls, engines.writers["model-2"].calls
    assert [call["messages"] for call in one] == [call["messages"] for call in other]
    assert {(call["n"], call["temperature"]) for call in one + other} == {(1, 0.0)}
    item = found.items[0]
    assert (item.before, item.after) == ("model-1 of 2", "model-2 of 2")
    assert item.passage in (world.vault / item.note_path).read_text()
    assert 0 < item.between < item.before_distance <= 1
    assert seen == [(0, 4), (1, 4), (2, 4), (3, 4)]


def test_a_source_without_a_note_has_no_distance(world: World) -> None:
    found = loop.diff_versions(
        world.library,
        settings=world.settings,
        before="model-2",
        after="model-1",
        source="A Book of Rivers",
        chapter="Troubles",
        engines=Two(),
    )
    (item,) = found.items
    assert (item.source_title, item.chapter, len(item.highlight_ids)) == ("A Book of Rivers", "Troubles", 3)
    assert (item.passage, item.before_distance, item.before) == ("", None, "model-2 of 2")


def test_a_version_whose_files_are_gone_is_said_before_anything_is_written(world: World) -> None:
    pruned = world.library.models.add(Model("model-3", "base/none", "models/model-3", "policy", now()))
    engines = Two()
    with pytest.raises(NotFound, match="The files of model-3 are gone"):
        loop.diff_versions(world.library, settings=world.settings, before="model-1", after=pruned.id, source="rivers", engines=engines)
    assert engines.asked == []


class Narrow(Two):
    """The second version sees few characters; who would write what it cannot read fails the test."""

    sees = 0

    def get(self, library: Library, model: Model, *, device: str):
        writer = super().get(library, model, device=device)

        def require_room(messages, wanted: int) -> None:
            length = sum(len(message["content"]) for message in messages)
            if model.id == "model-2" and length > self.sees:
                raise Invalid(f"The prompt has {length} tokens, but this model sees {self.sees} in all.", "Choose --highlights.")

        writer.require_room = require_room
        return writer


@pytest.mark.parametrize(
    ("options", "error", "way"),
    [
        (
            {"source": "rivers"},
            "The 6 highlights of 'A Book of Rivers' leave model-2 no room for a note: the prompt has ",
            "Name one chapter",
        ),
        (
            {"source": "rivers", "chapter": "Troubles"},
            "The 3 highlights of 'A Book of Rivers' leave model-2 no room",
            "Name one with fewer",
        ),
        ({"source": "Short"}, "The 1 highlight of 'Short' leave model-2 no room", "Name one with fewer"),
        ({}, "No held-out passage leaves model-2 room for a note: the prompt has ", "Name a source with fewer highlights"),
    ],
)
def test_what_one_of_them_cannot_read_is_said_before_anything_is_written(world: World, options: dict, error: str, way: str) -> None:
    datasets.build(world.library, kind="sft", settings=world.settings)
    short = Source("Short", outside_ids=("readwise:b-short",), highlights=(Highlight("Few words.", outside_ids=("readwise:7",)),))
    world.library.sources.upsert([short], origin="api", complete=True)
    engines = Narrow()
    with pytest.raises(Invalid, match=error) as caught:
        loop.diff_versions(world.library, settings=world.settings, before="model-1", after="model-2", engines=engines, **options)
    assert caught.value.hint.startswith(way)
    assert "--highlights" not in caught.value.hint, "the command has no such option"
    assert not any(writer.calls for writer in engines.writers.values())


def test_held_out_passages_that_one_of_them_cannot_read_are_passed_over(world: World) -> None:
    dataset = datasets.build(world.library, kind="sft", settings=world.settings)
    rows = [json.loads(line) for line in (Path(dataset.path) / "test.jsonl").read_text().splitlines()]
    lengths = sorted({sum(len(message["content"]) for message in row["prompt"]) for row in rows})
    assert len(lengths) > 1
    engines = Narrow()
    engines.sees = lengths[0]
    found = loop.diff_versions(
        world.library, settings=world.settings, before="model-1", after="model-2", limit=len(rows), engines=engines
    )  # fmt: skip
    assert 0 < len(found.items) < len(rows)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"after": "model-1"}, Invalid), ({"after": "model-9"}, NotFound), ({"limit": 0}, Invalid), ({"source": "Nothing"}, NotFound),
        ({"chapter": "Troubles"}, Invalid), ({}, NotFound),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_said(world: World, options: dict, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        loop.diff_versions(world.library, settings=world.settings, **{"before": "model-1", "after": "model-2", "engines": Two(), **options})
    assert caught.value.hint
