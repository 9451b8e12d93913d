"""Drafting with the real engine, on a tiny random model: one base in memory, examples dropped until the prompt fits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import small_world
import tiny_models
from notewright import drafting
from notewright.drafting.engines import engine_for
from notewright.errors import Invalid
from notewright.library import Library
from notewright.models.room import prompt_tokens
from notewright.records import Highlight, Source

pytestmark = pytest.mark.slow


@pytest.fixture
def world(library: Library, tmp_path: Path) -> small_world.World:
    made = small_world.build(library, tmp_path, things=small_world.THINGS[:6])
    folder = tiny_models.build("qwen2", tmp_path / "tiny", context=1024)
    yield replace(made, settings=replace(made.settings, base_model=str(folder)))
    drafting.release_engine()


def test_the_base_is_loaded_once_and_the_prompt_fits(world: small_world.World) -> None:
    options = {"settings": world.settings, "source": "rivers", "chapter": "Beginnings", "max_new_tokens": 12, "seed": 1}
    drafts = drafting.draft(world.library, **options)
    assert 1 <= len(drafts) <= 3
    model = world.library.models.current()
    assert model is not None
    assert drafts[0].model_id == model.id
    engine = engine_for(world.library, model, device="cpu")
    assert prompt_tokens(engine, drafts[0].messages) + 12 <= engine.context
    assert [item.text for item in drafting.draft(world.library, **options)] == [item.text for item in drafts]
    assert engine_for(world.library, model, device="cpu") is engine


def test_a_highlight_that_fills_the_context_names_the_way_out_that_its_source_has(world: small_world.World) -> None:
    long = [Highlight("The river carries silt. " * 6, location=at, outside_ids=(f"readwise:7{at}",)) for at in range(20)]
    long[3] = replace(long[3], text="The river carries silt to the plain. " * 200)
    chaptered = [replace(item, outside_ids=(f"readwise:8{at}",), chapter=f"Part {at // 10}") for at, item in enumerate(long)]
    sources = [Source("Plain", outside_ids=("readwise:b-plain",), highlights=tuple(long))]
    sources += [Source("Parted", outside_ids=("readwise:b-parted",), highlights=tuple(chaptered))]
    world.library.sources.upsert(sources, origin="api", complete=True)
    with pytest.raises(Invalid, match=r"The 20 highlights of 'Plain' leave no room for a note: .* but this model sees 1024") as caught:
        drafting.draft(world.library, settings=world.settings, source="Plain")
    assert "--chapter" not in caught.value.hint
    assert caught.value.hint.startswith(
        "Choose some of the highlights (--highlights, numbers in: notewright sources readwise:b-plain), or take a base"
    )
    with pytest.raises(Invalid) as shown:
        drafting.draft(world.library, settings=world.settings, source="Plain", examples=2)
    assert "ask for fewer examples" in shown.value.hint
    with pytest.raises(Invalid) as parted:
        drafting.draft(world.library, settings=world.settings, source="Parted")
    assert parted.value.hint.startswith("Name one chapter (--chapter), or choose some of the highlights (--highlights")
    chosen = drafting.named_highlights(world.library, source="Plain", names=["70..71"])
    options = {"settings": world.settings, "source": "Plain", "highlight_ids": chosen, "max_new_tokens": 12, "n": 1, "written": 1}
    assert drafting.draft(world.library, **options)[0].highlight_ids == ("readwise:70", "readwise:71")
    chosen = drafting.named_highlights(world.library, source="Plain", names=["74..719"])
    parted = drafting.draft(world.library, **options | {"highlight_ids": chosen, "max_new_tokens": None})[0]
    assert sum(parted.sampling["parts"]) == len(parted.highlight_ids) == 16
