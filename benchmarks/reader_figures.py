"""Statistics, plots and docs/results.md of readers.py: everything here follows from the rows and from docs/decisions/0017.

The unit is the reader: intervals (90 %) are paired bootstraps over readers, then over their seeds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs"
DRAWS = 10_000
FROM = 20  # the primary endpoint counts the chapters after so many
STREAK, SHARE = 10, 0.6  # of so many last drafts so large a share was taken
AIM, HARM = 0.5, 0.02
LOOP, RIVAL, CONTROL = "full", "k-shot", "near-default"
CURVES = ("base", "k-shot", "sft", "sft+retrieval", "ditto", "dpo", "taste", "full", "floor")
COLOURS = {
    "base": "#9aa3ad", "k-shot": "#2f6f8f", "sft": "#8a5a83", "sft+retrieval": "#b07aa8", "ditto": "#c2a33a", "dpo": "#7a7a3a",
    "taste": "#5b8c3e", "full": "#d1783c", "floor": "#d8d8d8",
}  # fmt: skip
BESIDE = ("ditto", "taste")  # drawn broken, as they may lie on the curve of what they add to
# What `figures` needs of every chapter.
COLUMNS = ("cost", "needed", "taken", "harm", "gate", "tokens", "written", "seconds")
Row = dict[str, Any]
Interval = tuple[float, float | None, float | None]
Runs = dict[str, dict[int, list[Row]]]  # rows by reader and seed


def window(chapters: int) -> range:
    """The chapters of the primary endpoint; in a short run the later half stands in for them."""
    return range(FROM if chapters > FROM else chapters // 2, chapters)


def streak(chapters: int) -> int:
    return STREAK if chapters > FROM else max(1, chapters // 2)


def shared(runs: Mapping[str, Runs], *arms: str, control: bool = False) -> list[list[tuple[list[Row], ...]]]:
    """For each reader (controls or not) the seeds that all the arms have, as tuples of rows."""
    readers = [reader for reader in runs.get(arms[0], {}) if reader.startswith(CONTROL) == control]
    found = []
    for reader in readers:
        cells = [runs.get(arm, {}).get(reader, {}) for arm in arms]
        found.append([tuple(cell[seed] for cell in cells) for seed in cells[0] if all(seed in cell for cell in cells)])
    return [seeds for seeds in found if seeds]


def bootstrap(units: Sequence[Sequence[Sequence[float]]], statistic: Callable[[Any], Any]) -> Interval | None:
    """`statistic` of means over readers of means over seeds, with its 90 % interval. A unit is a reader: seeds x numbers.

    The statistic gets an array (numbers, draws). None without a unit; of one reader alone there is no interval.
    """
    if not units:
        return None
    means = numpy.array([numpy.mean(seeds, axis=0) for seeds in units])
    value = float(statistic(means.mean(axis=0)[:, None])[0])
    if len(units) == 1:
        return value, None, None
    rng = numpy.random.default_rng(17)
    picked = rng.integers(len(units), size=(DRAWS, len(units)))
    total = numpy.zeros((DRAWS, means.shape[1]))
    for unit, seeds in enumerate(units):
        table = numpy.array(seeds)
        times = (picked == unit).sum(axis=1)
        for turn in range(int(times.max(initial=0))):
            drawn = table[rng.integers(len(table), size=(DRAWS, len(table)))].mean(axis=1)
            total += drawn * (times > turn)[:, None]
    low, high = numpy.quantile(statistic((total / len(units)).T), (0.05, 0.95))
    return value, float(low), float(high)


def mean_cost(rows: Sequence[Row], chapters: Sequence[int], key: str = "cost") -> float:
    return fmean(float(rows[at][key]) for at in chapters)


def saved(runs: Mapping[str, Runs], arm: str, chapters: Sequence[int], *, key: str = "cost", family: str = "") -> Any:
    """1 - cost(arm) / cost(k-shot)."""
    known = {name: {r: s for r, s in cells.items() if not family or r.rpartition("-")[0] == family} for name, cells in runs.items()}
    pairs = shared(known, arm, RIVAL, control=family == CONTROL)
    units = [[[mean_cost(a, chapters, key), mean_cost(b, chapters, key)] for a, b in seeds] for seeds in pairs]
    return bootstrap(units, lambda means: 1 - means[0] / numpy.maximum(means[1], 1e-9))


def extra_cost(runs: Mapping[str, Runs], arm: str, chapters: Sequence[int]) -> Interval | None:
    """By how much a chapter costs more than with the loop, over the readers and seeds that both have."""
    both = shared(runs, arm, LOOP)
    return bootstrap([[[mean_cost(a, chapters) - mean_cost(b, chapters)] for a, b in seeds] for seeds in both], lambda means: means[0])


def first_streak(rows: Sequence[Row], length: int) -> int | None:
    """The first chapter (from 1) by which the share of the last `length` drafts was taken."""
    for end in range(length, len(rows) + 1):
        if sum(row["taken"] for row in rows[end - length : end]) >= SHARE * length - 1e-9:
            return end
    return None


def median_time(times: Sequence[int | None]) -> int | None:
    """Kaplan-Meier's median; all censoring is at the end, where the curve of those who got there is all that counts."""
    known = sorted(time for time in times if time is not None)
    place = -(-len(times) // 2)
    return known[place - 1] if times and len(known) >= place else None


def arm_figures(runs: Mapping[str, Runs], arm: str, chapters: int) -> dict[str, Any]:
    """Everything about one arm, readers of the families only (controls have a table of their own)."""
    late, length = window(chapters), streak(chapters)
    cells = [rows for seeds in shared(runs, arm) for (rows,) in seeds]
    if not cells:
        return {}
    alone = [[[mean_cost(rows, late), fmean(row["harm"] for row in rows)] for (rows,) in seeds] for seeds in shared(runs, arm)]
    both = shared(runs, arm, RIVAL)
    wins = [fmean(_win(a[-1], b[-1])) for seeds in both for a, b in seeds]
    dearer = [fmean(mean_cost(a, late) for a, _ in seeds) > fmean(mean_cost(b, late) for _, b in seeds) for seeds in both]
    return {
        "readers": len(alone), "cells": len(cells), "cost": bootstrap(alone, lambda means: means[0]),
        "more than the loop": extra_cost(runs, arm, late),
        "saved": saved(runs, arm, late), "saved over all chapters": saved(runs, arm, range(chapters)),
        "still needed": fmean(mean_cost(rows, late, "needed") for rows in cells),
        "taken": fmean(float(rows[at]["taken"]) for rows in cells for at in late), "harm": bootstrap(alone, lambda means: means[1]),
        "gate": fmean(float(row["gate"]) for rows in cells for row in rows),
        "worse versions": sum(bool(row.get("update", {}).get("worse")) for rows in cells for row in rows),
        "promotions": sum(row["update"]["after"] != row["update"]["before"] for rows in cells for row in rows if "update" in row),
        "chapters to 60 % taken": median_time([first_streak(rows, length) for rows in cells]),
        "reached 60 % taken": fmean(first_streak(rows, length) is not None for rows in cells),
        "wins on kept chapters": fmean(wins) if wins else None, "readers it costs more": fmean(dearer) if dearer else None,
        "tokens a chapter": fmean(row["tokens"] for rows in cells for row in rows),
        "candidates a chapter": fmean(row["written"] for rows in cells for row in rows),
        "seconds": fmean(sum(row["seconds"] for row in rows) for rows in cells),
    }  # fmt: skip


def _win(one: Row, other: Row) -> list[float]:
    pairs = zip(one["final"]["utility"], other["final"]["utility"], strict=True)
    return [0.5 if abs(a - b) < 1e-9 else float(a > b) for a, b in pairs]


def figures(runs: Mapping[str, Runs], plan: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    """All endpoints as JSON."""
    chapters = int(plan["chapters"])
    late = window(chapters)
    families = sorted({reader.rpartition("-")[0] for cells in runs.values() for reader in cells} - {CONTROL})
    controls = [rows for seeds in shared(runs, LOOP, control=True) for (rows,) in seeds]
    everyone = shared(runs, LOOP) + shared(runs, LOOP, control=True)
    harm = [[[fmean(row["harm"] for row in rows)] for (rows,) in seeds] for seeds in everyone]
    return {
        "about": dict(about), "missing": _missing(runs, plan), "plan": plan["name"],
        "primary": {
            "effort saved": saved(runs, LOOP, late), "harm rate": bootstrap(harm, lambda means: means[0]),
            "worse versions, near-default": sum(bool(row.get("update", {}).get("worse")) for rows in controls for row in rows),
            "promotions, near-default": sum(
                row["update"]["after"] != row["update"]["before"] for rows in controls for row in rows if "update" in row
            ),
            "near-default cells": len(controls),
        },
        "arms": {arm: arm_figures(runs, arm, chapters) for arm in runs},
        "families": {family: {arm: saved(runs, arm, late, family=family) for arm in runs} for family in (*families, CONTROL)},
        "curves": {
            arm: {
                reader: {
                    seed: {key: [row[key] for row in rows] for key in COLUMNS}
                    | {"updates": [row["update"] | {"at": row["at"]} for row in rows if "update" in row], "kept": rows[-1]["final"]}
                    | {"code": _commits(rows)}
                    for seed, rows in seeds.items()
                }
                for reader, seeds in cells.items()
            }
            for arm, cells in runs.items()
        },
    }  # fmt: skip


def _commits(rows: Sequence[Row]) -> list[str]:
    """The commits that made a run's chapters."""
    return sorted({name for row in rows for name in row["code"].split()})


def rows_of(curve: Mapping[str, Any]) -> list[Row]:
    """The rows that a curve in the JSON stands for, as far as `figures` reads them."""
    rows: list[Row] = [
        {"at": at, "code": " ".join(curve["code"]), **dict(zip(COLUMNS, values, strict=True))}
        for at, values in enumerate(zip(*(curve[key] for key in COLUMNS), strict=True))
    ]
    for update in curve["updates"]:
        rows[update["at"]]["update"] = {key: value for key, value in update.items() if key != "at"}
    rows[-1]["final"] = curve["kept"]
    return rows


def _missing(runs: Mapping[str, Runs], plan: Mapping[str, Any]) -> list[str]:
    """Planned runs that are not there, as "reader, arm, seed"."""
    planned = [(reader, arm, seed) for reader in plan["readers"] for arm in plan["arms"] for seed in plan["seeds"]]
    return [f"{reader} {arm} {seed}" for reader, arm, seed in planned if seed not in runs.get(arm, {}).get(reader, {})]


def plot(runs: Mapping[str, Runs], found: Mapping[str, Any], titles: Mapping[str, str], chapters: int, path: Path) -> None:
    """Learning curves, how soon drafts are taken, harm."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    figure = Figure(figsize=(13, 5.2), layout="constrained")
    FigureCanvasAgg(figure)
    learning, reaching, harm = figure.subplots(1, 3, gridspec_kw={"width_ratios": [1.25, 1, 1]})
    step = 5 if chapters > FROM else 1
    edges = list(range(0, chapters, step))
    drawn_arms = [name for name in CURVES if shared(runs, name)]
    banded = {LOOP, RIVAL} if len(drawn_arms) > 4 else set(drawn_arms)  # more bands than that hide the curves
    for arm in drawn_arms:
        cells = [
            [[mean_cost(rows, range(at, min(at + step, chapters))) for at in edges] for (rows,) in seeds] for seeds in shared(runs, arm)
        ]
        drawn = [bootstrap([[[row[at]] for row in seeds] for seeds in cells], lambda means: means[0]) for at in range(len(edges))]
        points = [at + (step + 1) / 2 for at in edges]
        line = "--" if arm in BESIDE else "-"
        learning.plot(points, [d[0] for d in drawn if d], f"o{line}", markersize=3, color=COLOURS[arm], label=titles[arm])
        if arm in banded and len(cells) > 1:
            learning.fill_between(points, [d[1] for d in drawn if d], [d[2] for d in drawn if d], color=COLOURS[arm], alpha=0.13)
        times = [first_streak(rows, streak(chapters)) for seeds in shared(runs, arm) for (rows,) in seeds]
        share = [sum(time is not None and time <= at for time in times) / len(times) for at in range(1, chapters + 1)]
        reaching.step(range(1, chapters + 1), share, where="post", linestyle=line, color=COLOURS[arm])
    learning.set(
        xlabel="chapter", ylabel="edit effort (0: taken as it is, 1: all anew)", ylim=(0, None), title="Effort, readers of the families"
    )
    reaching.set(
        xlabel="chapter", ylim=(-0.03, 1.03), ylabel="share of runs",
        title=f"{SHARE:.0%} of the last {streak(chapters)} drafts taken",
    )  # fmt: skip
    arms = [arm for arm, row in found["arms"].items() if row]
    values = [found["arms"][arm]["harm"] for arm in arms]
    spread = [[abs(v[end] - v[0]) if v[end] is not None else 0 for v in values] for end in (1, 2)]
    harm.barh(range(len(arms)), [v[0] for v in values], xerr=spread, color=[COLOURS.get(arm, "#d9a883") for arm in arms], ecolor="0.4")
    harm.axvline(HARM, color="#b03030", linewidth=1, label=f"aim: at most {HARM:.0%}")
    harm.set(yticks=range(len(arms)), yticklabels=arms, xlabel="share of chapters", title="Harm")
    for place, value in enumerate(values):
        harm.annotate(f"  {value[0]:.1%}", (value[0] + spread[1][place], place), va="center", fontsize=8)
    harm.set_xlim(0, max(0.03, 1.12 * harm.get_xlim()[1]))
    harm.xaxis.set_major_formatter(PercentFormatter(1, decimals=1))
    harm.invert_yaxis()
    harm.legend(fontsize=7)
    for axes in (learning, reaching, harm):
        axes.grid(alpha=0.3)
    figure.legend(*learning.get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=8, frameon=False)
    figure.savefig(path, dpi=100)


def shown(value: Interval | None, form: str = "{:.0%}") -> str:
    if value is None:
        return "-"
    middle, *ends = (form.format(number) for number in value if number is not None)
    return f"{middle} ({' to '.join(ends)})" if ends else middle


def verdicts(found: Mapping[str, Any]) -> list[str]:
    """The three primary endpoints, and what they come to."""
    main, decides = found["primary"], not found["missing"] and found["plan"] not in ("quick", "parts")
    effort, harm = main["effort saved"], main["harm rate"]
    holds = {
        "effort": effort is not None and effort[0] >= AIM and (effort[1] or 0) > 0,
        "harm": harm is not None and harm[0] <= HARM,
        "control": main["near-default cells"] > 0 and not main["worse versions, near-default"],
    }

    def said(key: str) -> str:
        return ("holds" if holds[key] else "does not hold") if decides else "not decided by this run"

    return [
        "| primary endpoint | aim | found | |", "|---|---|---|---|",
        f"| effort saved against k-shot | {AIM:.0%}, interval above 0 | {shown(effort)} | {said('effort')} |",
        f"| harm rate of the loop | at most {HARM:.0%} | {shown(harm, '{:.1%}')} | {said('harm')} |",
        f"| near-default readers: promotions of a worse version | 0 | {main['worse versions, near-default']} "
        f"of {main['promotions, near-default']} promotions, {main['near-default cells']} runs | {said('control')} |",
    ]  # fmt: skip


def table(found: Mapping[str, Any], titles: Mapping[str, str]) -> list[str]:
    names = (
        "arm",
        "readers",
        "cost",
        "saved against k-shot",
        "still needed",
        "taken",
        "60 % taken by",
        "harm",
        "wins",
        "tokens",
        "seconds",
    )
    lines = ["| " + " | ".join(names) + " |", "|---" * len(names) + "|"]
    for arm, row in found["arms"].items():
        if row:
            time, wins = row["chapters to 60 % taken"], row["wins on kept chapters"]
            cells = [
                titles[arm], str(row["readers"]), shown(row["cost"], "{:.3f}"), shown(row["saved"]), f"{row['still needed']:.3f}",
                f"{row['taken']:.0%}", "not by half of the runs" if time is None else str(time), shown(row["harm"], "{:.1%}"),
                "-" if wins is None else f"{wins:.0%}", f"{row['tokens a chapter']:.0f}", f"{row['seconds']:.0f}",
            ]  # fmt: skip
            lines.append("| " + " | ".join(cells) + " |")
    return lines


def by_part(found: Mapping[str, Any], titles: Mapping[str, str]) -> list[str]:
    """Every arm beside the loop."""
    lines = ["| arm | late cost, more than the loop's | |", "|---|---:|---|"]
    for arm, row in found["arms"].items():
        if row and arm != LOOP and (more := row["more than the loop"]):
            middle, low, high = more
            tells = low is not None and high is not None and (low > 0 or high < 0)
            lines.append(
                f"| {titles[arm]} | {shown(more, '{:+.3f}')} | {('dearer' if middle > 0 else 'cheaper') if tells else 'undecided'} |"
            )
    return lines


def by_family(found: Mapping[str, Any]) -> list[str]:
    arms = [arm for arm in found["arms"] if arm != RIVAL]
    lines = ["| saved against k-shot, late | " + " | ".join(arms) + " |", "|---" * (len(arms) + 1) + "|"]
    for family, row in found["families"].items():
        if any(row.values()):
            lines.append(f"| {family} | " + " | ".join(f"{row[arm][0]:.0%}" if row.get(arm) else "-" for arm in arms) + " |")
    return lines


def trainings(found: Mapping[str, Any]) -> list[str]:
    """Every training of a short run, in words; of a long one there are too many."""
    lines = []
    for arm, cells in found["curves"].items():
        for reader, seeds in cells.items():
            for curve in seeds.values():
                for item in curve["updates"]:
                    if "reason" in item or item["after"] != item["before"]:
                        kept = f"{fmean(item['kept before']['distance']):.3f} -> {fmean(item['kept after']['distance']):.3f}"
                        said = f": {item['reason']}" if "reason" in item else ""
                        lines.append(
                            f"- {arm}, {reader}, before chapter {item['at'] + 1} ({item['seconds']:.0f} s): kept chapters {kept}{said}"
                        )
    return lines


def chapter_by_chapter(found: Mapping[str, Any], late: range) -> list[str]:
    """The costs themselves, where they are few enough to be read, and how much hangs on one of them."""
    rows = [
        (reader, arm, curve["cost"])
        for arm, cells in found["curves"].items() for reader, seeds in cells.items() for curve in seeds.values()
    ]  # fmt: skip
    lines = ["| cost, chapter | " + " | ".join(str(at + 1) for at in range(late.stop)) + " |", "|---" * (late.stop + 1) + "|"]
    lines += [f"| {reader}, {arm} | " + " | ".join(f"{cost:.3f}" for cost in costs) + " |" for reader, arm, costs in sorted(rows)]
    rival = [costs[at] for reader, arm, costs in rows if arm == RIVAL and not reader.startswith(CONTROL) for at in late]
    if sum(rival):
        lines += ["", f"{max(rival) / sum(rival):.0%} of k-shot's cost in chapters {late[0] + 1} to {late.stop} comes from one chapter."]
    return [*lines, ""]


def page(found: Mapping[str, Any], titles: Mapping[str, str], plan: Mapping[str, Any]) -> str:
    quick, short, parts = (found["plan"] == name for name in ("quick", "short", "parts"))
    chapters = int(plan["chapters"])
    late = window(chapters)
    command = "python benchmarks/readers.py" + ("" if found["plan"] == "full" else f" --{found['plan']}") + " --write"
    lines = [
        "# What is each part of the loop worth?" if parts else "# Does the whole loop save effort?", "",
        f"Written by `{command}`; readers, arms, endpoints and statistics were fixed before the first run in "
        "`decisions/0017-how-the-loop-is-proved.md`. 90 % intervals: paired bootstrap over readers and their seeds.", "",
    ]  # fmt: skip
    if quick:
        lines += [
            f"**This is the quick run, and it proves nothing.** {len(plan['readers'])} simulated readers ({', '.join(plan['readers'])}), "
            f"{len(plan['seeds'])} seed, {chapters} chapters, trainings of `--effort {plan['effort']}`. It shows that the whole works from "
            f"end to end. The endpoints count chapters {FROM + 1} to 40; here {late[0] + 1} to {chapters} stand in, where a taste head "
            "has too few lists to be trusted (10 are needed), and preferences and edits are too few for most trainings. One reader of the "
            "families is an anecdote: whatever the tables say for or against an arm, the next reader may turn it around. **No full run has "
            "been made yet**: `python benchmarks/readers.py --write`, days of two CPU cores (arms and readers can be shared out, and it "
            "goes on where it stopped).", "",
        ]  # fmt: skip
    if short:
        lines += [
            f"**This is the short run** of `decisions/0020-a-shorter-proof.md`: {len(plan['readers'])} of the 28 simulated readers, "
            f"one of three seeds, {len(plan['arms'])} arms, trainings of `--effort {plan['effort']}`; chapters, candidates and endpoints "
            "are those of the full run, which has not been made yet (`python benchmarks/readers.py --write`, days of two CPU cores).", "",
        ]  # fmt: skip
    if parts:
        lines += [
            f"**One reader of each of {len(plan['readers'])} families, one seed, all arms**, trainings of `--effort {plan['effort']}` "
            "(`decisions/0020-a-shorter-proof.md`); whether the loop pays is asked by `results.md`. Intervals over so few are wide: "
            "an arm tells something only where its interval leaves out 0.", "",
        ]  # fmt: skip
    if found["missing"]:
        some = ", ".join(found["missing"][:6]) + (", ..." if len(found["missing"]) > 6 else "")
        lines += [f"**{len(found['missing'])} of the planned runs are not there** ({some}): what follows decides nothing.", ""]
    lines += [*(by_part(found, titles) if parts else verdicts(found)), "", f"![Effort, acceptance, harm]({_files(found['plan'])[1]})", ""]
    lines += [*table(found, titles), ""]
    lines += [
        f"Cost, saved, still needed, taken: chapters {late[0] + 1} to {chapters}. Cost is the share of words changed, or written "
        "anew after a rejection; the floor's is what readers add of their own. Still needed is the distance to the wanted note. Wins: "
        "greedy drafts of "
        "the kept chapters against k-shot's, by what the reader truly thinks. Readers of the families only. Tokens are those of a "
        "chapter's different candidates, seconds a whole run's.", "",
        *by_family(found), "",
    ]  # fmt: skip
    if quick:
        lines += chapter_by_chapter(found, late)
    if quick or short:
        lines += [
            "Every training, with the mean distance on the kept chapters before and after:",
            "",
            *trainings(found),
            "",
        ]
    about = found["about"]
    lines += [
        f"Base: the seedling ({about['base']}). Texts: {about['texts']}. {plan['candidates']} candidates of at most {plan['tokens']} "
        f"tokens, {plan['shown']} shown, in every arm. Simulated readers are no people: costs tell arms apart, not minutes.",
    ]  # fmt: skip
    runs = [run for cells in found["curves"].values() for seeds in cells.values() for run in seeds.values()]
    commits = sorted({name for run in runs for name in run["code"]})
    lines += ["", f"Code: {', '.join(commits)}."]
    return "\n".join(lines) + "\n"


def _files(plan: str) -> tuple[str, str]:
    """The page and the picture in docs/."""
    return ("results-parts.md", "readers-parts.png") if plan == "parts" else ("results.md", "readers.png")


def publish(
    runs: Mapping[str, Runs], titles: Mapping[str, str], *, plan: Mapping[str, Any], about: Mapping[str, Any], into: Path | None
) -> str:
    """The tables as text; with `into` that JSON, the plot and the plan's page too."""
    if not runs:
        return "No run is whole yet."
    found = figures(runs, plan, about)
    if into:
        into.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        text, picture = _files(found["plan"])
        plot(runs, found, titles, int(plan["chapters"]), DOCS / picture)
        (DOCS / text).write_text(page(found, titles, plan), encoding="utf-8")
    return "\n".join([*verdicts(found), "", *table(found, titles), "", *by_family(found)])
