"""What a draft costs beside the writing, with 5,000 pairs: examples, habits and judgements kept from draft to draft, or worked out anew.

    python benchmarks/draft_speed.py [--pairs 5000] [--judged 500] [--drafts 9]

A generated library: sources of ten chapters with six highlights each, a passage about four of them for every chapter. The engine answers
at once, so that only the rest is measured: choosing highlights and examples, checking three candidates, ordering and storing them. Kept and
anew take turns, draft by draft, in one process; medians of processor time, which other work on the machine lengthens less than the clock's.
`judged`: so many batches were judged since the person changed, and one more is before each draft.
Writes `benchmarks/results/draft_speed.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from notewright import drafting, feedback
from notewright.library import Library, examples
from notewright.library.database import now
from notewright.library.examples import CHANGED, NOTICED
from notewright.records import Draft, Highlight, Model, Pair, PairLink, Source
from notewright.settings import Settings
from notewright.vault import parse_note

CHAPTERS, HIGHLIGHTS, USED = 10, 6, 4


class Written(NamedTuple):
    text: str
    tokens: int = 60
    finished: bool = True
    seed: int = 0


class Writer:
    """Answers at once with three lists of words."""

    def __init__(self, chance: random.Random, words: Sequence[str]) -> None:
        self.chance, self.words = chance, words

    def generate(self, messages: object, *, n: int, **_: object) -> list[Written]:
        texts = ["".join(f"- {' '.join(self.chance.choices(self.words, k=20))}.\n" for _ in range(3)) for _ in range(n)]
        return [Written(text) for text in texts]


def fill(library: Library, chance: random.Random, words: Sequence[str], pairs: int) -> None:
    """Sources, notes, and a proposed pair for every chapter."""
    scanned, proposed, sources = [], [], []
    for number in range(pairs // CHAPTERS):
        told = [
            [
                Highlight(
                    " ".join(chance.choices(words, k=25)), chapter=f"Chapter {chapter}", location=100 * chapter + place + 1,
                    location_type="page", annotation="" if place else "Yes", outside_ids=(f"readwise:h{number}-{chapter}-{place}",),
                )
                for place in range(HIGHLIGHTS)
            ]
            for chapter in range(CHAPTERS)
        ]  # fmt: skip
        ids = (f"readwise:b{number}",)
        sources.append(Source(title=f"Book {number}", kind="book", outside_ids=ids, highlights=tuple(sum(told, []))))
        parts = [f"## Chapter {at}\n" + "".join(f"- {item.text}\n" for item in some[:USED]) for at, some in enumerate(told)]
        parsed = parse_note(f"Notes/{number}.md", f"# Book {number}\n\n{chr(10).join(parts)}".encode())
        scanned.append((parsed.note, parsed.passages))
        for at, passage in enumerate(item for item in parsed.passages if len(item.headings) == 2):
            links = tuple(PairLink(item.outside_ids[0], 0.95, "text") for item in told[at][:USED])
            proposed.append(Pair(
                id="", source_id=ids[0], note_id=passage.note_id, note_path=passage.note_path, passage_id=passage.id,
                passage_start=passage.start, passage_end=passage.end, passage_text=passage.text, score=0.95, method="text",
                status="proposed", headings=passage.headings, links=links,
            ))  # fmt: skip
    library.sources.upsert(sources, origin="api", complete=True)
    library.notes.sync(scanned)
    library.pairs.propose(proposed)
    library.models.promote(library.models.add(Model(library.models.new_id(), "base/none", "", "base", now())).id, "benchmark")


def judge(library: Library, chance: random.Random, words: Sequence[str], sources: int, count: int) -> None:
    """So many batches, and one accepted draft in each."""
    with library.db.write():
        for _ in range(count):
            source, chapter, batch = chance.randrange(sources), chance.randrange(CHAPTERS), library.drafts.new_batch()
            shown = tuple(f"readwise:h{source}-{chapter}-{place}" for place in range(HIGHLIGHTS))
            texts = [" ".join(chance.choices(words, k=60)) for _ in range(3)]
            drafts = library.drafts.add(
                Draft("", batch, f"readwise:b{source}", f"Chapter {chapter}", "model-1", text, place, 0, now(), highlight_ids=shown)
                for place, text in enumerate(texts)
            )
            feedback.decide(library, draft_id=drafts[0].id, decision="accept")


def measured(
    library: Library, settings: Settings, writer: Writer, count: int, before: Callable[[], None] | None = None
) -> dict[str, float]:
    """Median seconds of a draft, kept and anew; `before` is done before each of them."""
    spent: dict[str, list[float]] = {"anew": [], "kept": []}
    for number in range(2 * count):
        way = ("anew", "kept")[number % 2]
        if before:
            before()
        if way == "anew":
            examples._examples.forget()
            examples._judged.forget()
        if way == "anew" and before:
            library.db.set_state("gate habits", "")  # these were learnt anew after a judgement only
        started = time.process_time()
        drafting.draft(
            library, settings=settings, source=f"readwise:b{number // CHAPTERS}", chapter=f"Chapter {number % CHAPTERS}", engine=writer,
            n=3, written=3, examples=2,
        )  # fmt: skip
        spent[way].append(time.process_time() - started)
    anew, kept = map(statistics.median, spent.values())
    return {"anew_s": round(anew, 3), "kept_s": round(kept, 3), "ratio": round(anew / kept, 1)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=5000)
    parser.add_argument("--judged", type=int, default=500)
    parser.add_argument("--drafts", type=int, default=9)
    options = parser.parse_args()
    chance = random.Random(1)
    words = ["".join(chance.choices("abcdefghijklmnop", k=chance.randint(3, 10))) for _ in range(4000)]
    with tempfile.TemporaryDirectory() as folder, Library.create(Path(folder)) as library:
        fill(library, chance, words, options.pairs)
        settings, writer, sources = Settings(home=library.home, device="cpu"), Writer(chance, words), options.pairs // CHAPTERS
        drafting.draft(library, settings=settings, source="readwise:b0", chapter="Chapter 0", engine=writer, n=3)  # learns taste and habits
        plain = measured(library, settings, writer, options.drafts)
        library.db.set_state(CHANGED, now())
        library.db.set_state(NOTICED, now())
        judge(library, chance, words, sources, options.judged)
        judged = measured(library, settings, writer, options.drafts, lambda: judge(library, chance, words, sources, 1))
    result: dict[str, Any] = {
        "pairs": options.pairs, "drafts": options.drafts, "plain": plain, "judged": options.judged, "after_a_change": judged,
        "cpus": os.cpu_count(), "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip
    print(json.dumps(result, indent=2))
    Path(__file__).parent.joinpath("results", "draft_speed.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
