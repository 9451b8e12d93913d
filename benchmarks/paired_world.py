"""Generated highlights and notes whose truth is known: which sentence of which note was made from which highlights, and how.

    world = paired_world.make(seed=1, sources=60, notes=120, texts=paired_world.texts("test"))
    paired_world.fill(library, world)

Texts are the books of a folder of plain prose (`--texts` of the benchmarks), one paragraph per block, else the highlights of the bundled
sample. The "fit" and "test" halves share no book. Neighbouring stretches of one book become different sources, so that every source has
distractors on its own topic, and sentences of a stretch that were not highlighted serve as the person's own words on the same topic.

Notes are written on one or two sources, section by section, or are essays of the person's own words with one to three highlights from
each of several sources; some are from no source at all. Ways to make a sentence of a note (`WAYS`, from easy to hard): the highlight as
it is; its annotation; a cut of it; a few words changed; two highlights merged; many words replaced by synonyms; its clauses turned round,
shortened and reworded; a remark that keeps only its key words.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from notewright.provenance import commonness, stem
from notewright.records import Highlight, Source
from notewright.text import sentences

if TYPE_CHECKING:
    from notewright.library import Library

HERE = Path(__file__).resolve().parent
CORPORA = HERE.parent.parent / "shared" / "data" / "corpora"
SAMPLE = HERE.parent / "src" / "notewright" / "sample" / "data" / "readwise-api.json"
WAYS = ("verbatim", "annotation", "trimmed", "edited", "merged", "synonyms", "reworded", "key words")
_SYNONYMS = """great large; little small; begin start; end finish; show reveal; say state; think believe; make produce; give grant;
take seize; find discover; see observe; know understand; seem appear; become grow; keep retain; use employ; need
require; want desire; help assist; work labour; man person; men people; woman lady; child youngster; children
youngsters; house dwelling; city town; country nation; king ruler; war conflict; love affection; fear dread; hope
expectation; idea notion; thought reflection; mind intellect; soul spirit; body frame; power strength; law rule; truth
fact; error mistake; reason cause; nature character; world universe; time period; day date; year season; way manner;
part portion; kind sort; number quantity; thing matter; place spot; water stream; land ground; money wealth; price cost;
trade commerce; good excellent; bad poor; true real; false untrue; old ancient; new recent; long lengthy; short brief;
high tall; low humble; strong sturdy; weak feeble; rich wealthy; poor needy; happy glad; sad sorrowful; wise prudent;
foolish silly; easy simple; hard difficult; quick rapid; slow gradual; often frequently; always constantly; never
hardly; perhaps maybe; however still; therefore hence; because since; before earlier; after afterwards; many numerous;
few scarce; every each; whole entire; certain sure; possible feasible; necessary essential; general common; public open;
private personal; free independent; equal alike; different distinct; important weighty; remember recall; forget
overlook; speak talk; write compose; read study; learn grasp; teach instruct; live dwell; die perish; fight struggle;
build erect; destroy ruin; change alter; move shift; hold grip; bring carry; send dispatch; receive obtain; buy
purchase; sell vend; pay settle; answer reply; ask inquire; call name; allow permit; prevent hinder; increase raise;
reduce lower; prove demonstrate; suppose assume; consider ponder; feel sense; wish long; choose select; follow pursue;
lead guide; govern rule; serve attend; object purpose; effect result; condition state; desire craving; pleasure delight;
pain suffering; virtue goodness; vice fault; friend companion; enemy foe; people folk; government administration;
society community; art craft; science knowledge; history past; book volume; word term; story tale; question problem;
point matter; case instance; example illustration; form shape; order arrangement; degree extent; difference contrast;
opinion view; action deed; duty obligation; right claim; interest concern; labour toil; profit gain; wages pay; produce
yield; capital stock"""
SYNONYMS = {
    left: right
    for pair in _SYNONYMS.split(";")
    for one, other in [pair.split()]
    for left, right in ((one, other), (other, one))
    if left != right
}
_OPENINGS = (
    "The author argues that {}.",
    "So {}.",
    "In short, {}.",
    "It turns out that {}.",
    "{}.",
    "Worth keeping: {}.",
    "I take it that {}.",
)
_REMARKS = (
    "Reminds me of {a}: {b} and {c} again.", "What strikes me here is {a}, and how {b} leads to {c}.",
    "{a} before {b}; {c} only later.", "Compare {a} with {b}. See also {c}.", "Everything hangs on {a}, {b} and {c}.",
    "Why {a}? Since {b} needs {c}.",
)  # fmt: skip
_OWN = (
    "I want to come back to this when the garden is done.", "Not sure that I agree; ask Ruth on Friday.",
    "This fits the talk that I have to give in spring.", "Too long, but the middle is worth the rest.",
    "Try it for a week and write down what happens.", "My father used to say something like it.",
    "Still no idea how to put this into practice at the office.", "Follow up: look for the figures, and who paid for them.",
)  # fmt: skip
_OWN_TITLES = (
    "Groceries", "Meeting", "Ideas for spring", "Running log", "What I want from work", "Recipes to try", "Journal", "House move",
    "On patience", "Letters to write", "Trip", "Birthday list", "Weekly review", "Questions", "Things that went well",
)  # fmt: skip
_SECTIONS = ("Notes", "Main ideas", "Thoughts", "What stayed with me", "Summary", "Arguments", "Details", "Quotes", "Open questions")
TEMPLATE = "> [!info] How to use this note\n> Write what you would tell a friend. One idea per bullet. Link to what it reminds you of.\n"


@dataclass(frozen=True, slots=True)
class Claim:
    """`note[start:end]` (characters) was made from `highlights` (outside ids) in one of `WAYS`; `own` words come from none."""

    note_path: str
    start: int
    end: int
    way: str
    highlights: tuple[str, ...] = ()


@dataclass(slots=True)
class World:
    """`made_from` has (note path, source's outside id) for each note that was written from a source."""

    sources: list[Source]
    notes: dict[str, str]
    claims: list[Claim] = field(default_factory=list)
    made_from: set[tuple[str, str]] = field(default_factory=set)


def texts(half: str, folder: Path = CORPORA) -> list[list[str]]:
    """The books of one half (`fit`, `test` or `all`), each as its sentences in order."""
    files = sorted(folder.glob("*.txt"))
    books = [_book(path.read_text(encoding="utf-8")) for path in files] if files else _bundled()
    return books if half == "all" else books[0 if half == "fit" else 1 :: 2]


def _book(text: str) -> list[str]:
    found: list[str] = []
    for block in text.split("\n\n"):
        found += [item for item in sentences(" ".join(block.split())) if 40 <= len(item) <= 420]
    return found


def _bundled() -> list[list[str]]:
    listed = json.loads(SAMPLE.read_text(encoding="utf-8"))["results"]
    return [[part for item in book["highlights"] for part in sentences(item["text"]) if len(part) >= 40] for book in listed]


def make(
    *,
    seed: int,
    sources: int,
    notes: int,
    texts: Sequence[Sequence[str]],
    per_source: int = 40,
    weights: Mapping[str, float] | None = None,
    alone: float = 0.35,
) -> World:
    """A world of about `sources * per_source` highlights; a share `alone` of the notes is made from no source.

    `weights` sets how often each of `WAYS` and `own` is used. When the texts run out, sentences are recombined from their halves.
    """
    rng = random.Random(seed)
    mix = {**dict.fromkeys(WAYS, 1.0), "own": 1.5, **(weights or {})}
    made = World([], {})
    spare: list[list[str]] = []
    for number, stretch in enumerate(_stretches(rng, texts, sources, per_source)):
        source, rest = _source(rng, number, stretch, per_source, made.sources)
        made.sources.append(source)
        spare.append(rest)
    writer = _Writer(rng, made, spare, mix)
    for number in range(notes):
        if rng.random() < alone:
            writer.own_note(number)
        elif rng.random() < 0.3:
            writer.essay(number)
        else:
            writer.note(number)
    return made


def _stretches(rng: random.Random, books: Sequence[Sequence[str]], count: int, per_source: int) -> Iterator[list[str]]:
    """Runs of sentences, three for each two highlights, taken from every book in turn."""
    size = per_source * 3 // 2
    chunks = [list(book[at : at + size]) for book in books for at in range(0, len(book) - size // 2, size)]
    rng.shuffle(chunks)
    yield from chunks[:count]
    for _ in range(count - len(chunks)):
        left, right = rng.choice(chunks), rng.choice(chunks)
        yield [
            f"{one[: len(one) // 2].rsplit(' ', 1)[0]} {other[len(other) // 2 :].split(' ', 1)[-1]}"
            for one, other in zip(left, right, strict=False)
        ]


def _source(rng: random.Random, number: int, stretch: list[str], size: int, earlier: list[Source]) -> tuple[Source, list[str]]:
    chosen: list[tuple[int, str]] = []
    rest: list[str] = []
    at = 0
    while at < len(stretch) and len(chosen) < size:
        if rng.random() < 0.3:
            rest.append(stretch[at])
            at += 1
            continue
        length = rng.choices((1, 2, 3, 5), (65, 20, 10, 5))[0]
        chosen.append((at, " ".join(stretch[at : at + length])))
        at += length
    rest += stretch[at:]
    words = _key_words(" ".join(stretch[:6]))
    title = f"The {words[0].title()} of {words[1].title()} and {words[2].title()}" if len(words) > 2 else f"Untitled {number}"
    if earlier and rng.random() < 0.03:
        title = rng.choice(earlier).title  # two editions, or two articles of one name
    chapters = [f"{part.title()} and {other.title()}" for part, other in zip(words[3:9:2], words[4:10:2], strict=False)] or [""]
    highlights = tuple(
        Highlight(
            text=text, outside_ids=(f"readwise:{number * 1000 + place}",), location=at, location_type="location", position=place,
            chapter=chapters[place * len(chapters) // max(1, len(chosen))],
            annotation=_annotation(rng, text),
        )
        for place, (at, text) in enumerate(chosen)
    )  # fmt: skip
    url = f"https://books.example.org/{number}/{'-'.join(words[:2])}"
    return Source(title=title, author="A. Writer", url=url, outside_ids=(f"readwise:b{number}",), highlights=highlights), rest


def _annotation(rng: random.Random, text: str) -> str:
    return reword(rng, text, "key words") if rng.random() < 0.15 else ""


def _key_words(text: str) -> list[str]:
    """Telling words, each once, in order."""
    found = re.findall(r"[^\W\d_]{4,}", text)
    return list(dict.fromkeys(word.lower() for word in found if commonness(stem(word)) < 0.02))


class _Writer:
    """Writes notes and keeps account of what each sentence came from."""

    def __init__(self, rng: random.Random, world: World, spare: list[list[str]], mix: Mapping[str, float]) -> None:
        self.rng, self.world, self.spare = rng, world, spare
        self.ways, self.shares = list(mix), list(mix.values())

    def own_note(self, number: int) -> None:
        """Journal lines, or sentences on some source's topic that nobody highlighted."""
        rng = self.rng
        lines = rng.sample(_OWN, rng.randint(2, 5))
        if rng.random() < 0.5 and (rest := self.spare[rng.randrange(len(self.spare))]):
            lines += rng.sample(rest, min(len(rest), rng.randint(1, 5)))
        title = f"{rng.choice(_OWN_TITLES)} {number}"
        text = f"# {title}\n\n{TEMPLATE if rng.random() < 0.5 else ''}\n" + "".join(f"- {line}\n" for line in lines)
        self.world.notes[f"Own/{title}.md"] = text

    def note(self, number: int) -> None:
        rng = self.rng
        indexes = rng.sample(range(len(self.world.sources)), 2 if rng.random() < 0.15 and len(self.world.sources) > 1 else 1)
        main = self.world.sources[indexes[0]]
        path, head, foot, drift = self._frame(number, main)
        text, claims = head, []
        for index in indexes:
            for heading, picked in self._sections(self.world.sources[index]):
                text += f"\n## {heading}\n\n"
                style = rng.choice(("- {}\n", "{} ", "> {}\n>\n", "- **Note.** {}\n"))
                for way, sentence, ids in self._sentences(picked, self.spare[index], drift):
                    start = len(text) + style.index("{")
                    text += style.format(sentence)
                    claims.append(Claim(path, start, start + len(sentence), way, ids))
                text = text.rstrip(" ") + "\n"
            self.world.made_from.add((path, self.world.sources[index].outside_ids[0]))
        self.world.notes[path] = text + foot
        self.world.claims += claims

    def essay(self, number: int) -> None:
        """Mostly the person's own words, in no source's order."""
        rng = self.rng
        path = f"Essays/{rng.choice(_OWN_TITLES)} {number}.md"
        text, claims, names = f"# {path[7:-3]}\n\n", [], []
        items: list[tuple[str, str, tuple[str, ...]]] = []
        for index in rng.sample(range(len(self.world.sources)), min(len(self.world.sources), rng.randint(1, 4))):
            source = self.world.sources[index]
            chosen = rng.sample(source.highlights, min(len(source.highlights), rng.randint(1, 3)))
            items += list(self._sentences(chosen, self.spare[index], 3.0))
            names.append(re.sub(r"[\\/:?*\"<>|#^\[\]]", "", source.title))
            self.world.made_from.add((path, source.outside_ids[0]))
        rng.shuffle(items)
        for way, sentence, ids in items:
            claims.append(Claim(path, len(text), len(text) + len(sentence), way, ids))
            text += sentence + rng.choice((" ", " ", "\n\n", "\n\n## On it\n\n"))
        if rng.random() < 0.5:
            text += "\n\n## Sources\n\n" + "".join(f"- [[{name}]]\n" for name in names)
        self.world.notes[path] = text
        self.world.claims += claims

    def _frame(self, number: int, source: Source) -> tuple[str, str, str, float]:
        """Path, what stands above and below, and how much of the note is the person's own."""
        rng = self.rng
        name = re.sub(r"[\\/:?*\"<>|#^\[\]]", "", source.title)
        names = (
            name, f"{name} - Book", f"{name} (Literature Notes)", f"202{number % 5}0{number % 9 + 1}1{number % 9} {name}", f"{name}-2",
            f"Reading {number}", f"Reading {number}",
        )  # fmt: skip
        title = rng.choice(names)
        path = f"Notes/{number % 50}/{title}.md"
        if path in self.world.notes:
            path = f"Notes/{number % 50}/{title} {number}.md"
        plain = title.startswith("Reading")
        link = rng.choice(
            (f'---\nsource: "[[{name}]]"\n---\n', f"---\nurl: {source.url}\n---\n", "", "")
            if plain
            else ("", "", f"---\nurl: {source.url}\n---\n")
        )
        head = f"{link}# {title}\n\n{TEMPLATE if rng.random() < 0.3 else ''}"
        foot = f"\n## Sources\n\n- [[{name}]]\n" if rng.random() < 0.3 and (not plain or link) else ""
        return path, head, foot, rng.choice((0.5, 1.0, 1.0, 4.0))

    def _sections(self, source: Source) -> Iterator[tuple[str, list[Highlight]]]:
        rng = self.rng
        used = [item for item in source.highlights if rng.random() < rng.choice((0.15, 0.4))] or list(source.highlights[:1])
        if rng.random() < 0.2:
            rng.shuffle(used)
        size = rng.randint(2, 8)
        for at in range(0, len(used), size):
            part = used[at : at + size]
            yield (part[0].chapter if part[0].chapter and rng.random() < 0.4 else rng.choice(_SECTIONS)), part

    def _sentences(self, picked: list[Highlight], rest: list[str], drift: float) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        rng = self.rng
        queue = list(picked)
        shares = [share * drift if way == "own" else share for way, share in zip(self.ways, self.shares, strict=True)]
        while queue:
            way = rng.choices(self.ways, shares)[0]
            if way == "own":
                yield "own", rng.choice(rest) if rest and rng.random() < 0.5 else rng.choice(_OWN), ()
                continue
            first = queue.pop(0)
            if way == "merged" and queue:
                second = queue.pop(0)
                text = _cut(rng, first.text, 0.7).rstrip(".,;:") + ", and " + _lower(_cut(rng, second.text, 0.7))
                yield way, _ended(text), (first.outside_ids[0], second.outside_ids[0])
            else:
                way = "trimmed" if way == "merged" else way
                if way == "annotation" and not first.annotation:
                    way = "verbatim"
                said = first.annotation if way == "annotation" else reword(rng, first.text, way)
                yield way, said, (first.outside_ids[0],)


def reword(rng: random.Random, text: str, way: str) -> str:
    """One highlight told in one of `WAYS` that need its text alone."""
    if way == "verbatim":
        return text
    if way == "trimmed":
        return _ended(_cut(rng, text, rng.uniform(0.2 if len(text) > 250 else 0.4, 0.8)))
    if way == "edited":
        return _ended(" ".join(_changed(rng, text.split(), 0.12)))
    if way == "synonyms":
        return _ended(" ".join(_changed(rng, text.split(), 0.35)))
    if way == "reworded":
        clauses = re.split(r"(?<=[,;:])\s+", text.rstrip(".!?"))
        kept = [clause.strip(",;: ") for clause in clauses if len(clauses) < 3 or rng.random() < 0.75] or clauses[:1]
        rng.shuffle(kept)
        words = [word for word in " and ".join(kept).split() if commonness(stem(word)) < 0.3 or rng.random() < 0.6]
        return rng.choice(_OPENINGS).format(_lower(" ".join(_changed(rng, words, 0.3))))
    keys = _key_words(text)
    rng.shuffle(keys)
    keys = (keys + ["this", "that", "it"])[:3]
    remark = rng.choice(_REMARKS).format(a=keys[0], b=keys[1], c=keys[2])
    return remark[0].upper() + remark[1:]


def _changed(rng: random.Random, words: list[str], share: float) -> Iterator[str]:
    """A `share` of the content words replaced by a synonym where one is known, else inflected or dropped; of small words, half as many."""
    for word in words:
        bare = word.strip(".,;:!?\"'()“”").lower()
        small = commonness(stem(bare)) >= 0.1 if bare else True
        if rng.random() >= (share / 2 if small else share):
            yield word
        elif bare in SYNONYMS:
            yield word.lower().replace(bare, SYNONYMS[bare])
        elif not small and rng.random() < 0.5:
            yield (word[:-1] if word.endswith("s") else word + "s") if word.isalpha() else word
        elif rng.random() < 0.5:
            yield rng.choice(("something", "rather", "such", "matters", "indeed", "here", "quite", "what"))


def _cut(rng: random.Random, text: str, share: float) -> str:
    words = text.split()
    size = max(min(5, len(words)), round(len(words) * share))
    start = rng.randint(0, len(words) - size)
    return " ".join(words[start : start + size])


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _ended(text: str) -> str:
    text = text.rstrip(" ,;:-—")
    text = text if text.endswith((".", "!", "?", "”", '"')) else text + "."
    return text[:1].upper() + text[1:]


def fill(library: Library, world: World) -> None:
    """Put the world into a library, as the importers would."""
    from notewright.vault.notes import parse_note

    library.sources.upsert(world.sources, origin="api", complete=True)
    parsed = (parse_note(path, text.encode()) for path, text in sorted(world.notes.items()))
    library.notes.sync([(item.note, item.passages) for item in parsed])
