"""Gates on the person's own notes (false alarms) and on corrupted copies of them (detections): `python benchmarks/gates.py`.

Every passage of the bundled sample is judged with habits learnt from the other sources only. Corruptions are seeded. Beside them: the notes
that simulated readers of readers.py (development numbers) want, judged as those of somebody of whom no note is known yet. `--home HOME`
judges the finished passages of another library instead.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from reader_persona import FAMILIES, World

from notewright import importers, pairing, sample
from notewright.gates import GATES, check, habits_of
from notewright.gates.support import sentence_spans, supported
from notewright.importers.vault import import_vault
from notewright.library import Library
from notewright.library.examples import Example, from_pairs
from notewright.prompts import location_label
from notewright.settings import Settings, load_settings
from notewright.text import sentences
from notewright.vault import bearing, build_index, find_problems

RESULTS = Path(__file__).parent / "results" / "gates.json"
NAMES = ("Ottoline Farquhar", "Bertrand Quigley", "Rosalind Achterberg", "Tobias Menzies", "Ingeborg Valdez")

Corruption = Callable[[random.Random, Example, list[Example]], "str | None"]


def swapped_number(rng: random.Random, example: Example, _: list[Example]) -> str | None:
    """One number in the text (no page, no list mark) becomes another."""
    numbers = re.finditer(r"(?<![\w.,:(#\[|-])\d{2,}(?![\w:])", example.passage)
    found = [item for item in numbers if not re.search(r"(?:p|loc)\. $", example.passage[: item.start()])]
    if not found:
        return None
    chosen = rng.choice(found)
    return example.passage[: chosen.start()] + str(int(chosen[0]) + rng.choice((7, 13, 31))) + example.passage[chosen.end() :]


def invented_name(rng: random.Random, example: Example, _: list[Example]) -> str | None:
    """A person whom no highlight knows is credited inside a sentence."""
    spans = [span for span in sentence_spans(example.passage) if len(example.passage[slice(*span)].split()) >= 6]
    if not spans:
        return None
    start, end = rng.choice(spans)
    words = example.passage[start:end].split(" ")
    words.insert(rng.randint(3, len(words) - 1), f"as {rng.choice(NAMES)} says")
    return example.passage[:start] + " ".join(words) + example.passage[end:]


def dropped_highlight(rng: random.Random, example: Example, _: list[Example]) -> str | None:
    """One bullet goes."""
    lines = example.passage.split("\n")
    bullets = [index for index, line in enumerate(lines) if line.startswith("- ")]
    if len(bullets) < 2:
        return None
    del lines[rng.choice(bullets)]
    return "\n".join(lines)


def invented_sentence(rng: random.Random, example: Example, others: list[Example]) -> str | None:
    """A sentence about another source joins a bullet."""
    lines = example.passage.split("\n")
    bullets = [index for index, line in enumerate(lines) if line.startswith("- ")]
    other = rng.choice([item for item in others if item.source_id != example.source_id])
    foreign = [item.text for item in supported(other.passage, other.prompt.highlights) if len(item.text.split()) >= 7]
    if not bullets or not foreign:
        return None
    lines[rng.choice(bullets)] += " " + rng.choice(foreign)
    return "\n".join(lines)


def altered_quotation(rng: random.Random, example: Example, _: list[Example]) -> str | None:
    """A word inside a quoting callout becomes another."""
    found = list(re.finditer(r"(?m)^> (?!\[!).*?(\b[a-z]{5,}\b)", example.passage))
    if not found:
        return None
    chosen = rng.choice(found)
    return example.passage[: chosen.start(1)] + rng.choice(("bicycle", "octopus", "marmalade")) + example.passage[chosen.end(1) :]


def invented_asset(rng: random.Random, example: Example, _: list[Example]) -> str | None:
    """An embedded picture that exists nowhere."""
    return example.passage.rstrip() + f"\n\n![[figure-{rng.randint(100, 999)}.png]]\n"


def lost_asset(_: random.Random, example: Example, __: list[Example]) -> str | None:
    """The embedded picture goes."""
    changed = re.sub(r"!\[\[[^\]]*\]\]\n?", "", example.passage)
    return changed if changed != example.passage else None


def cut_short(rng: random.Random, example: Example, _: list[Example]) -> str | None:
    """The text ends inside its last third, inside a word's sentence."""
    words = example.passage.rstrip().split(" ")
    if len(words) < 30:
        return None
    return " ".join(words[: rng.randint(2 * len(words) // 3, len(words) - 4)])


def mark_left_open(rng: random.Random, example: Example, _: list[Example]) -> str | None:
    """One mark that closes is left out, or one that opens is put in."""
    found = list(re.finditer(r"(?<=[\w.!?])(?:\*\*|==)(?=[\s.:,]|\Z)", example.passage))
    if found:
        chosen = rng.choice(found)
        return example.passage[: chosen.start()] + example.passage[chosen.end() :]
    spans = sentence_spans(example.passage)
    at = rng.choice(spans)[0] if spans else 0
    start = at + len(example.passage[at:]) - len(example.passage[at:].lstrip())
    return example.passage[:start] + rng.choice(("**", "==", "~~", "`")) + example.passage[start:] if spans else None


def invented_tag(rng: random.Random, example: Example, _: list[Example]) -> str | None:
    """A tag that nothing has."""
    return f"{example.passage.rstrip()} #{rng.choice(NAMES).split()[1].lower()}\n"


def in_circles(rng: random.Random, example: Example, _: list[Example]) -> str | None:
    """From a sentence's middle on the same few words come again and again."""
    spans = [span for span in sentence_spans(example.passage) if len(example.passage[slice(*span)].split()) >= 6]
    if not spans:
        return None
    start, end = rng.choice(spans)
    words = example.passage[start:end].split()
    size = rng.randint(1, len(words) - 2)
    return example.passage[:start] + " ".join(words) + f" {' '.join(words[-size:])}" * 12 + example.passage[end:]


def quoted_twice(rng: random.Random, example: Example, _: list[Example]) -> str | None:
    """A highlight stands there whole, with other words before it each time."""
    long = [item for item in example.prompt.highlights if len(item.text.split()) >= 10 and "\n" not in item.text]
    text = rng.choice(long).text if long else ""
    return f"{example.passage.rstrip()}\n- **First.** {text}\n- **Again.** {text}\n" if long else None


def said_under_another(rng: random.Random, example: Example, _: list[Example]) -> str | None:
    """What one bullet says of its highlight stands in another one's place too; lead-in, location and tags stay."""
    said = [part for item in example.prompt.highlights for part in sentences(" ".join(item.text.split())) if len(part.split()) >= 8]
    lines = example.passage.split("\n")
    found = [(index, part) for index, line in enumerate(lines) for part in said if line.startswith("- ") and part in line]
    others = [(one, two) for one in found for two in found if one[0] != two[0] and one[1] != two[1]]
    if not others:
        return None
    (_, kept), (index, replaced) = rng.choice(others)
    lines[index] = lines[index].replace(replaced, kept)
    return "\n".join(lines)


def swapped_location(rng: random.Random, example: Example, _: list[Example]) -> str | None:
    """A bullet gives the place of another highlight than its own."""
    places = {location_label(item) for item in example.prompt.highlights} - {""}
    found = [item for place in places for item in re.finditer(rf"(?m)^- .{{30,}}(?P<place>{re.escape(place)})(?!\d)", example.passage)]
    if len(places) < 2 or not found:
        return None
    chosen = rng.choice(sorted(found, key=lambda item: item.start()))
    other = rng.choice(sorted(places - {chosen["place"]}))
    return example.passage[: chosen.start("place")] + other + example.passage[chosen.end("place") :]


def stuttered_word(rng: random.Random, example: Example, _: list[Example]) -> str | None:
    """A long word says its ending once more."""
    found = [
        item for item in re.finditer(r"\b[a-z]{8,}\b", example.passage) if not re.search(r"[\[(#/]\S*\Z", example.passage[: item.start()])
    ]
    if not found:
        return None
    chosen = rng.choice(found)
    return example.passage[: chosen.end()] + chosen[0][-rng.choice((3, 4)) :] + example.passage[chosen.end() :]


def cut_quotation(rng: random.Random, example: Example, _: list[Example]) -> str | None:
    """One line that says a highlight to its end, or to that of a sentence, stops some words earlier; what stands behind stays."""
    lines = example.passage.split("\n")
    said = [part for item in example.prompt.highlights for part in re.split(r"(?<=[.!?]) ", " ".join(item.text.split()))]
    long = [part for part in said if len(part.split()) >= 12]
    places = [(index, part) for index, line in enumerate(lines) for part in long if part in line]
    if not places:
        return None
    index, chosen = rng.choice(places)
    before, after = lines[index].split(chosen, 1)
    lines[index] = before + " ".join(chosen.split()[: -rng.randint(1, 3)]).rstrip(",;:—–-") + after
    return "\n".join(lines)


CORRUPTIONS: dict[str, tuple[Corruption, tuple[str, ...]]] = {
    "a number swapped": (swapped_number, ("invented number",)),
    "a name invented": (invented_name, ("invented name",)),
    "a highlight dropped": (dropped_highlight, ("lost highlight",)),
    "a sentence invented": (invented_sentence, ("unsupported sentence",)),
    "a quotation altered": (altered_quotation, ("invented quotation",)),
    "an asset invented": (invented_asset, ("invented asset",)),
    "an asset lost": (lost_asset, ("lost asset",)),
    "a mark left open": (mark_left_open, ("unclosed mark",)),
    "a tag invented": (invented_tag, ("invented tag",)),
    "in circles": (in_circles, ("loops",)),
    "a highlight quoted twice": (quoted_twice, ("repeats",)),
    "said under another": (said_under_another, ("repeats",)),
    "a location swapped": (swapped_location, ("wrong reference",)),
    "a word that stutters": (stuttered_word, ("broken word",)),
    "a quotation cut": (cut_quotation, ("cut quotation",)),
    "cut short": (cut_short, ("breaks off", "structure", "links", "lost highlight", "lost asset")),
}


Judge = Callable[[Example, str], dict[str, str]]


def judge(library: Library, vault: Path, examples: Sequence[Example]) -> Judge:
    """What gates find in a text that stands in an example's place, and how severe it is: habits are those of the other sources."""
    index = build_index(vault)
    habits = {source: habits_of(library, vault_index=index, without_source=source) for source in {item.source_id for item in examples}}

    def gates(example: Example, text: str) -> dict[str, str]:
        source = example.prompt.source
        found = check(
            text, highlights=example.prompt.highlights, vault_index=index, habits=habits[source.id],
            known=f"{source.title}\n{source.author}\n{source.summary}",
            tagged=bearing(index, source.tags, besides=example.note_path),
        )  # fmt: skip
        return {finding.gate: finding.severity for finding in reversed(found)}

    return gates


def alarms_of(found: Sequence[dict[str, str]]) -> dict[str, dict[str, int]]:
    alarms = Counter((gate, severity) for gates in found for gate, severity in gates.items())
    return {gate: {level: alarms[gate, level] for level in ("block", "warn")} for gate in GATES}


def measure(seeds: int = 3) -> dict[str, object]:
    """False alarms by gate and detections by corruption, with the severity they had."""
    with tempfile.TemporaryDirectory() as folder:
        data = sample.copy_sample(Path(folder) / "sample")
        settings = Settings(home=Path(folder) / "home", vault=data / "vault")
        with Library.create(settings.home) as library:
            importers.import_readwise(library, path=data / "readwise.csv")
            importers.import_readwise(library, path=data / "readwise-api.json")
            import_vault(library, settings=settings)
            pairing.pair(library, settings=settings)
            examples = from_pairs(library)
            gates = judge(library, data / "vault", examples)
            clean = [gates(example, example.passage) for example in examples]
            detections = {}
            for name, (corrupt, expected) in CORRUPTIONS.items():
                tried = caught = blocked = 0
                for seed in range(seeds):
                    for number, (example, before) in enumerate(zip(examples, clean, strict=True)):
                        text = corrupt(random.Random(f"{seed}|{number}|{name}"), example, examples)
                        if text is None or set(before) & set(expected):
                            continue
                        tried += 1
                        found = gates(example, text)
                        caught += any(gate in found for gate in expected)
                        blocked += any(found.get(gate) == "block" for gate in expected)
                detections[name] = {"tried": tried, "caught": caught, "blocked": blocked}
    return {"passages": len(examples), "false_alarms": alarms_of(clean), "detections": detections}


def of_home(home: Path) -> None:
    """False alarms on the finished passages of a home's own library."""
    settings = load_settings(home)
    with Library.open(home) as library:
        examples = from_pairs(library)
        assert settings.vault
        gates = judge(library, settings.vault, examples)
        show_alarms(alarms_of([gates(example, example.passage) for example in examples]), len(examples))


def strangers(numbers: Sequence[int] = (100, 101, 102, 103, 104)) -> dict[str, object]:
    """How many of the notes that readers want each gate finds something in."""
    alarms: Counter[str] = Counter()
    count = 0
    for family in FAMILIES:
        for number in numbers:
            world = World(family, number, history=24, stream=40, test=2)
            for at, task in enumerate([*world.history, *world.stream]):
                source = task.prompt.source
                known = f"{source.title}\n{source.author}\n{source.summary}"
                found = find_problems(world.wanted(task.prompt, at), highlights=task.prompt.highlights, known=known)
                alarms.update({finding.gate for finding in found})
                count += 1
    return {"notes": count, "alarms": dict(alarms)}


def show_alarms(alarms: dict[str, dict[str, int]], passages: int) -> None:
    print(f"| gate | false alarms that block, of {passages} own passages | that warn |\n|---|---|---|")
    for gate, counts in alarms.items():
        print(f"| {gate} | {counts['block']} | {counts['warn']} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="measure false alarms in this home's library, and nothing else")
    if home := parser.parse_args().home:
        of_home(home)
        return
    result = measure() | {"readers": strangers()}
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    show_alarms(result["false_alarms"], result["passages"])  # type: ignore[arg-type]
    print("\n| corruption | tried | caught | blocked |\n|---|---|---|---|")
    for name, row in result["detections"].items():  # type: ignore[attr-defined]
        print(f"| {name} | {row['tried']} | {row['caught'] / max(1, row['tried']):.2f} | {row['blocked'] / max(1, row['tried']):.2f} |")
    readers = result["readers"]
    found = ", ".join(f"{gate} {number}" for gate, number in sorted(readers["alarms"].items()))  # type: ignore[index]
    print(f"\nOf {readers['notes']} notes that simulated readers want: {found}")  # type: ignore[index]


if __name__ == "__main__":
    main()
