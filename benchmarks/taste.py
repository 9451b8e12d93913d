"""How fast a taste is learnt, against simulated readers with hidden preferences.

    python benchmarks/taste.py [--quick] [--part light|neural]

The protocol is fixed in docs/decisions/0008-how-taste-is-measured.md. Writes results/taste.json, docs/taste-learning.png and
docs/taste-best-of-n.png, and prints the tables of docs/taste-figures.md.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy

from notewright import importers, sample
from notewright.evaluation.readers import SEEN, Item, Judge, Reader, candidates, draw_reader, home_style, near
from notewright.library import Library
from notewright.library.examples import chapters, visible_highlights
from notewright.prompts import build_messages
from notewright.records import Prompt
from notewright.reward import Head, Scale, fit_scale, measure, ranking
from notewright.seedling.styles import write

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs"
EVENTS = (0, 5, 10, 20, 40, 80)
SIZES = (1, 2, 4, 8, 16, 32, 64)
PRIMARY = (("format", 0), ("voice", 0), ("content", 0), ("context", 0), ("mixed", 0), ("mixed", 50))
FRESH = 0.3  # share of the sources that fresh lists come from

Rows = list[tuple[float, ...]]


def read_prompts() -> tuple[list[Prompt], list[Prompt]]:
    """Prompts of one chapter each, those to choose on and those to measure on, by source."""
    with tempfile.TemporaryDirectory() as folder:
        data = sample.copy_sample(Path(folder) / "sample")
        with Library.create(Path(folder) / "home") as library:
            importers.import_readwise(library, path=data / "readwise.csv")
            importers.import_readwise(library, path=data / "readwise-api.json")
            sources = sorted(library.sources.all(), key=lambda source: source.title)
            random.Random("sources").shuffle(sources)
            found: tuple[list[Prompt], list[Prompt]] = ([], [])
            for number, source in enumerate(sources):
                side = found[number < FRESH * len(sources)]
                for chapter in chapters(library, source.id):
                    shown = tuple(visible_highlights(library, source.id, chapter=chapter))
                    if len(shown) >= 3:
                        side.append(Prompt(source, shown, chapter=chapter))
    return found


def some(prompts: Sequence[Prompt], rng: random.Random) -> Prompt:
    """A prompt with 3 to 5 of a chapter's highlights."""
    prompt = rng.choice(prompts)
    count = min(len(prompt.highlights), rng.randint(3, 5))
    kept = sorted(rng.sample(range(len(prompt.highlights)), count))
    return Prompt(prompt.source, tuple(prompt.highlights[place] for place in kept), chapter=prompt.chapter)


@dataclass
class World:
    """One reader with their notes, the lists they ranked (items best first, as they chose), and fresh lists."""

    reader: Reader
    judge: Judge
    home: Any
    scale: Scale
    lists: list[list[Item]]
    fresh: list[list[Item]]
    at: int = 0
    _rows: dict[tuple[str, str], tuple[float, ...]] = field(default_factory=dict)

    def rows(self, items: Sequence[Item]) -> Rows:
        found = []
        for item in items:
            key = (item.text, "\n".join(highlight.id for highlight in item.prompt.highlights))
            if key not in self._rows:
                self._rows[key] = measure(item.text, item.prompt.highlights, kind=item.prompt.source.kind)
            found.append(self._rows[key])
        return found

    def accuracy(self, scores: Sequence[Sequence[float]]) -> float:
        """Share of the fresh pairs that the scores order as the reader's true utility does."""
        right = total = 0.0
        for items, values in zip(self.fresh, scores, strict=True):
            true = [self.judge.utility(item, at=self.at) for item in items]
            for a in range(len(items)):
                for b in range(a):
                    if abs(true[a] - true[b]) > 1e-9:
                        gap = (values[a] - values[b]) * (true[a] - true[b])
                        right += 1.0 if gap > 0 else 0.5 if gap == 0 else 0.0
                        total += 1
        return right / total if total else 0.5


def build(reader: Reader, seed: int, prompts: tuple[list[Prompt], list[Prompt]], *, lists: int, fresh: int) -> World:
    rng = random.Random(f"world|{reader.name}|{seed}")
    home = home_style(reader, [some(prompts[0], rng) for _ in range(4)], rng)
    notes = [some(prompts[0], rng) for _ in range(20)]
    scale = fit_scale([measure(write(near(home, rng, 0.03), prompt), prompt.highlights) for prompt in notes])
    pool = [item for _ in range(60) for item in candidates(some(prompts[0], rng), home, rng, count=4)]
    judge = Judge(reader, pool)
    ranked = []
    for number in range(lists):
        items = candidates(some(prompts[0], rng), home, rng, count=4)
        ranked.append([items[place] for place in judge.rank(items, rng, at=number)])
    later = [candidates(some(prompts[1], rng), home, rng, count=4) for _ in range(fresh)]
    return World(reader, judge, home, scale, ranked, later)


def taste_head(world: World, lists: Sequence[Sequence[Item]]) -> Head:
    head = Head(world.scale)
    for number, items in enumerate(lists):
        head.add(str(number), ranking(world.scale, [[row] for row in world.rows(items)]))
    return head.fit()


def bradley_terry(world: World, lists: Sequence[Sequence[Item]]) -> Any:
    """Weights of a plain Bradley-Terry model on all pairs of the rankings: standardised features, ridge 1, no prior."""
    gaps = [
        z[a] - z[b]
        for z in (world.scale.standardise(world.rows(items)) for items in lists)
        for a in range(len(z))
        for b in range(a + 1, len(z))
    ]
    x = numpy.array(gaps) if gaps else numpy.zeros((0, len(world.scale.centre)))
    weights = numpy.zeros(x.shape[1])
    for _ in range(30):
        chance = 1 / (1 + numpy.exp(numpy.clip(x @ weights, -50, 50)))
        hessian = (x * (chance * (1 - chance))[:, None]).T @ x + numpy.eye(len(weights))
        weights = weights + numpy.linalg.solve(hessian, x.T @ chance - weights)
    return weights


def learn(world: World, events: Sequence[int]) -> dict[str, dict[int, float]]:
    """Accuracy by method and number of rankings."""
    found: dict[str, dict[int, float]] = {"taste head": {}, "Bradley-Terry": {}}
    for count in events:
        world.at = count
        head = taste_head(world, world.lists[:count])
        found["taste head"][count] = world.accuracy([head.score(world.rows(items))[0] for items in world.fresh])
        weights = bradley_terry(world, world.lists[:count])
        found["Bradley-Terry"][count] = world.accuracy([world.scale.standardise(world.rows(items)) @ weights for items in world.fresh])
    return found


def ceiling(world: World, prompts: Sequence[Prompt]) -> float:
    """A taste head taught with 300 noiseless rankings."""
    rng = random.Random(f"ceiling|{world.reader.name}")
    lists = [candidates(some(prompts, rng), world.home, rng, count=4) for _ in range(300)]
    true = [sorted(items, key=lambda item: -world.judge.utility(item)) for items in lists]
    head = taste_head(world, true)
    world.at = 0
    return world.accuracy([head.score(world.rows(items))[0] for items in world.fresh])


def hidden_share(world: World) -> float:
    """Variance of the part of the utility that the features cannot see, within fresh lists, as a share of both parts'."""
    seen = [world.judge.utility(item, measures=tuple(SEEN)) for items in world.fresh for item in items]
    both = [world.judge.utility(item) for items in world.fresh for item in items]
    unseen = statistics.pvariance([b - a for a, b in zip(seen, both, strict=True)])
    return unseen / max(1e-9, unseen + statistics.pvariance(seen))


def best_of(world: World, prompts: Sequence[Prompt], *, fresh: int) -> dict[str, list[float]]:
    """Mean true utility (in deviations of the pool) of the best of n by each proxy learnt from 20 rankings."""
    rng = random.Random(f"best|{world.reader.name}")
    head = taste_head(world, world.lists[:20])
    weights = bradley_terry(world, world.lists[:20])
    curves: dict[str, list[list[float]]] = {name: [] for name in ("truth", "posterior mean", "mean minus deviation", "Bradley-Terry")}
    proxies: list[list[float]] = []
    for _ in range(fresh):
        items = candidates(some(prompts, rng), world.home, rng, count=SIZES[-1])
        rows = world.rows(items)
        true = numpy.array([world.judge.utility(item) for item in items])
        true = (true - true.mean()) / max(1e-9, true.std())
        mean, deviation = head.score(rows)
        scores = {
            "truth": true, "posterior mean": mean, "mean minus deviation": mean - deviation,
            "Bradley-Terry": world.scale.standardise(rows) @ weights,
        }  # fmt: skip
        order = numpy.array([rng.sample(range(len(items)), len(items)) for _ in range(20)])
        for name, values in scores.items():
            curves[name].append([float(numpy.mean([true[row[:n][values[row[:n]].argmax()]] for row in order])) for n in SIZES])
        scaled = (mean - mean.mean()) / max(1e-9, mean.std())
        proxies.append([float(numpy.mean([scaled[row[:n]].max() for row in order])) for n in SIZES])
    curves["proxy itself"] = proxies
    return {name: [float(value) for value in numpy.mean(rows, axis=0)] for name, rows in curves.items()}


def neural(world: World, counts: Sequence[int], *, trained: Sequence[int], folder: Path) -> dict[str, dict[int, float]]:
    """Linear heads on the seedling's frozen states at every count, and the trained ensemble at some; each also with the taste head."""
    import torch

    from notewright.models.bases import fetch_base
    from notewright.reward import neural as shelf
    from notewright.reward.neural import NeuralReward
    from notewright.training import recipes, reward, runs
    from notewright.training.linear import fit_heads
    from notewright.training.worker import Reporter

    torch.set_num_threads(1)
    base = fetch_base("seedling")
    model, tokenizer = shelf.load_scorer(base.folder, device="cpu")
    model.eval()

    def text(item: Item) -> tuple[list[dict[str, str]], str]:
        return build_messages(item.prompt), item.text

    fresh_states = shelf.embeddings(model, tokenizer, [shelf.encode(tokenizer, text(item)) for items in world.fresh for item in items])
    list_states = shelf.embeddings(model, tokenizer, [shelf.encode(tokenizer, text(item)) for items in world.lists for item in items])
    found: dict[str, dict[int, float]] = {name: {} for name in ("frozen heads", "frozen heads + taste", "ensemble", "all three")}

    def judged(values: Any) -> list[list[float]]:
        return numpy.asarray(values).reshape(len(world.fresh), -1).tolist()

    def standard(values: Any) -> Any:
        flat = numpy.asarray(values, dtype=float).ravel()
        return (flat - flat.mean()) / max(1e-9, flat.std())

    for count in counts:
        world.at = count
        head = taste_head(world, world.lists[:count])
        taste = standard([head.score(world.rows(items))[0] for items in world.fresh])
        pairs = [(4 * at + a, 4 * at + b, at) for at in range(count) for a in range(4) for b in range(a + 1, 4)]
        differences = torch.stack([list_states[a] - list_states[b] for a, b, _ in pairs])
        heads = fit_heads(differences, list_states[: 4 * count], [at % 3 for _, _, at in pairs], 3, weights=[1] * len(pairs))
        raw = shelf.linear(heads.tensors, fresh_states)
        raw = (raw - raw.mean(1, keepdim=True)) / raw.std(1, keepdim=True)
        frozen = standard((raw.mean(0) - raw.std(0, unbiased=False)).numpy())
        found["frozen heads"][count] = world.accuracy(judged(frozen))
        found["frozen heads + taste"][count] = world.accuracy(judged(frozen + taste))
        if count not in trained:
            continue
        place = folder / f"{world.reader.name}-{count}"
        place.mkdir()
        rows = [
            {
                "prompt": build_messages(items[0].prompt), "chosen": [{"role": "assistant", "content": items[a].text}],
                "rejected": [{"role": "assistant", "content": items[b].text}], "event_id": at + 1, "kind": "ranking",
            }
            for at, items in enumerate(world.lists[:count]) for a in range(4) for b in range(a + 1, 4)
        ]  # fmt: skip
        (place / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        resolved = recipes.resolve("reward", parameters=5_000_000, rows=count, overrides={"members": 2})
        job = runs.Job(
            method="reward", recipe=resolved.values(), origins={}, base="seedling", base_folder=str(base.folder), revision=base.revision,
            start_adapter="", parent_id="", dataset_id="", dataset_folder=str(place), dataset_hash="", device="cpu",
        )  # fmt: skip
        reward.run(job, place, Reporter(place))
        scorer = NeuralReward(place / "adapter", base=base.folder, device="cpu")
        scores = scorer.score([text(item) for items in world.fresh for item in items], part="ensemble")
        ensemble = standard([score.value for score in scores])
        found["ensemble"][count] = world.accuracy(judged(ensemble))
        found["all three"][count] = world.accuracy(judged(ensemble + frozen + taste))
    return found


def interval(values: Sequence[float]) -> tuple[float, float]:
    """90 %, by bootstrap over readers."""
    rng = random.Random("interval")
    means = sorted(statistics.fmean(rng.choices(values, k=len(values))) for _ in range(2000))
    return means[100], means[1899]


def run(*, seeds: Sequence[int], quick: bool) -> dict[str, Any]:
    began = time.monotonic()
    prompts = read_prompts()
    sizes = {"lists": 80, "fresh": 20 if quick else 40}
    families = PRIMARY[::2] if quick else PRIMARY
    readers = [(draw_reader(family, seed + shift), seed) for family, shift in families for seed in seeds]
    worlds = [build(reader, seed, prompts, **sizes) for reader, seed in readers]
    curves = [learn(world, EVENTS) for world in worlds]
    result: dict[str, Any] = {"readers": [reader.name for reader, _ in readers], "learning": {}, "apart": {}}
    for name in curves[0]:
        rows = {}
        for count in EVENTS:
            values = [curve[name][count] for curve in curves]
            rows[count] = {"mean": statistics.fmean(values), "interval": interval(values), "each": values}
        result["learning"][name] = rows
    result["ceiling"] = statistics.fmean(ceiling(world, prompts[0]) for world in worlds)
    result["hidden_share"] = statistics.fmean(hidden_share(world) for world in worlds)
    print(f"learning done after {time.monotonic() - began:.0f} s", flush=True)
    apart = {
        "mixed, 25 % flips": [draw_reader("mixed", seed, flips=0.25) for seed in seeds],
        "drifting": [draw_reader("drifting", seed) for seed in seeds],
        "all, hidden wants as loud as they come": [replace(reader, hidden=None) for reader, _ in readers],
    }
    for name, others_readers in apart.items():
        others = [build(reader, at, prompts, **sizes) for at, reader in enumerate(others_readers)]
        learnt = [learn(world, EVENTS) for world in others]
        result["apart"][name] = {
            method: {count: statistics.fmean(curve[method][count] for curve in learnt) for count in EVENTS} for method in learnt[0]
        }
    mixed = [world for world in worlds if world.reader.family == "mixed"][: 2 if quick else 6]
    noisy = [build(draw_reader("mixed", seed, flips=0.25), seed, prompts, **sizes) for seed in seeds][: 1 if quick else 3]
    for name, some_worlds in (("best_of", mixed), ("best_of_flipped", noisy)):
        found = [best_of(world, prompts[1], fresh=8 if quick else 20) for world in some_worlds]
        result[name] = {method: [statistics.fmean(row[method][at] for row in found) for at in range(len(SIZES))] for method in found[0]}
    result["indifferent"] = indifferent(prompts, seeds, sizes)
    print(f"best of n done after {time.monotonic() - began:.0f} s", flush=True)
    result["seconds"] = round(time.monotonic() - began)
    return result


def run_neural(*, seeds: Sequence[int], quick: bool, trained: Sequence[int]) -> dict[str, Any]:
    """Frozen heads, and the ensemble at the `trained` counts, beside the taste head, for the first mixed readers of the same worlds."""
    began = time.monotonic()
    prompts = read_prompts()
    worlds = [build(draw_reader("mixed", seed), seed, prompts, lists=80, fresh=20 if quick else 40) for seed in seeds]
    with tempfile.TemporaryDirectory() as folder:
        found = [neural(world, EVENTS[1:], trained=trained, folder=Path(folder)) for world in worlds]
    table = {method: {count: statistics.fmean(row[method][count] for row in found) for count in found[0][method]} for method in found[0]}
    curves = [learn(world, EVENTS[1:])["taste head"] for world in worlds]
    table["taste head, same readers"] = {count: statistics.fmean(curve[count] for curve in curves) for count in EVENTS[1:]}
    seconds = round(time.monotonic() - began)
    return {"neural": table, "neural_readers": [world.reader.name for world in worlds], "neural_seconds": seconds}


def indifferent(prompts: tuple[list[Prompt], list[Prompt]], seeds: Sequence[int], sizes: dict[str, int]) -> dict[str, Any]:
    """How often leave-one-list-out trust lets a head order what is shown, for readers who want nothing and for readers who do."""
    from notewright.reward.trust import judge
    from notewright.reward.unseen import unseen_gaps

    rows: dict[str, dict[int, list[bool]]] = {"indifferent": {}, "mixed": {}}
    for family, found in rows.items():
        for seed in range(4 * len(seeds)):
            world = build(draw_reader(family, seeds[0] + seed), seed, prompts, lists=40, fresh=1)
            for count in (10, 20, 40):
                measured = {str(at): world.rows(items) for at, items in enumerate(world.lists[:count])}
                evidence = {key: [ranking(world.scale, [[row] for row in four])] for key, four in measured.items()}
                pairs = {key: [(four[a], four[b]) for a in range(4) for b in range(a + 1, 4)] for key, four in measured.items()}
                level = judge("taste", unseen_gaps(world.scale, evidence, pairs)).level
                found.setdefault(count, []).append(level != "nothing")
    return {family: {count: statistics.fmean(values) for count, values in found.items()} for family, found in rows.items()}


def plots(result: dict[str, Any], folder: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2))
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for (name, rows), colour in zip(result["learning"].items(), ("#d1783c", "#9aa3ad"), strict=True):
        axes.plot(EVENTS, [rows[count]["mean"] for count in EVENTS], "o-", color=colour, label=f"{name} ({len(result['readers'])} readers)")
        low, high = zip(*(rows[count]["interval"] for count in EVENTS), strict=True)
        axes.fill_between(EVENTS, low, high, color=colour, alpha=0.15)
    for name, style in (("frozen heads", "s--"), ("frozen heads + taste", "^--"), ("ensemble", "D:"), ("all three", "v:")):
        if rows := result.get("neural", {}).get(name):
            axes.plot(list(rows), list(rows.values()), style, markersize=4, label=f"{name} ({len(result['neural_readers'])} readers)")
    axes.axhline(result["ceiling"], color="0.5", linewidth=1, linestyle="--", label="ceiling of the features")
    axes.axhline(0.8, color="#5b8c3e", linewidth=1, label="aim at 20")
    axes.set(xlabel="full rankings of 4", ylabel="fresh pairs ordered rightly", title="Learning a simulated reader's taste")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower right")
    figure.tight_layout()
    figure.savefig(folder / "taste-learning.png", dpi=110)

    figure = Figure(figsize=(9, 4))
    FigureCanvasAgg(figure)
    for axes, (key, title) in zip(
        figure.subplots(1, 2, sharey=True), (("best_of", "self-consistency 0.81"), ("best_of_flipped", "25 % flips")), strict=True
    ):
        for name, colour in (
            ("truth", "#5b8c3e"), ("proxy itself", "#b0b7bf"), ("posterior mean", "#d1783c"), ("mean minus deviation", "#2f6f8f"),
            ("Bradley-Terry", "#8a5a83"),
        ):  # fmt: skip
            axes.plot(SIZES, result[key][name], "o:" if name == "proxy itself" else "o-", color=colour, label=name, markersize=4)
        axes.set_xscale("log", base=2)
        axes.set(xlabel="best of n", title=title, xticks=SIZES, xticklabels=[str(n) for n in SIZES])
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    figure.axes[0].set_ylabel("true utility (deviations of the pool)")
    figure.tight_layout()
    figure.savefig(folder / "taste-best-of-n.png", dpi=110)


def tables(result: dict[str, Any]) -> str:
    neural_rows = [
        f"| {name} | {len(result['neural_readers'])} | " + " | ".join(f"{rows[n]:.3f}" if n in rows else "" for n in EVENTS) + " |"
        for name, rows in result.get("neural", {}).items()
    ]
    if "learning" not in result:
        return "\n".join(neural_rows)
    lines = ["| method | readers | " + " | ".join(str(count) for count in EVENTS) + " |", "|---" * (len(EVENTS) + 2) + "|"]
    for name, rows in result["learning"].items():
        cells = [f"{rows[n]['mean']:.3f} ({rows[n]['interval'][0]:.2f}-{rows[n]['interval'][1]:.2f})" for n in EVENTS]
        lines.append(f"| {name} | {len(result['readers'])} | " + " | ".join(cells) + " |")
    for cell, methods in result["apart"].items():
        lines += [f"| {name}: {cell} | | " + " | ".join(f"{rows[n]:.3f}" for n in EVENTS) + " |" for name, rows in methods.items()]
    lines += neural_rows
    lines += ["", f"Ceiling of the features: {result['ceiling']:.3f}. Hidden share of the variance: {result['hidden_share']:.2f}.", ""]
    for key, title in (("best_of", "self-consistency 0.81"), ("best_of_flipped", "25 % flips")):
        lines += [f"| best of n by ({title}) | " + " | ".join(map(str, SIZES)) + " |", "|---" * (len(SIZES) + 1) + "|"]
        lines += [f"| {name} | " + " | ".join(f"{value:.2f}" for value in values) + " |" for name, values in result[key].items()] + [""]
    lines += ["| trust lets the taste head order, after | 10 | 20 | 40 |", "|---|---|---|---|"]
    lines += [
        f"| {family} readers | " + " | ".join(f"{rows[n]:.2f}" for n in (10, 20, 40)) + " |"
        for family, rows in result["indifferent"].items()
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer readers and lists, minutes; writes no figures")
    parser.add_argument("--part", choices=("light", "neural", "both"), default="both", help="neural: adds to the kept results of light")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="reader seeds (development: 100 and up)")
    parser.add_argument("--neural-readers", type=int, default=2, help="mixed readers of the neural part; some 10 minutes each and count")
    parser.add_argument("--trained", type=int, nargs="*", default=[20, 80], help="counts of rankings that the ensemble is trained on")
    options = parser.parse_args()
    seeds = options.seeds[:1] if options.quick else options.seeds
    final = options.seeds == [0, 1, 2] and not options.quick
    kept = HERE / "results" / "taste.json"
    result: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8")) if final and kept.exists() else {}
    if options.part != "neural":
        result |= run(seeds=seeds, quick=options.quick)
    if options.part != "light":
        result |= run_neural(seeds=seeds[: options.neural_readers], quick=options.quick, trained=options.trained)
    result = json.loads(json.dumps(result), object_hook=_numbered)
    if final:
        kept.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        plots(result, DOCS)
    print(tables(result))


def _numbered(table: dict[str, Any]) -> dict[Any, Any]:
    """JSON made the counts text."""
    return {int(key) if key.isdigit() else key: value for key, value in table.items()}


if __name__ == "__main__":
    main()
