"""Which changes of real edits could have been foreseen from the same person's earlier edits.

    python benchmarks/real_edits.py [--vaults FOLDER]

`--vaults` holds vault folders with an `edits.jsonl` each: the first and the last committed version of notes whose body changed. Bodies
are compared (properties change by themselves); their hunks are typed as those of drafts are (`feedback.hunks`).

- *Recurrence*: of each kind of hunk, the share whose very change (these words became those words) was made in an earlier note too.
- *Foreseeing*: a rule is a change with what stood before and behind it (a line's end, a space, a word, or which mark). It is used while it
  was right in more than half of the places that it fitted in earlier notes (one right and one wrong place are added to its record). Its
  guesses in the next note's first version are right where exactly that hunk was made there. Two orders of learning: `sitting`, from every
  note before it, also of the same day (the dates are of commits; within a day the order is that of file names), and `days apart`, only from
  notes committed on an earlier day. Notes without any earlier note to learn from are left out.
- *Baselines*: to change nothing (distance of the two versions); every change seen once, wherever its text stands (`no gate`); and rules
  learnt from the other vaults' edits alone (`others`), which says what is this person's habit and what is anyone's.

Writes benchmarks/results/real_edits.json and prints the tables.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from notewright.evaluation.report import interval
from notewright.feedback import Hunk, hunks
from notewright.feedback.hunks import KINDS
from notewright.text import edit_distance
from notewright.vault.tokens import tokenize

HERE = Path(__file__).resolve().parent
VAULTS = HERE.parent.parent / "shared" / "data" / "vaults"
RESULTS = HERE / "results" / "real_edits.json"
GATE = 0.5
LONGEST = 40  # characters of the earlier text of a rule: longer ones are that note's own words
NOT_EVALUABLE = (
    "how near drafts come: no model wrote the first versions, and what they were written from is known for few of them",
    "taste: nobody chose between candidates",
    "the order of changes inside a note, or how long they took: only its first and last version are kept",
    "added facts and new passages: what a person adds from elsewhere is in no earlier edit",
    "a second person's habits: of the other vault there are three notes",
)


@dataclass(frozen=True)
class Edit:
    file: str
    day: str
    before: str
    after: str
    hunks: tuple[Hunk, ...]


@dataclass(frozen=True)
class Rule:
    """`before` became `after`; `left` and `right` say what stood around it."""

    before: str
    after: str
    left: str
    right: str


@dataclass
class Memory:
    """How often a rule fitted in the notes so far, and how often that was the change that was made."""

    gate: bool = True
    right: Counter[Rule] = field(default_factory=Counter)
    fitted: Counter[Rule] = field(default_factory=Counter)

    def learn(self, edit: Edit) -> None:
        made = {(rule_of(edit.before, hunk), hunk.start) for hunk in edit.hunks if is_rule(hunk)}
        for rule, _ in made:
            self.fitted.setdefault(rule, 0)
        # A rule that is new fits where it was just made; whatever was known before is held against the whole note.
        for rule in list(self.fitted):
            for start in places(edit.before, rule, anywhere=not self.gate):
                self.fitted[rule] += 1
                self.right[rule] += (rule, start) in made

    def guesses(self, text: str) -> list[tuple[int, Rule]]:
        """Places and rules that are to be used there, none overlapping, the surest first."""
        sure = {rule: (self.right[rule] + 1) / (fitted + 2) for rule, fitted in self.fitted.items()}
        used = [rule for rule in sure if (sure[rule] > GATE if self.gate else True)]
        taken: list[tuple[int, int]] = []
        found = []
        for rule in sorted(used, key=lambda rule: (-sure[rule], -len(rule.before), rule.before, rule.after)):
            for start in places(text, rule, anywhere=not self.gate):
                end = start + max(1, len(rule.before))
                if all(end <= a or start >= b for a, b in taken):
                    taken.append((start, end))
                    found.append((start, rule))
        return sorted(found, key=lambda item: item[0])


def is_rule(hunk: Hunk) -> bool:
    return 0 < len(hunk.before) <= LONGEST and not hunk.moved


def rule_of(text: str, hunk: Hunk) -> Rule:
    return Rule(hunk.before, hunk.after, around(text[: hunk.start][::-1]), around(text[hunk.start + len(hunk.before) :]))


def around(text: str) -> str:
    """What begins here, read away from the change: the end of the line, a space, a word, or the mark itself."""
    first = text[:1]
    if first in ("", "\n"):
        return "line"
    return "space" if first.isspace() else "word" if first.isalnum() else first


def places(text: str, rule: Rule, *, anywhere: bool) -> list[int]:
    """Where the rule fits."""
    hits = re.finditer(re.escape(rule.before), text)
    sides = (rule.left, rule.right)
    return [hit.start() for hit in hits if anywhere or (around(text[: hit.start()][::-1]), around(text[hit.end() :])) == sides]


def applied(text: str, guesses: Sequence[tuple[int, Rule]]) -> str:
    for start, rule in reversed(guesses):
        text = text[:start] + rule.after + text[start + len(rule.before) :]
    return text


def body(text: str) -> str:
    """A note without its properties."""
    data, start = text.encode(), 0
    for token in tokenize(data):
        if token.kind not in ("bom", "properties"):
            break
        start = token.end
    return data[start:].decode().lstrip("\n")


def read_edits(path: Path) -> list[Edit]:
    """By the day of the last version, then by file name."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        before, after = body(row["before"]), body(row["after"])
        if before != after and row["kind"] == "note":
            found.append(Edit(row["file"], row["after_date"], before, after, tuple(hunks(before, after))))
    return sorted(found, key=lambda edit: (edit.day, edit.file))


def recurrence(edits: Sequence[Edit]) -> dict[str, dict[str, float]]:
    seen: set[tuple[str, str]] = set()
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for edit in edits:
        for hunk in edit.hunks:
            counts[hunk.kind]["hunks"] += 1
            counts[hunk.kind]["characters"] += len(hunk.before) + len(hunk.after)
            counts[hunk.kind]["seen before"] += (hunk.before, hunk.after) in seen
        seen |= {(hunk.before, hunk.after) for hunk in edit.hunks}
    return {
        kind: {**counts[kind], "share": round(counts[kind]["seen before"] / counts[kind]["hunks"], 4)} for kind in KINDS if counts[kind]
    }


def foresee(edits: Sequence[Edit], *, order: str, gate: bool = True, taught: Sequence[Edit] = ()) -> dict[str, Any]:
    """Guess each note's hunks from the notes before it (`order` sitting or days), or from `taught` alone (`others`)."""
    memory, waiting = Memory(gate), []
    for edit in taught:
        memory.learn(edit)
    guessed, right, every, by_kind, before, after = 0, 0, 0, Counter[str](), [], []
    for edit in edits:
        while order == "days" and waiting and waiting[0].day < edit.day:
            memory.learn(waiting.pop(0))
        if order == "sitting" and waiting:
            memory.learn(waiting.pop(0))
        waiting.append(edit)
        if not memory.fitted:
            continue
        guesses = memory.guesses(edit.before)
        made = {(hunk.start, hunk.before, hunk.after): hunk.kind for hunk in edit.hunks}
        hits = [kind for start, rule in guesses if (kind := made.get((start, rule.before, rule.after)))]
        guessed, right = guessed + len(guesses), right + len(hits)
        by_kind.update(hits)
        before.append(edit_distance(edit.before, edit.after))
        after.append(edit_distance(applied(edit.before, guesses), edit.after))
        every += len(edit.hunks)
    if not before:
        return {"notes": 0}
    gains = [old - new for old, new in zip(before, after, strict=True)]
    low, high = interval(gains) if len(gains) > 1 else (gains[0], gains[0])
    return {
        "notes": len(before), "hunks": every, "guesses": guessed, "right": right,
        "precision": round(right / guessed, 4) if guessed else None,
        "recall": round(right / every, 4), "right by kind": dict(by_kind), "distance, nothing changed": round(statistics.fmean(before), 4),
        "distance, guesses made": round(statistics.fmean(after), 4), "gain": round(statistics.fmean(gains), 4),
        "gain, 90 %": [round(low, 4), round(high, 4)], "notes nearer": sum(gain > 1e-9 for gain in gains),
        "notes further": sum(gain < -1e-9 for gain in gains),
    }  # fmt: skip


def rules_kept(edits: Sequence[Edit]) -> list[dict[str, Any]]:
    memory = Memory()
    for edit in edits:
        memory.learn(edit)
    kept = [rule for rule, fitted in memory.fitted.items() if (memory.right[rule] + 1) / (fitted + 2) > GATE and memory.right[rule] > 1]
    kept.sort(key=lambda rule: -memory.right[rule])
    return [
        {"before": rule.before, "after": rule.after, "between": [rule.left, rule.right], "right": memory.right[rule],
         "fitted": memory.fitted[rule]}
        for rule in kept
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--vaults", type=Path, default=VAULTS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    files = sorted(options.vaults.glob("*/edits.jsonl")) if options.vaults.is_dir() else []
    if not files:
        print(f"skipped: there is no vault with an edits.jsonl in {options.vaults}")
        return
    vaults = {path.parent.name: read_edits(path) for path in files}
    results: dict[str, Any] = {"not evaluable": NOT_EVALUABLE, "vaults": {}}
    for name, edits in vaults.items():
        others = [edit for other, theirs in vaults.items() if other != name for edit in theirs]
        results["vaults"][name] = {
            "notes": len(edits), "days": dict(Counter(edit.day for edit in edits)), "recurrence": recurrence(edits),
            "sitting": foresee(edits, order="sitting"), "days apart": foresee(edits, order="days"),
            "no gate": foresee(edits, order="sitting", gate=False), "others": foresee(edits, order="others", taught=others),
            "rules": rules_kept(edits),
        }  # fmt: skip
        print(f"\n{name}: {len(edits)} notes")
        for kind, row in results["vaults"][name]["recurrence"].items():
            print(f"  {kind:<11} {row['hunks']:>4} hunks, {row['seen before']:>4} seen before ({row['share']:.0%})")
        for way in ("sitting", "days apart", "no gate", "others"):
            row = results["vaults"][name][way]
            if not row["notes"]:
                print(f"  {way:<11} no note has an earlier one to learn from")
                continue
            print(
                f"  {way:<11} {row['notes']} notes: {row['right']} of {row['guesses']} guesses right, {row['recall']:.0%} of "
                f"{row['hunks']} hunks; distance {row['distance, nothing changed']:.3f} -> {row['distance, guesses made']:.3f}; "
                f"notes nearer {row['notes nearer']}, "
                f"further {row['notes further']}"
            )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print("\nNot evaluable from these data:\n  " + "\n  ".join(NOT_EVALUABLE))


if __name__ == "__main__":
    main()
