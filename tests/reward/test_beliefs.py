"""The head in words and as a plot."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

import small_world
from notewright import drafting, feedback, reward
from notewright.library import Library
from notewright.reward.beliefs import _sentence, of_head
from notewright.reward.features import FEATURES, INDEX, NAMES
from notewright.reward.prior import COUNT
from notewright.reward.scale import fit_scale
from notewright.reward.taste import Head, ranking
from small_world import ScriptedEngine


@pytest.fixture
def world(library: Library, tmp_path: Path) -> small_world.World:
    made = small_world.build(library, tmp_path)
    small_world.base_model(library)
    return made


def test_every_feature_has_a_belief_in_words(world: small_world.World, library: Library) -> None:
    found = reward.beliefs(library)
    assert sorted(item.feature for item in found) == sorted(NAMES)
    for item in found:
        assert item.sentence.startswith(item.feature)
        assert item.sure in item.sentence
        assert ") (" not in item.sentence
        assert 0 <= item.low <= item.high
        assert item.prefer in ("more", "less", "like mine")


def test_what_is_chosen_again_and_again_is_told(world: small_world.World, library: Library) -> None:
    texts = {
        True: "## Rivers\n- The **first** fact **concerns** observers.\n- The **second** fact **concerns** observers.\n",
        False: "## Rivers\n- The first fact concerns observers.\n- The second fact concerns observers.\n",
    }
    for number in range(24):
        given = iter([texts[True], texts[False]])
        drafts = drafting.draft(
            library, settings=world.settings, source=small_world.THINGS[number % 12], chapter=small_world.CHAPTERS[number % 2], n=2,
            written=2, seed=number, examples=0, engine=ScriptedEngine(lambda *_, given=given: next(given, "")),
        )  # fmt: skip
        plain, bold = sorted(drafts, key=lambda item: "**" in item.text)
        feedback.rank(library, batch_id=plain.batch_id, order=[[plain.id], [bold.id]])
    belief = next(item for item in reward.beliefs(library) if item.feature == "bold")
    assert belief.prefer == "less"
    assert belief.slope < 0
    assert belief.sure in ("sure", "leaning")


def test_a_number_that_the_person_named_is_told(world: small_world.World, library: Library) -> None:
    reward.correct(library, feature="bullets", prefer="about", value=4)
    first = reward.beliefs(library)[0]
    assert first.sentence.startswith("bullets: about 4")
    reward.correct(library, feature="bullets", prefer="more")
    assert "about 4" not in reward.beliefs(library)[0].sentence


@pytest.mark.parametrize(
    ("prefer", "low", "high", "told"),
    [
        ("like mine", 0.96, 1.04, "callouts: 1 callout"),
        ("like mine", 1.0, 2.0, "callouts: 1 to 2 callouts"),
        ("like mine", 0.4, 1.0, "callouts: 0.4 to 1 callouts"),
        ("less", 0.0, 1.0, "callouts: less (the usual is 1 callout)"),
    ],
)
def test_one_is_told_as_one(prefer: str, low: float, high: float, told: str) -> None:
    callouts, scale = FEATURES[INDEX["callouts"]], fit_scale([])
    one = dataclasses.replace(scale, centre=tuple(math.log(2) for _ in scale.centre))
    assert _sentence(callouts, one, INDEX["callouts"], prefer, low, high) == told


@pytest.mark.parametrize(
    ("feature", "figure", "told"),
    [
        ("embeds", "1", "1 embed"),
        ("math", "1", "1 formula"),
        ("nesting", "1", "1 level"),
        ("heading_level", "2", "level 2"),
        ("bold", "1", "1 per 100 words"),
        ("locations", "1", "1 per highlight"),
        ("compression", "1", "1 times"),
        ("coverage", "80%", "80%"),
    ],
)
def test_every_unit_beside_its_figure(feature: str, figure: str, told: str) -> None:
    assert FEATURES[INDEX[feature]].told(figure) == told


def test_wants_that_differ_between_books_and_the_rest_are_told() -> None:
    head = Head(fit_scale([]))
    for number in range(80):
        drawn, side = np.random.default_rng(number).normal(size=(4, COUNT)), 0.5 if number % 2 else -0.5
        shown = [[*(head.scale.raw(index, value) for index, value in enumerate(row)), side] for row in drawn]
        shown.sort(key=lambda row: row[INDEX["bold"]] * row[-1], reverse=True)
        head.add(str(number), ranking(head.scale, [[row] for row in shown]))
    told = {item.feature: item.sentence for item in of_head(head.fit())}
    assert "wanted more for books than elsewhere" in told["bold"]
    assert sum("than elsewhere" in sentence for sentence in told.values()) < 8


def test_a_correction_is_told_first_and_marked(world: small_world.World, library: Library) -> None:
    reward.correct(library, feature="tables", prefer="less")
    reward.correct(library, feature="bullets", prefer="about", value=6)
    first, second = reward.beliefs(library)[:2]
    assert {first.feature, second.feature} == {"tables", "bullets"}
    assert first.corrected
    assert second.corrected
    bullets = first if first.feature == "bullets" else second
    assert bullets.low < 6 < bullets.high


def test_without_notes_and_events_nothing_is_sure(library: Library) -> None:
    assert {item.sure for item in reward.beliefs(library)} <= {"unsure", "leaning"}


def test_the_plot_is_a_picture(world: small_world.World, library: Library, tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        reward.plot(library, tmp_path)
    assert not tmp_path.with_name(f"{tmp_path.name}.png").exists()
    path = reward.plot(library, tmp_path / "plots" / "taste.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size > 10_000
