"""notewright evaluate"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..errors import NotFound
from .show import as_json, count, facts, id_of, json_option, open_library, positive, progress

if TYPE_CHECKING:
    from ..evaluation import EvaluationReport
    from ..evaluation.choices import Accuracy


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=id_of("model"), nargs="?", default="", help="default: the current one")
    parser.add_argument("--dataset", type=id_of("dataset"), default="", metavar="ID", help="default: the newest sft dataset")
    parser.add_argument("--split", choices=("test", "valid", "later"), default="test", help="held-out sources, or chapters kept back later")
    parser.add_argument("--limit", type=positive, default=None, metavar="N", help="only the first N passages")
    parser.add_argument("--examples", action="store_true", help="show the model retrieved examples in the prompt")
    json_option(parser)
    parser.set_defaults(handler=evaluate)


def evaluate(options: argparse.Namespace) -> None:
    from .. import evaluation

    library, settings = open_library()
    with library, progress("evaluating", unit="passages") as advance:
        datasets = library.datasets.all("sft")
        if not datasets:
            raise NotFound("There is no sft dataset to measure on.", "Build one with: notewright dataset sft")
        report = evaluation.evaluate(
            library, model_id=options.model, dataset_id=options.dataset or datasets[-1].id, settings=settings, split=options.split,
            limit=options.limit, examples=options.examples, progress=advance,
        )  # fmt: skip
    if options.json:
        as_json(report)
        return
    facts({
        "model": report.model_id, "passages": len(report.items),
        "edit distance": report.distance,
        "median": f"{report.median:.3f}", "exactly right": f"{report.exact:.0%}", "valid": f"{report.valid:.0%}",
        "structure distance": f"{report.structure:.3f}",
        "highlights used": f"{report.coverage:.0%} of those you used" if report.coverage is not None else "you used none",
        "length": f"{report.length:.2f} of yours", "copied from other notes": _copied(report),
        **({"your rules": f"{report.broken:.2f} broken by a draft, of {len(report.rules)} that set a limit"} if report.rules else {}),
        **({"your choices": _chosen(judged)} if (judged := report.choice_accuracy) else {}),
    })  # fmt: skip


def _copied(report: EvaluationReport) -> str:
    worst = max(report.items, key=lambda item: item.copied_words)
    where = f", at most {worst.copied_words} words, from {worst.copied_from}" if worst.copied_words else ""
    return f"in {report.memorised:.0%} of the drafts{where}"


def _chosen(judged: Accuracy) -> str:
    share = f"{judged.share:.0%} of {count(judged.pairs, 'pair')} found likelier in your order"
    return f"{share} (90 % interval {judged.low:.0%} to {judged.high:.0%}; 50 % is chance)"
