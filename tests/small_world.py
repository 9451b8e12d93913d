"""A small world for the later stages: sources with chapters, a vault with finished notes, pairs, and an engine that needs no model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers import AutoTokenizer

from notewright.library import Library
from notewright.library.database import now
from notewright.prompts import NUMBERED
from notewright.records import Highlight, Model, Pair, PairLink, Passage, Source
from notewright.seedling import model_dir
from notewright.settings import Settings
from notewright.vault import parse_note

THINGS = ("rivers", "looms", "bread", "moss", "bells", "moths", "peat", "maps", "salt", "tides", "sleep", "chess")
CHAPTERS = ("Beginnings", "Troubles")


def highlight_id(thing: str, chapter: int, number: int) -> str:
    return f"readwise:{THINGS.index(thing) * 100 + chapter * 10 + number}"


def source(thing: str) -> Source:
    """Two chapters of four highlights each; the last of each chapter is a discard; chapters open with a mark."""
    highlights = []
    for chapter, title in enumerate(CHAPTERS):
        at = 100 * chapter
        mark = f"readwise:9{thing}{chapter}"
        highlights.append(Highlight(title, location=at, location_type="page", heading_level=1, outside_ids=(mark,)))
        highlights += [
            Highlight(
                f"The {word} fact about {thing} in {title.lower()} concerns {number + 3} careful observers.",
                location=at + number + 1, location_type="page", annotation="Mark this" if number == 0 else "", is_discard=number == 3,
                tags=(thing,) if number == 1 else (), outside_ids=(highlight_id(thing, chapter, number),),
            )
            for number, word in enumerate(("first", "second", "third", "fourth"))
        ]  # fmt: skip
    return Source(
        title=f"A Book of {thing.title()}", author="Ada Reader", kind="article" if len(thing) > 5 else "book",
        outside_ids=(f"readwise:b-{thing}",), highlights=tuple(highlights),
    )  # fmt: skip


def section(thing: str, chapter: int) -> str:
    title = CHAPTERS[chapter]
    return (
        f"## {title}\n- **First.** The first fact about {thing} concerns 3 careful observers.\n"
        f"- **Second.** The second fact about {thing} concerns 4 careful observers.\n\n#{thing}\n"
    )


@dataclass(frozen=True)
class World:
    """What `build` made."""

    library: Library
    settings: Settings
    vault: Path


def build(library: Library, folder: Path, *, things: Sequence[str] = THINGS, paired: Sequence[str] = THINGS) -> World:
    """Sources for `things`; a note with two sections and two pairs for each of `paired`."""
    library.sources.upsert([source(thing) for thing in things], origin="api", complete=True)
    vault = folder / "vault"
    (vault / "Notes").mkdir(parents=True)
    scanned, pairs = [], []
    for thing in (thing for thing in paired if thing in things):
        path = f"Notes/{thing.title()}.md"
        body = f"# {thing.title()}\n\n" + "\n".join(section(thing, chapter) for chapter in (0, 1))
        (vault / path).write_text(body, encoding="utf-8")
        parsed = parse_note(path, body.encode())
        scanned.append((parsed.note, parsed.passages))
        for chapter, title in enumerate(CHAPTERS):
            passage = next(item for item in parsed.passages if item.headings and item.headings[-1] == title)
            pairs.append(pair(thing, passage, [highlight_id(thing, chapter, number) for number in (0, 1)]))
    library.notes.sync(scanned)
    library.pairs.propose(pairs)
    return World(library, Settings(home=library.home, vault=vault, device="cpu"), vault)


def pair(thing: str, passage: Passage, highlight_ids: Sequence[str], *, score: float = 0.95) -> Pair:
    return Pair(
        id="", source_id=f"readwise:b-{thing}", note_id=passage.note_id, note_path=passage.note_path, passage_id=passage.id,
        passage_start=passage.start, passage_end=passage.end, passage_text=passage.text, score=score, method="text", status="proposed",
        headings=passage.headings, links=tuple(PairLink(item, score, "text") for item in highlight_ids),
    )  # fmt: skip


def base_model(library: Library) -> Model:
    """A registered, current plain base that no test loads."""
    model = library.models.add(Model(library.models.new_id(), "base/none", "", "base", now()))
    library.models.promote(model.id, "test")
    return model


@dataclass(frozen=True)
class Written:
    """As `models.engine.Generated`."""

    text: str
    tokens: int
    finished: bool
    seed: int


class ScriptedEngine:
    """Honours the engine's contract: candidate i depends on seed + i only; the first one is greedy. `calls` keeps what was asked."""

    def __init__(self, write: Callable[[Sequence[dict[str, str]], int], str], *, finished: bool = True) -> None:
        self.write, self.finished, self.misreads = write, finished, False
        self.calls: list[dict[str, object]] = []

    def generate(
        self, messages, *, n=3, temperature=0.8, top_p=0.95, max_new_tokens=512, seed=0, greedy_first=True, stop=(), on_token=None,
        on_text=None,
    ) -> list[Written]:  # fmt: skip
        self.calls.append({"messages": list(messages), "n": n, "temperature": temperature, "seed": seed, "greedy_first": greedy_first})
        if on_token:
            on_token(1, n)
        texts = [self.write(messages, -1 if greedy_first and index == 0 else seed + index) for index in range(n)]
        for index, text in enumerate(texts):
            for end in (len(text) // 2, len(text)) if on_text else ():
                on_text(index, text[:end])
        return [Written(text, len(text.split()), self.finished, seed + index) for index, text in enumerate(texts)]


class Small(ScriptedEngine):
    """Sees `context` tokens of the seedling's; writes a bullet for every highlight, below a heading and above a tag."""

    def __init__(self, context: int) -> None:
        super().__init__(self.note)
        self.context, self.tokenizer = context, AutoTokenizer.from_pretrained(model_dir())

    @staticmethod
    def note(messages: Sequence[dict[str, str]], seed: int) -> str:
        lines = NUMBERED.findall(messages[-1]["content"])
        return "## Depths\n\n" + "\n".join(f"- {'' if seed < 0 else '**So.** '}{line}" for line in lines) + "\n\n#water"


def numbered(messages: Sequence[dict[str, str]], seed: int) -> str:
    """A different valid text for every seed."""
    letters = "".join(chr(97 + int(digit)) for digit in str(abs(seed)))
    return f"## Note\n- The greedy words say {letters}.\n" if seed < 0 else f"## Note\n- The drawn words say {letters}.\n"
