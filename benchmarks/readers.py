"""Does the whole loop save a reader effort? Simulated readers work with each arm, chapter after chapter, through the product's own verbs.

    python benchmarks/readers.py --quick [--write]       minutes on two CPU cores; shows that it works, decides nothing
    python benchmarks/readers.py --short [--write]       hours; half of the readers, one seed, the loop and k-shot, quick trainings
    python benchmarks/readers.py --parts [--write]       more hours; six readers, one seed, every arm, quick trainings
    python benchmarks/readers.py [--arm full k-shot ...] [--reader mixed-0 ...] [--seed 0 1 2] [--write]    days; CUDA where there is one
    python benchmarks/readers.py --table [--quick|--short|--parts] [--write]     only the figures of what is there
    python benchmarks/readers.py --go-on [--short|--parts] ... [--write]         what the plan's file in results/ holds is not run again

Readers, arms, sizes and endpoints were fixed before the first run: docs/decisions/0017-how-the-loop-is-proved.md, for the short run and the
parts 0020. Every finished chapter of (reader, arm, seed) is kept in `--out` with the home as it then was; what is there is skipped, so that
a stopped run goes on at the next chapter, and several processes may share the readers or arms. `--write` writes results/readers.json (or
readers-quick.json, readers-short.json, readers-parts.json), docs/readers.png and docs/results.md (of the parts docs/readers-parts.png and
docs/results-parts.md); with `--go-on` whole runs from that file count too, so that a long run can be shared out among machines and days.
Every run says which commit made it.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any
from unittest import mock

from notewright.settings import silence_telemetry

silence_telemetry()

from reader_figures import publish, rows_of  # noqa: E402
from reader_persona import FAMILIES, NEAR_DEFAULT, Task, World  # noqa: E402

from notewright import datasets, drafting, feedback, pairing, reward, training  # noqa: E402
from notewright.drafting import Engines  # noqa: E402
from notewright.errors import Invalid, NotFound, RunFailed  # noqa: E402
from notewright.evaluation.readers import Item  # noqa: E402
from notewright.importers.vault import import_vault  # noqa: E402
from notewright.library import Library  # noqa: E402
from notewright.loop import improve  # noqa: E402
from notewright.models import registry  # noqa: E402
from notewright.models.remote import Written  # noqa: E402
from notewright.records import Draft  # noqa: E402
from notewright.settings import Settings  # noqa: E402
from notewright.text import edit_distance  # noqa: E402

RESULTS = Path(__file__).resolve().parent / "results"
WORSE = 0.02  # mean distance on the kept chapters by which a promoted version is called worse
NONSENSE = ("blob", "grub", "zog", "mimsy", "brillig", "tove", "wabe", "gimble", "rath", "outgrabe")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to help a reader. `examples`: retrieved passages in the prompt (None: the product decides). What is false is not learnt from:
    `rules` (remarks), `rankings`, `edits`; `taste`: the head may order the candidates. `methods` are trained one upon the other, or with
    `loop` are what `improve` may use. `writes` replaces the model: wanted or nonsense."""

    title: str
    examples: int | None = 0
    rules: bool = False
    taste: bool = False
    rankings: bool = True
    edits: bool = True
    methods: tuple[str, ...] = ()
    loop: bool = False
    writes: str = "model"


_LOOP = Arm("the full loop", examples=None, rules=True, taste=True, methods=("ditto", "edits", "dpo"), loop=True)
ARMS: dict[str, Arm] = {
    "base": Arm("base"),
    "k-shot": Arm("k-shot: retrieved examples and rules", examples=None, rules=True),
    "sft": Arm("SFT", methods=("sft",)),
    "sft+retrieval": Arm("SFT and retrieved examples", examples=2, rules=True, methods=("sft",)),
    "ditto": Arm("SFT, DITTO", methods=("sft", "ditto")),
    "dpo": Arm("SFT, offline DPO", methods=("sft", "dpo")),
    "taste": Arm("k-shot, taste-only best of 8", examples=None, rules=True, taste=True),
    "full": _LOOP,
    "full-rankings": replace(_LOOP, title="the loop without rankings", rankings=False),
    "full-edits": replace(_LOOP, title="the loop without edits", edits=False),
    "full-remarks": replace(_LOOP, title="the loop without remarks", rules=False),
    "full-retrieval": replace(_LOOP, title="the loop without retrieval", examples=0),
    "full-taste": replace(_LOOP, title="the loop without taste", taste=False),
    "full-ditto": replace(_LOOP, title="the loop without DITTO", methods=("edits", "dpo")),
    "full-dpo": replace(_LOOP, title="the loop without DPO", methods=("ditto", "edits")),
    "floor": Arm("floor: writes what is wanted", writes="wanted"),
    "nonsense": Arm("nonsense", writes="nonsense"),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes of a run. `first`: finished chapters before the first training, `every`: between trainings. Runs of other sizes are kept apart
    by `name`."""

    name: str
    readers: tuple[str, ...]
    seeds: tuple[int, ...]
    arms: tuple[str, ...]
    chapters: int
    every: int
    history: int
    kept: int
    effort: str
    first: int = 0
    candidates: int = 8
    shown: int = 4
    tokens: int = 256


FULL = Plan(
    "full", tuple(f"{family}-{number}" for family in (*FAMILIES, NEAR_DEFAULT) for number in range(4)), (0, 1, 2), tuple(ARMS),
    chapters=40, every=10, history=24, kept=12, effort="normal",
)  # fmt: skip
SHORT = replace(
    FULL, name="short", readers=tuple(f"{family}-{number}" for number in (12, 13) for family in (*FAMILIES, NEAR_DEFAULT)), seeds=(0,),
    arms=("k-shot", "full", "floor"), effort="quick",
)  # fmt: skip
PARTS = replace(SHORT, name="parts", readers=tuple(f"{family}-12" for family in FAMILIES), arms=tuple(ARMS))
QUICK = Plan(
    "quick", ("mixed-0", f"{NEAR_DEFAULT}-0"), (0,), ("base", "k-shot", "full", "floor"),
    chapters=6, first=3, every=3, history=24, kept=4, effort="quick",
)  # fmt: skip


def world_of(plan: Plan, reader: str) -> World:
    family, _, number = reader.rpartition("-")
    return World(family, int(number), history=plan.history, stream=plan.chapters, test=plan.kept)


@dataclass(frozen=True, slots=True)
class Control:
    """An engine that writes one text, whatever it is asked."""

    text: str

    def generate(self, messages: Any, *, n: int, seed: int, **_: Any) -> list[Written]:
        return [Written(self.text, len(self.text.split()), True, seed + place) for place in range(n)]


def seed_of(*parts: object) -> int:
    """The same for all arms: no part names one."""
    return int.from_bytes(hashlib.sha256("|".join(map(str, parts)).encode()).digest()[:4], "big") >> 1


class Cell:
    """One reader working with one arm under one seed, in a home of its own in `folder`."""

    def __init__(self, plan: Plan, world: World, arm: Arm, seed: int, folder: Path, *, device: str = "auto") -> None:
        self.plan, self.world, self.arm, self.seed, self.folder = plan, world, arm, seed, folder
        self.home = folder / "home"
        self.settings = Settings(home=self.home / "library", vault=self.home / "vault", device=device)
        self.engines = Engines()

    def rows(self) -> list[Row]:
        """The finished chapters."""
        found = []
        while (path := self._row(len(found))).exists():
            found.append(json.loads(path.read_text(encoding="utf-8")))
        return found

    def run(self, tell: Callable[[Row], None] = lambda row: None) -> list[Row]:
        """All chapters that are not finished; returns all rows. The home is thrown away with the last."""
        rows = self.rows()
        if len(rows) < self.plan.chapters:
            self.restore(len(rows))
            try:
                for at in range(len(rows), self.plan.chapters):
                    with Library.open(self.settings.home) as library, self.switches():
                        row = self.chapter(library, at)
                    self.keep(at, row)
                    rows.append(row)
                    tell(row)
            finally:
                self.engines.release()
        for path in (*self.folder.glob("kept-*"), self.home):
            shutil.rmtree(path, ignore_errors=True)
        return rows

    def _row(self, at: int) -> Path:
        return self.folder / f"{at:03d}.json"

    def restore(self, done: int) -> None:
        """The home as it was after `done` chapters: what a killed run began is forgotten."""
        shutil.rmtree(self.home, ignore_errors=True)
        if done:
            shutil.copytree(self.folder / f"kept-{done:03d}", self.home)
            return
        self.settings.vault.mkdir(parents=True)
        with Library.create(self.settings.home) as library:
            library.sources.upsert(self.world.sources, origin="api", complete=True)
        for task in self.world.history:
            self.write_down(task, self.world.wanted(task.prompt))

    def keep(self, at: int, row: Row) -> None:
        """The home first, then the row that makes it count, then away with the one before."""
        partial = self.folder / "kept-part"
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(self.home, partial)
        shutil.rmtree(self.folder / f"kept-{at + 1:03d}", ignore_errors=True)
        partial.rename(self.folder / f"kept-{at + 1:03d}")
        written = self._row(at).with_suffix(".part")
        written.write_text(json.dumps(row) + "\n", encoding="utf-8")
        written.replace(self._row(at))
        shutil.rmtree(self.folder / f"kept-{at:03d}", ignore_errors=True)

    @contextmanager
    def switches(self) -> Iterator[None]:
        """What the product has no option for, as nobody would want to be without it."""
        loop, writing = (importlib.import_module(f"notewright.{name}") for name in ("loop.improve", "drafting.draft"))
        with ExitStack() as stack:
            if not self.arm.taste:
                stack.enter_context(mock.patch.object(writing, "allowed", return_value=False))
            if self.arm.loop:
                used = tuple(entry for entry in loop.REFINEMENTS if entry[1] in self.arm.methods)
                stack.enter_context(mock.patch.object(loop, "REFINEMENTS", used))
            yield

    def write_down(self, task: Task, text: str) -> None:
        """The reader writes the note by hand."""
        path = self.settings.need_vault() / f"{_file(task)}.md"
        before = path.read_text(encoding="utf-8").rstrip("\n") + "\n\n" if path.exists() else f"# {task.prompt.source.title}\n\n"
        path.write_text(f"{before}{text.rstrip()}\n", encoding="utf-8")

    def chapter(self, library: Library, at: int) -> Row:
        """One chapter: train if it is time, draft, judge, take or not, change, remark."""
        started = time.monotonic()
        task = self.world.stream[at]
        row: Row = {"at": at, "asked": task.name, "seed": seed_of(self.world.name, self.seed, at)}
        import_vault(library, settings=self.settings)
        pairing.pair(library, settings=self.settings, workers=1)
        if at >= self.plan.first and (at - self.plan.first) % self.plan.every == 0:
            row["update"] = self.update(library, at)
        drafts = self.draft(library, task, at, row["seed"], n=self.plan.shown, written=self.plan.candidates)
        batch = library.drafts.batch(drafts[0].batch_id, unshown=True)
        judge, items = self.world.judge, [Item(task.prompt, draft.text) for draft in drafts]
        order = judge.rank(items, random.Random(f"rank|{self.world.name}|{self.seed}|{at}"), at=at)
        best = drafts[order[0]]
        liked = judge.utility(items[order[0]], at=at)
        taken = liked >= judge.bar and bool(best.text.strip())
        if self.arm.rankings:
            feedback.rank(library, batch_id=best.batch_id, order=[[drafts[place].id] for place in order])
        left = self.judged(library, task, best, taken, at)
        remark = self.world.remark(at, seed=self.seed) if self.arm.rules else ""
        if remark:
            feedback.comment(library, batch_id=best.batch_id, text=remark)
            for rule in reward.propose_rules(library):
                if rule.name in {left.name for left in reward.propose_rules(library)}:  # one that is confirmed may end another's proposal
                    reward.confirm_rule(library, rule.name)
        wanted = self.world.wanted(task.prompt, at)
        gate = taken and bool(best.problems)
        row |= {
            "taken": taken, "cost": round(edit_distance(best.text, left), 5), "needed": round(edit_distance(best.text, wanted), 5),
            "utility": round(liked, 4), "gate": gate, "problems": list(best.problems), "shown": len(drafts), "written": len(batch),
            "tokens": sum(int(item.sampling["tokens"]) for item in batch), "examples": best.sampling["examples"],
            "models": sorted({draft.model_id for draft in drafts}), "remark": remark,
            "harm": gate or bool(row.get("update", {}).get("worse")), "code": code(),
        }  # fmt: skip
        if at == self.plan.chapters - 1:
            row["final"] = self.measure(library, at + 1)
        return row | {"seconds": round(time.monotonic() - started, 1)}

    def judged(self, library: Library, task: Task, best: Draft, taken: bool, at: int) -> str:
        """What the reader does with the draft they liked best, and the note they leave."""
        if not taken:
            left = self.world.own(self.world.wanted(task.prompt, at), at, seed=self.seed)
            feedback.decide(library, decision="reject_all", batch_id=best.batch_id)
            self.write_down(task, left)
            return left
        left = self.world.edited(task.prompt, best.text, at, seed=self.seed)
        if not self.arm.edits:  # taken, and changed where nobody looks
            feedback.decide(library, decision="accept", draft_id=best.id)
            self.write_down(task, left)
            return left
        changed = left if left != best.text else None
        into = f"{_file(task)}.md"
        feedback.accept(library, settings=self.settings, draft_id=best.id, into=into, final_text=changed, force=bool(best.problems))
        return left

    def draft(self, library: Library, task: Task, at: int, seed: int, *, n: int, written: int, model_id: str = "") -> list[Draft]:
        engine = self.engine(task, at, seed)
        if engine:
            model_id = registry.ensure_base_model(library, self.settings).id
        return drafting.draft(
            library, settings=self.settings, source=task.prompt.source.title, chapter=task.prompt.chapter or None, n=n, written=written,
            seed=seed, max_new_tokens=self.plan.tokens, examples=self.arm.examples, model_id=model_id, engine=engine, engines=self.engines,
        )  # fmt: skip

    def engine(self, task: Task, at: int, seed: int) -> Any:
        """What writes in the place of the model, if anything does."""
        if self.arm.writes == "wanted":
            return Control(self.world.wanted(task.prompt, at))
        return Control(" ".join(random.Random(seed).choices(NONSENSE, k=60))) if self.arm.writes == "nonsense" else None

    def measure(self, library: Library, at: int) -> dict[str, list[float]]:
        """Greedy drafts of the kept chapters by the current version: distance to what is wanted now, and what the reader thinks."""
        model = registry.current(library, self.settings).id
        distances, utilities = [], []
        for place, task in enumerate(self.world.test):
            seed = seed_of(self.world.name, self.seed, "kept", place)
            text = self.draft(library, task, at, seed, n=1, written=1, model_id=model)[0].text
            distances.append(round(edit_distance(text, self.world.wanted(task.prompt, at)), 5))
            utilities.append(round(self.world.judge.utility(Item(task.prompt, text), at=at), 4))
        return {"distance": distances, "utility": utilities}

    def update(self, library: Library, at: int) -> Row:
        """Train what the arm trains, and see on the kept chapters what became of it."""
        started, was = time.monotonic(), registry.current(library, self.settings)
        before, prompted = was.id, drafting.taught_examples(library, was)
        found: Row = {"before": before, "kept before": self.measure(library, at), "skipped": []}
        if self.arm.loop:
            try:
                report = improve(
                    library, settings=self.settings, effort=self.plan.effort, max_new_tokens=self.plan.tokens, overrides={"seed": self.seed}
                )
                found |= {"reason": report.reason, "skipped": list(report.skipped)}
            except Invalid as lacking:  # too little to learn from yet: the version that there is goes on
                found |= {"reason": lacking.message, "skipped": [lacking.message]}
        elif self.arm.methods:
            self.train(library, found["skipped"])
        now = registry.current(library, self.settings)
        # The loop may also change how the same version is prompted. Where it changed neither, nothing was promoted; drafts may differ all
        # the same, as a first build decides which sources only measure, and so are no examples any more.
        other = now.id != before or drafting.taught_examples(library, now) != prompted
        found |= {"after": now.id, "kept after": self.measure(library, at) if other or self.arm.loop else found["kept before"]}
        change = fmean(found["kept after"]["distance"]) - fmean(found["kept before"]["distance"])
        return found | {"worse": other and change > WORSE, "seconds": round(time.monotonic() - started, 1)}

    def train(self, library: Library, skipped: list[str]) -> None:
        """The arm's methods from the base on, each promoted without a proof, as `notewright train` does."""
        for method in self.arm.methods:
            kind = training.METHODS[method]
            share = 0.7 if self.arm.examples else 0.0
            try:
                dataset = datasets.build(library, kind=kind, settings=self.settings, examples=share)
                training.train(
                    library,
                    settings=self.settings,
                    method=method,
                    dataset_id=dataset.id,
                    effort=self.plan.effort,
                    overrides={"seed": self.seed},
                )
            except (Invalid, NotFound, RunFailed) as lacking:
                skipped.append(f"{method}: {lacking.message}")


def _file(task: Task) -> str:
    return "".join(char if char.isalnum() or char in " -" else "_" for char in task.prompt.source.title).strip()


def results_file(plan: Plan) -> Path:
    return RESULTS / ("readers.json" if plan is FULL else f"readers-{plan.name}.json")


def cell_folder(out: Path, reader: str, arm: str, seed: int) -> Path:
    return out / reader / arm / f"seed-{seed}"


def fingerprint(plan: Plan) -> dict[str, Any]:
    """What must be the same for rows to stand side by side."""
    from notewright.models import bases

    weights = hashlib.sha256((bases.fetch_base("seedling").folder / "model.safetensors").read_bytes()).hexdigest()[:12]
    sizes = asdict(replace(plan, readers=(), seeds=(), arms=()))
    return {**{name: value for name, value in sizes.items() if value != ()}, "base": weights}


@cache
def code() -> str:
    """The commit that is running, with "-dirty" behind it where files were changed."""
    command = ["git", "-C", str(RESULTS), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


def claim(out: Path, plan: Plan) -> None:
    """Refuse a folder of rows made with other sizes or another base."""
    out.mkdir(parents=True, exist_ok=True)
    path, made = out / "plan.json", fingerprint(plan)
    if path.exists() and json.loads(path.read_text(encoding="utf-8")) != made:
        sys.exit(f"{out} holds chapters of another plan or base: name another --out, or remove it.")
    path.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


Cells = dict[tuple[str, str, int], list[Row]]  # the rows of whole runs by reader, arm and seed


def finished(out: Path, plan: Plan) -> Cells:
    """The runs in `out` that are whole."""
    found: Cells = {}
    for arm in plan.arms:
        for reader in plan.readers:
            for seed in plan.seeds:
                paths = sorted(cell_folder(out, reader, arm, seed).glob("[0-9]*.json"))
                if len(paths) == plan.chapters:
                    found[reader, arm, seed] = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    return found


def published(path: Path, plan: Plan) -> Cells:
    """The whole runs that a results file holds. Refuses runs of other sizes or another base."""
    if not path.exists():
        return {}
    held = json.loads(path.read_text(encoding="utf-8"))
    made = fingerprint(plan)
    if {name: held["about"].get(name) for name in made} != made:
        sys.exit(f"{path} holds runs of another plan or base: go on without --go-on, or remove it.")
    return {
        (reader, arm, int(seed)): rows_of(curve)
        for arm, cells in held["curves"].items() for reader, seeds in cells.items() for seed, curve in seeds.items()
    }  # fmt: skip


def by_arm(cells: Cells, plan: Plan) -> dict[str, dict[str, dict[int, list[Row]]]]:
    """Rows by arm, reader and seed, in the plan's order."""
    found: dict[str, dict[str, dict[int, list[Row]]]] = {}
    for arm in plan.arms:
        for reader in plan.readers:
            for seed in plan.seeds:
                if (reader, arm, seed) in cells:
                    found.setdefault(arm, {}).setdefault(reader, {})[seed] = cells[reader, arm, seed]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    plans = parser.add_mutually_exclusive_group()
    plans.add_argument("--quick", action="store_const", const=QUICK, dest="plan", help="two readers, six chapters, four arms")
    plans.add_argument("--short", action="store_const", const=SHORT, dest="plan", help="fourteen readers, one seed, three arms")
    plans.add_argument("--parts", action="store_const", const=PARTS, dest="plan", help="six readers, one seed, all arms")
    parser.add_argument("--arm", nargs="+", choices=list(ARMS), help="only these arms")
    parser.add_argument("--reader", nargs="+", help="only these readers, as mixed-0")
    parser.add_argument("--seed", nargs="+", type=int, help="only these seeds")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--out", type=Path, help="where finished chapters are kept (default: build/readers, build/readers-quick, ...)")
    parser.add_argument("--go-on", action="store_true", help="count the whole runs that the results file of the plan already holds")
    parser.add_argument("--table", action="store_true", help="run nothing")
    parser.add_argument("--write", action="store_true", help="write the JSON, docs/readers.png and docs/results.md")
    given = parser.parse_args()
    plan = given.plan or FULL
    out = given.out or RESULTS.parents[1] / "build" / ("readers" if plan is FULL else f"readers-{plan.name}")
    claim(out, plan)
    known = published(results_file(plan), plan) if given.go_on else {}
    chosen: Mapping[str, tuple[Any, ...]] = {
        "readers": tuple(given.reader or plan.readers), "arms": tuple(given.arm or plan.arms), "seeds": tuple(given.seed or plan.seeds),
    }  # fmt: skip
    for reader in () if given.table else chosen["readers"]:
        world = world_of(plan, reader)
        for seed in chosen["seeds"]:
            for arm in (name for name in chosen["arms"] if (reader, name, seed) not in known):
                cell = Cell(plan, world, ARMS[arm], seed, cell_folder(out, reader, arm, seed), device=given.device)

                def tell(row: Row, where: str = f"{reader} {arm} {seed}") -> None:
                    said = "taken" if row["taken"] else "written anew"
                    print(
                        f"{where} chapter {row['at'] + 1}: {said}, cost {row['cost']:.3f}, {row['seconds']} s", file=sys.stderr, flush=True
                    )

                cell.folder.mkdir(parents=True, exist_ok=True)
                cell.run(tell)
    texts = world_of(plan, plan.readers[0]).texts
    titles = {name: arm.title for name, arm in ARMS.items()}
    runs = by_arm({**known, **finished(out, plan)}, plan)
    print(
        publish(
            runs, titles, plan=asdict(plan), about={**fingerprint(plan), "texts": texts}, into=results_file(plan) if given.write else None
        )
    )


if __name__ == "__main__":
    main()
