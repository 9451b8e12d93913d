"""notewright evaluate"""

from __future__ import annotations

import argparse

from ..errors import NotFound
from .show import as_json, facts, json_option, open_library, progress


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", default="", help="default: the current one")
    parser.add_argument("--dataset", default="", metavar="ID", help="default: the newest sft dataset")
    parser.add_argument("--split", choices=("test", "valid"), default="test")
    parser.add_argument("--limit", type=int, default=None, metavar="N", help="only the first N passages")
    parser.add_argument("--examples", action="store_true", help="show the model retrieved examples in the prompt")
    json_option(parser)
    parser.set_defaults(handler=evaluate)


def evaluate(options: argparse.Namespace) -> None:
    from .. import evaluation

    library, settings = open_library()
    with library, progress("evaluating") as advance:
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
    low, high = report.interval
    facts({
        "model": report.model_id, "passages": len(report.items),
        "edit distance": f"{report.mean:.3f} (90 % interval {low:.3f} to {high:.3f})",
        
        "median": f"{report.median:.3f}", "exactly right": f"{report.exact:.0%}", "valid": f"{report.valid:.0%}",
    })  # fmt: skip
