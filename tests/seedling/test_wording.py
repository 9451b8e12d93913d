"""Every choice that has words exists in the space; what is told is what the style does."""

from __future__ import annotations

import random
from dataclasses import fields

from notewright.seedling.styles import SPACE, Style, draw_style
from notewright.seedling.wording import WORDS, tell, turned


def test_words_are_for_values_of_the_space() -> None:
    for name, values in WORDS.items():
        assert set(values) <= {value for value, _ in SPACE[name]}, name


def test_a_turned_style_says_what_changed() -> None:
    for seed in range(500):
        rng = random.Random(seed)
        style = draw_style(rng)
        changed, told = turned(rng, style)
        differing = {field.name for field in fields(Style) if getattr(style, field.name) != getattr(changed, field.name)}
        assert len(told) <= 3
        spoken = {name for name in differing if any(_says(name, changed, rule) for rule in told)}
        # what changed without a word is what the change forced: blank lines where there are no bullets, an annotation said only once
        assert differing - spoken <= {"loose", "annotation", "lead", "callout_of", "caption", "image_last"}, seed


def test_told_rules_are_true_of_the_style() -> None:
    for seed in range(200):
        rng = random.Random(seed)
        style = draw_style(rng)
        for rule in tell(rng, style, 12):
            assert any(_says(name, style, rule) for name in WORDS), rule


def _says(name: str, style: Style, rule: str) -> bool:
    phrasings = WORDS.get(name, {}).get(getattr(style, name), ())
    return rule.rstrip(".").lower() in {phrasing.lower() for phrasing in phrasings}
