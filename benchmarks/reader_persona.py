"""The simulated readers of readers.py: what they read, what they want, how they judge, what they change. No model, no judge model.

    world = World("mixed", 0, history=24, stream=40, test=12)
    world.wanted(task, at)           the note this reader would write at interaction `at`: the perfect draft
    world.judge.utility(item, at=3)  what they truly think of a text; the wanted one is the best there is (0)
    world.edited(task, text, at)     what they leave of a draft they took

What a reader wants is a style of the seedling's held-out part plus two quirks that no style has. What they think of a text is how far it
is from the wanted one: in the measures their family cares for (three in ten outside the style features, 30 % of the variance), and in
words. Everything is a function of family, number, seed and interaction alone, so that every arm meets the same reader.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from methods import QUIRKS

from notewright.evaluation.readers import MEASURES, UNSEEN, Item, Judge, Want, candidates, draw_reader, near
from notewright.feedback import hunks
from notewright.records import Highlight, Prompt, Source
from notewright.sample.read import load_sources
from notewright.seedling.corpora import Corpus, Text, default_folder, load
from notewright.seedling.readers import Reader as Hand
from notewright.seedling.sources import make_prompt, make_source, title
from notewright.seedling.styles import DEFAULTS, Style, write
from notewright.seedling.wording import tell
from notewright.text import edit_distance

NEAR_DEFAULT = "near-default"
FAMILIES = ("format", "voice", "content", "context", "mixed", "drifting")
WORDS = "words"  # everybody minds what would have to be written anew
SPACE = (*MEASURES, WORDS)
CONSISTENCY = 0.81  # share of random pairs on which they agree with themselves
THOROUGH = 0.9  # of the changes that a draft needs are made
NUISANCE = 0.25  # of the notes get a fact from elsewhere or a slip of the pen
BAR = 0.6  # a draft is taken that is better than this share of texts in styles near the reader's own
ANNOTATED = "annotated"  # the one choice of highlights that can leave nothing
CHANGED = 0.35  # share of a style's choices drawn anew, where a reader has a second style
REMARK_EVERY, VAGUE, WRONG = 4, 0.3, 0.1
PLACES = {"book": "page", "podcast": "time_offset"}
FACTS = ("Told so by Aunt Wilhelmina in {}.", "Compare the lecture of {}.", "Tried this myself in {}.")


@dataclass(frozen=True)
class Task:
    """One chapter to write about. `name` is unlike any other's in this world."""

    name: str
    prompt: Prompt


def corpus() -> tuple[Corpus, str]:
    """Held-out books where they are at hand, else the highlights of the bundled sample; and which."""
    if default_folder().is_dir():
        return load(held_out=True), "held-out books of the seedling's corpora"
    texts = []
    for source in load_sources():
        marked = [item.text for chapter in source.chapters for item in chapter.highlights if not (item.heading or item.image)]
        texts.append(Text(source.slug, tuple(marked), tuple("" for _ in marked)))
    return Corpus(tuple(texts)), "highlights of the bundled sample"


class Persona(Judge):
    """A judge whose every want is to be near what the reader would have written."""

    def __init__(self, world: World, wants: dict[str, float], pool: Sequence[Item]) -> None:
        self.world, self._known = world, {}
        reader = draw_reader(world.drawn, world.number, consistency=CONSISTENCY)
        self._far = 1.0
        self._far = statistics.fmean(self._distance(item, 0) for item in pool) or 1.0
        super().__init__(replace(reader, wants=tuple(Want(name, weight) for name, weight in wants.items())), pool)
        self.bar = sorted(self.utility(item) for item in pool)[int(BAR * len(pool))]

    def utility(self, item: Item, *, at: int = 0, measures: Sequence[str] = SPACE) -> float:
        """0 for the wanted text, less for every other."""
        gold = Item(item.prompt, self.world.wanted(item.prompt, at))
        total = -self._distance(item, at) if WORDS in measures else 0.0
        for want in self.reader.wants:
            if want.measure in measures:
                spread = self._scales[want.measure][1]
                gap = abs(self._measure(want.measure, item) - self._measure(want.measure, gold)) / spread if spread > 1e-9 else 0.0
                total -= min(3.0, gap) * want.weight * (self._louder if want.measure in UNSEEN else 1.0)
        return total

    def _distance(self, item: Item, at: int) -> float:
        return edit_distance(item.text, self.world.wanted(item.prompt, at)) / self._far

    def _measure(self, name: str, item: Item) -> float:
        key = (name, item.text, item.prompt.source.title, item.prompt.chapter)
        if key not in self._known:
            self._known[key] = MEASURES[name](item)
        return self._known[key]


class World:
    """One reader with their library: finished chapters (`history`), chapters to come (`stream`), and chapters kept back (`test`)."""

    def __init__(self, family: str, number: int, *, history: int, stream: int, test: int) -> None:
        self.family, self.number = family, number
        self.drawn = "mixed" if family == NEAR_DEFAULT else family
        self.changes_at = stream // 2 if family == "drifting" else stream + 1
        rng = random.Random(f"persona|{family}|{number}")
        self.corpus, self.texts = corpus()
        self.home, self.second, hand = self._styles(rng)
        self.quirks = [] if family == NEAR_DEFAULT else rng.sample(sorted(QUIRKS), 2)
        sizes = history, stream, test
        self.sources: list[Source] = []
        self.history, self.stream, self.test = (self._read(rng, hand, count) for count in sizes)
        if self.second is None and family in ("context", "drifting"):
            probe = self.history[0].prompt
            while self.second is None or write(self.second, probe) == write(self.home, probe):
                self.second = _section(near(self.home, rng, CHANGED))
            if self.second.select == ANNOTATED != self.home.select:  # other chapters, each with something to keep in both styles
                self.sources, hand = [], replace(hand, habits=replace(hand.habits, annotated=max(hand.habits.annotated, 0.5)))
                self.history, self.stream, self.test = (self._read(rng, hand, count) for count in sizes)
        wants: dict[str, float] = {}
        for want in draw_reader(self.drawn, number).wants:
            wants.setdefault(want.measure, abs(want.weight))
        self.judge = Persona(self, wants, self._pool(rng))

    @property
    def name(self) -> str:
        return f"{self.family}-{self.number}"

    def _styles(self, rng: random.Random) -> tuple[Style, Style | None, Hand]:
        """A held-out style whose notes are sections (no properties), and habits that let it show; no pictures, as the vault has none."""
        if self.family == NEAR_DEFAULT:
            hand = replace(Hand.with_default_style(rng, self.corpus), style=DEFAULTS[0])
        else:
            hand = Hand.draw(rng, self.corpus, held_out=True)
            while hand.style.properties:
                hand = Hand.draw(rng, self.corpus, held_out=True)
        return hand.style, None, replace(hand, habits=replace(hand.habits, images=0.0))

    def _read(self, rng: random.Random, hand: Hand, count: int) -> list[Task]:
        """`count` chapters, two a source, read one after another; every source is named once."""
        tasks: list[Task] = []
        names = {source.title.casefold() for source in self.sources}
        while len(tasks) < count:
            source = make_source(rng, self.corpus, hand.habits)
            if source.title.casefold() in names or not source.author:
                continue
            names.add(source.title.casefold())
            found: list[Highlight] = []
            prompts = []
            for _ in range(min(2, count - len(tasks))):
                chapter = title(rng, self.corpus, 2, 5)
                if any(chapter == prompt.chapter for prompt in prompts):
                    chapter += " Again"
                made = self._chapter(rng, hand, source)
                marks = []
                for highlight in made.highlights:
                    serial = f"readwise:{len(self.sources) + 1:03d}{len(found) + len(marks):02d}"
                    at = 7 * (len(found) + len(marks) + 1)
                    kind = PLACES.get(source.kind, "order")
                    marks.append(replace(highlight, chapter=chapter, location=at, location_type=kind, position=at, outside_ids=(serial,)))
                found += marks
                prompts.append(Prompt(source, tuple(marks), chapter=chapter))
            self.sources.append(replace(source, outside_ids=(f"readwise:b{len(self.sources) + 1}",), highlights=tuple(found)))
            tasks += [Task(f"{source.title} / {prompt.chapter}", prompt) for prompt in prompts]
        return tasks

    def _chapter(self, rng: random.Random, hand: Hand, source: Source) -> Prompt:
        """Highlights of which the reader would keep some: of others there is nothing to write."""
        picky = ANNOTATED in (hand.style.select, self.second.select if self.second else "")
        while True:
            made = make_prompt(rng, self.corpus, hand.habits, source, count=rng.randint(2, 3), mean_words=16)
            if not picky or any(item.annotation for item in made.highlights):
                return made

    def _pool(self, rng: random.Random) -> list[Item]:
        items = []
        for task in rng.sample(self.history, min(16, len(self.history))):
            for item in candidates(task.prompt, self.home, rng, count=4):
                quirked = self.quirks and rng.random() < 0.5
                items.append(Item(item.prompt, self._quirked(item.text, item.prompt)) if quirked else item)
        return items

    def _quirked(self, text: str, prompt: Prompt) -> str:
        for quirk in self.quirks:
            text = QUIRKS[quirk](text, prompt)
        return text.strip()

    def wanted(self, prompt: Prompt, at: int = 0) -> str:
        """The note the reader would write at interaction `at`."""
        turned = prompt.source.kind != "book" if self.family == "context" else at >= self.changes_at
        return self._quirked(write(self.second if turned and self.second else self.home, prompt), prompt)

    def edited(self, prompt: Prompt, text: str, at: int, *, seed: int) -> str:
        """A draft as the reader leaves it: most of the needed changes made, operator by operator; now and then something of their own."""
        rng = random.Random(f"edits|{self.name}|{seed}|{at}")
        left = text
        for change in reversed(hunks(text, self.wanted(prompt, at), highlights=[item.text for item in prompt.highlights])):
            if rng.random() < THOROUGH:
                left = left[: change.start] + change.after + left[change.start + len(change.before) :]
        return self.own(left, at, seed=seed)

    def own(self, text: str, at: int, *, seed: int) -> str:
        """The text with what no draft could have foreseen: a fact from elsewhere, or a slip of the pen. The same for every arm."""
        rng = random.Random(f"own|{self.name}|{seed}|{at}")
        if rng.random() >= NUISANCE:
            return text
        if rng.random() < 0.5:
            return f"{text.rstrip()}\n- {rng.choice(FACTS).format(rng.randint(1890, 2020))}"
        words = text.split(" ")
        place = max(range(len(words)), key=lambda index: (words[index].isalpha(), len(words[index])))
        word = words[place]
        return " ".join([*words[:place], word[0] + word[2:3] + word[1:2] + word[3:], *words[place + 1 :]])

    def remark(self, at: int, *, seed: int) -> str:
        """What the reader says aloud at some interactions: mostly one of their ways in words, now and then vague or beside the point."""
        if at % REMARK_EVERY:
            return ""
        rng = random.Random(f"remark|{self.name}|{seed}|{at}")
        chance = rng.random()
        if chance < VAGUE:
            return "not quite how I write"
        style = near(self.home, rng, 0.6) if chance < VAGUE + WRONG else self.second if at >= self.changes_at and self.second else self.home
        told = tell(rng, style, 12)
        return told[0] if told else ""


def _section(style: Style) -> Style:
    return replace(style, properties="")
