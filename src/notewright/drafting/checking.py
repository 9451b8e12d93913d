"""A written candidate, mended and checked, with the measures that choosing needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import gates, reward
from ..prompts import PROMPT_VERSION, prompt_id
from ..records import Finding, Prompt
from ..reward.features import measure
from ..settings import Settings
from ..vault import all_templates, bearing, build_index, repair_draft, tags_of
from .ask import Written
from .choose import Option
from .engines import entailment

if TYPE_CHECKING:
    from ..library import Library
    from ..reward import Rule


@dataclass(frozen=True, slots=True)
class Checked:
    """`option` holds the mended text; `sampling` is what is stored about how it came to be."""

    written: Written
    option: Option
    findings: tuple[Finding, ...]
    sampling: dict[str, Any]


def checker(
    library: Library, *, settings: Settings, prompt: Prompt, rules: Sequence[Rule], asked: Mapping[str, Any]
) -> Callable[[Written], Checked]:
    """What mends and checks candidates for this prompt, against the vault as it is now; `asked` goes into every candidate's `sampling`."""
    index = build_index(settings.vault) if settings.vault and settings.vault.is_dir() else None
    known = f"{prompt.source.title}\n{prompt.source.author}\n{prompt.source.summary}"
    linked = library.notes.links()
    told = [prompt.instruction, *(rule.text for rule in rules), *(template.text for template in all_templates(settings))]
    tagged = bearing(index, (*prompt.source.tags, *tags_of(told))) if index is not None else None
    habits, nli = gates.habits_of(library, vault_index=index), entailment(settings)

    def check(item: Written) -> Checked:
        mended = repair_draft(
            item.candidate.text, highlights=prompt.highlights, known=known, vault_index=index, linked=linked, tags=prompt.source.tags
        )
        findings = gates.check(
            mended.text, highlights=prompt.highlights, vault_index=index, known=known, linked=linked, tagged=tagged, habits=habits,
            finished=item.candidate.finished, tokens=item.candidate.tokens, full=item.full, nli=nli,
        )  # fmt: skip
        findings += reward.check_rules(rules, mended.text, prompt.highlights)
        sampling = {
            **asked, "temperature": item.heat, "greedy": item.greedy, "written": item.number, "tokens": item.candidate.tokens,
            "max_new_tokens": item.way.longest, "finished": item.candidate.finished, "examples": item.way.examples,
            "prompt_id": prompt_id(item.way.messages), "prompt_version": PROMPT_VERSION, "repairs": list(mended.repairs),
        }  # fmt: skip
        if len(item.way.parts) > 1:
            sampling["parts"] = [part.highlights for part in item.way.parts]
        option = Option(
            text=mended.text, row=measure(mended.text, prompt.highlights, kind=prompt.source.kind),
            problems=len(gates.problems(findings)), temperature=0.0 if item.greedy else item.heat, model=item.model_id,
        )  # fmt: skip
        return Checked(item, option, findings, sampling)

    return check
