"""Styles in words: what a person would say of a choice, so that the model also follows rules and instructions it is told.

`WORDS` has, for values of a choice, phrasings as people type them in comments. Values without words are only ever shown by example.
"""

from __future__ import annotations

import random
from dataclasses import fields, replace

from .styles import SPACE, Style

WORDS: dict[str, dict[object, tuple[str, ...]]] = {
    "properties": {
        "title author": ("properties with title and author", "begin with title and author as properties"),
        "title tags": ("properties with title and tags",),
        "tags": ("the tags as properties", "put the tags into the properties"),
        "": ("no properties",),
    },
    "heading": {
        "## {chapter}": ("the chapter as a level 2 heading", "## headings", "start with a ## heading"),
        "### {chapter}": ("### headings", "level 3 headings", "use smaller headings"),
        "# {chapter}": ("level 1 headings", "# for the chapter"),
        "": ("no heading", "no headings", "without a heading"),
        "## {title}": ("the title as heading", "use the title as a heading"),
        "## [[{title}]]": ("link the title in the heading",),
        "**{chapter}**": ("the chapter in bold instead of a heading",),
    },
    "heading_tight": {True: ("no blank line after headings",), False: ("a blank line after headings",)},
    "byline": {
        "by {author}": ("name the author under the heading",),
        "Source: [[{title}]]": ("link the source under the heading", "a Source line with a link"),
        "": ("no author line",),
    },
    "callout": {
        "quote": ("a quote callout", "callouts for favourites", "favourites in a quote callout"),
        "note": ("a note callout", "note callouts"),
        "tip": ("a tip callout", "tip callouts"),
        "important": ("an important callout",),
        "": ("no callouts", "never use callouts"),
    },
    "callout_of": {"first": ("the first highlight in the callout",), "favourite": ("my favourite in the callout",)},
    "select": {
        "all": ("keep every highlight", "use all highlights"),
        "annotated": ("only highlights with annotations", "keep only what I annotated"),
        "favourite": ("only favourites",),
        "tagged": ("only tagged highlights",),
        "first 3": ("only the first three highlights", "at most 3 bullets"),
        "first 2": ("only the first two highlights", "at most 2 bullets"),
    },
    "order": {"reversed": ("last highlight first",), "favourites first": ("favourites first",), "kept": ("keep the order",)},
    "bullet": {
        "- ": ("bullets", "use bullets", "a bullet for each highlight"),
        "* ": ("* for bullets",),
        "1. ": ("numbered lists", "use numbered lists", "number the items"),
        "> ": ("block quotes", "quotes instead of bullets"),
        "": ("no bullets", "prose, no bullets", "paragraphs instead of bullets"),
        "- [ ] ": ("tasks instead of bullets", "make each item a task"),
    },
    "loose": {True: ("blank lines between items",), False: ("no blank lines between bullets",)},
    "lead": {
        "annotation": ("bold lead-ins from my annotations", "start bullets with my annotation"),
        "words": ("the first words as lead-in", "bold first words"),
        "tag": ("start bullets with the tag",),
        "": ("no bold", "no lead-ins"),
    },
    "trim": {
        "whole": ("whole quotes", "longer bullets", "do not shorten quotes"),
        "first sentence": ("shorter bullets", "only first sentences", "one sentence per bullet"),
        "last sentence": ("only last sentences",),
        "first clause": ("much shorter bullets", "only the first clause"),
        "eight words": ("at most eight words of each highlight",),
    },
    "marks": {
        "“{}”": ("quotation marks around quotes",),
        '"{}"': ('straight quotes (") around each highlight',),
        "*{}*": ("quotes in italics",),
        "=={}==": ("==marks== around quotes",),
        "{}": ("no quotation marks",),
    },
    "place": {
        "": ("no page numbers", "no locations"),
        " ({})": ("page numbers in brackets", "locations in brackets"),
        " — {}": ("page numbers after a dash",),
        " [{}]": ("page numbers in square brackets",),
        " *({})*": ("page numbers in italics",),
    },
    "tags": {
        "": ("no tags after bullets", "no tags"),
        "#{}": ("hashtags", "tags as hashtags"),
        "[[Title]]": ("tags as links", "links for tags"),
        "`{}`": ("tags as code",),
    },
    "annotation": {
        "  - {}": ("my annotations as sub-bullets", "annotations under the bullet"),
        "  *{}*": ("my annotations in italics under the bullet",),
        " → {}": ("my annotations after an arrow",),
        " ({})": ("my annotations in brackets",),
        "": ("no annotations below",),
    },
    "image": {
        "": ("no images", "leave out pictures"),
        "![[{name}|600]]": ("images 600 wide",),
        "![[{name}|center|600]]": ("images centered, 600 wide",),
        "![[{name}|300]]": ("images 300 wide", "small images"),
        "![]({url})": ("keep image links as they are",),
    },
    "caption": {True: ("captions under images",), False: ("no captions",)},
    "image_last": {True: ("images at the end",)},
    "document_tags": {
        "": ("no tags at the end",),
        "#{}": ("the source's tags at the end as hashtags", "end with the tags"),
        "[[Title]]": ("the source's tags at the end as links",),
    },
    "closing": {
        "---": ("end with a line", "a rule at the end"),
        "Back to [[{title}]]": ("link back at the end",),
        "": ("no closing line",),
    },
}  # fmt: skip


def _cased(rng: random.Random, text: str) -> str:
    text = text[:1].upper() + text[1:] if rng.random() < 0.4 else text
    return text + ("." if rng.random() < 0.2 else "")


def _told(rng: random.Random, style: Style, names: list[str]) -> tuple[str, ...]:
    told = []
    for name in names:
        if (name == "callout_of" and not style.callout) or (name in ("caption", "image_last") and not style.image):
            continue
        phrasings = WORDS.get(name, {}).get(getattr(style, name))
        if phrasings:
            told.append(_cased(rng, rng.choice(phrasings)))
    return tuple(told)


def tell(rng: random.Random, style: Style, most: int) -> tuple[str, ...]:
    """Up to `most` of the style's choices in words, those that are not everybody's first."""
    names = [field.name for field in fields(Style)]
    rng.shuffle(names)
    names.sort(key=lambda name: getattr(style, name) == Style.__dataclass_fields__[name].default)
    return _told(rng, style, names)[: rng.randint(1, most)]


def turned(rng: random.Random, style: Style, most: int = 3) -> tuple[Style, tuple[str, ...]]:
    """A style that differs from `style` in one to `most` choices, and the words that say exactly which."""
    changed, names = style, []
    for name in rng.sample(sorted(WORDS), rng.randint(1, most)):
        values = [value for value in WORDS[name] if value != getattr(style, name)]
        if not values:  # the only value with words is the one it has
            continue
        weights = [dict(SPACE[name])[value] ** 0.5 for value in values]
        changed = replace(changed, **{name: rng.choices(values, weights=weights)[0]})  # type: ignore[arg-type]
        names.append(name)
    if changed.lead == "annotation" and changed.annotation:
        changed = replace(changed, annotation="") if "annotation" not in names else replace(changed, lead="")
    if changed.bullet == "" and not changed.loose:
        changed = replace(changed, loose=True)
    return changed, _told(rng, changed, names)
