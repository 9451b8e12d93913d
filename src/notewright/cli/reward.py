"""notewright reward [show|score]"""

from __future__ import annotations

import argparse

from .hints import say
from .show import as_json, id_of, json_option, open_library, shorten, table

DOES = {
    "nothing": "do nothing yet",
    "order": "order what is shown",
    "label": "order what is shown, and judge drafts for training in your place",
}
WHAT = {
    "taste": "what notewright taste tells",
    "embedding": "learnt on the model's own view of a text",
    "ensemble": "models trained to judge, several together",
    "combination": "all of these together",
}


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    json_option(parser)
    parser.set_defaults(handler=show)
    actions = parser.add_subparsers(metavar="show|score")
    showing = actions.add_parser("show", help="how well each reward knows your choices, and what it may do")
    json_option(showing)
    showing.set_defaults(handler=show)
    scoring = actions.add_parser("score", help="what the neural reward model says of a draft or a batch")
    scoring.add_argument("id", type=id_of("draft"), help="a draft or a batch")
    json_option(scoring)
    scoring.set_defaults(handler=score)


def show(options: argparse.Namespace) -> None:
    from ..reward.trust import newest_reward, trust

    library, _ = open_library()
    with library:
        report, model = trust(library), newest_reward(library)
    if options.json:
        as_json({"trust": report, "model": model.id if model else None})
        return
    rows = [(item.reward, WHAT[item.reward], item.version or "-", str(item.lists), DOES[item.level], item.why) for item in report.rewards]
    table(rows, "reward", "what it is", "model", "tried on", "may", "why", empty="")
    if model is None:
        say("\nNo neural reward model yet. Train one with: notewright train reward")


def score(options: argparse.Namespace) -> None:
    from ..errors import NotFound
    from ..reward.trust import newest_reward
    from ..text import count

    library, settings = open_library()
    with library:
        model = newest_reward(library)
        if model is None:
            raise NotFound("There is no neural reward model yet.", "Train one with: notewright train reward")
        drafts = library.drafts.batch(options.id) if options.id.startswith("batch-") else [library.drafts.get(options.id)]
        from ..reward import neural

        scores = neural.score(library, model, [(draft.messages, draft.text) for draft in drafts], device=settings.device)
    judged = [(draft, item) for draft, item in zip(drafts, scores, strict=True) if item]
    judged.sort(key=lambda pair: -pair[1].value)
    unseen = [draft for draft, item in zip(drafts, scores, strict=True) if not item]
    if options.json:
        told = [{"draft": draft.id, "mean": item.mean, "sd": item.sd, "value": item.value} for draft, item in judged]
        as_json([*told, *({"draft": draft.id, "mean": None, "sd": None, "value": None} for draft in unseen)])
        return
    rows = [(draft.id, f"{item.value:+.2f}", f"{item.mean:+.2f}", f"{item.sd:.2f}", shorten(draft.text, 50)) for draft, item in judged]
    rows += [(draft.id, "-", "-", "-", shorten(draft.text, 50)) for draft in unseen]
    table(rows, "draft", "value", "mean", "sd", "text", empty="")
    if unseen:
        print(f"\nWithout a score: {count(len(unseen), 'draft')}, longer with the prompt than the reward model sees.")
