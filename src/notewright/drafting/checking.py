"""A written candidate, mended and checked, with the measures that choosing needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .. import gates, reward
from ..prompts import PROMPT_VERSION, prompt_id
from ..records import Finding, Highlight, Prompt
from ..reward.features import measure
from ..settings import Settings
from ..vault import Repaired, VaultIndex, all_templates, bearing, build_index, repair_draft, tags_of
from .ask import Written
from .choose import Option
from .engines import Candidate, entailment

if TYPE_CHECKING:
    from ..gates.nli import NliModel
    from ..library import Library
    from ..reward import Rule


@dataclass(frozen=True, slots=True)
class Checked:
    """`option` holds the mended text; `sampling` is what is stored about how it came to be."""

    written: Written
    option: Option
    findings: tuple[Finding, ...]
    sampling: dict[str, Any]


class Checker:
    """What mends and checks candidates for one prompt, against the vault as it is when the first one is there."""

    def __init__(self, library: Library, *, settings: Settings, prompt: Prompt, rules: Sequence[Rule], asked: Mapping[str, Any]) -> None:
        """`asked` goes into every candidate's `sampling`."""
        self._library, self._settings, self._prompt, self._rules, self._asked = library, settings, prompt, rules, asked
        self._known = f"{prompt.source.title}\n{prompt.source.author}\n{prompt.source.summary}"

    def __call__(self, item: Written) -> Checked:
        mended, highlights = self._mended(item.candidate.text, self._prompt.highlights), self._prompt.highlights
        findings = self._found(mended.text, highlights, item.candidate, full=item.full, nli=entailment(self._settings))
        findings += reward.check_rules(self._rules, mended.text, highlights)
        sampling = {
            **self._asked, "temperature": item.heat, "greedy": item.greedy, "written": item.number, "tokens": item.candidate.tokens,
            "max_new_tokens": item.way.longest, "finished": item.candidate.finished, "examples": item.way.examples,
            "prompt_id": prompt_id(item.way.messages), "prompt_version": PROMPT_VERSION, "repairs": list(mended.repairs),
        }  # fmt: skip
        if len(item.way.parts) > 1:
            sampling["parts"] = [part.highlights for part in item.way.parts]
        option = Option(
            text=mended.text, row=measure(mended.text, highlights, kind=self._prompt.source.kind), problems=len(gates.problems(findings)),
            temperature=0.0 if item.greedy else item.heat, model=item.model_id,
        )  # fmt: skip
        return Checked(item, option, findings, sampling)

    def faults(self, piece: Candidate, highlights: Sequence[Highlight]) -> int:
        """How many problems a part of a candidate has by itself."""
        return len(gates.problems(self._found(self._mended(piece.text, highlights).text, highlights, piece)))

    def _mended(self, text: str, highlights: Sequence[Highlight]) -> Repaired:
        return repair_draft(
            text, highlights=highlights, known=self._known, vault_index=self._index, linked=self._linked, tags=self._prompt.source.tags
        )

    def _found(
        self, text: str, highlights: Sequence[Highlight], written: Candidate, *, full: bool = False, nli: NliModel | None = None
    ) -> tuple[Finding, ...]:
        return gates.check(
            text, highlights=highlights, vault_index=self._index, known=self._known, linked=self._linked, tagged=self._tagged,
            habits=self._habits, finished=written.finished, tokens=written.tokens, full=full, nli=nli,
        )  # fmt: skip

    @cached_property
    def _index(self) -> VaultIndex | None:
        vault = self._settings.vault
        return build_index(vault) if vault and vault.is_dir() else None

    @cached_property
    def _linked(self) -> set[str]:
        return self._library.notes.links()

    @cached_property
    def _tagged(self) -> Callable[[str], bool] | None:
        told = [self._prompt.instruction, *(rule.text for rule in self._rules)]
        told += (template.text for template in all_templates(self._settings))
        return bearing(self._index, (*self._prompt.source.tags, *tags_of(told))) if self._index is not None else None

    @cached_property
    def _habits(self) -> gates.Habits:
        return gates.habits_of(self._library, vault_index=self._index)
