"""What the person likes: beliefs, rules made of comments, and how far each reward is trusted."""

from __future__ import annotations

from ... import reward
from ...library import Library
from ...reward.trust import trust as trust_of
from ..context import Opened
from ..problems import make_router
from ..schemas import CorrectionIn, EventOut, RuleIn, RuleOut, RulePage, TasteOut, TrustOut

router = make_router("taste")


@router.get("/taste", operation_id="taste")
def taste(library: Opened) -> TasteOut:
    """What is believed about the person's taste, the surest first, each in a sentence."""
    notes = reward.taste_of(library).scale.notes
    return TasteOut.model_validate({"notes": notes, "evidence": reward.times_judged(library), "beliefs": reward.beliefs(library)})


@router.post("/taste/corrections", operation_id="correctTaste")
def correct(library: Opened, wish: CorrectionIn) -> EventOut:
    """Say it outright: more or less of a feature, about so much of it, or indifferent. `undo` takes it back."""
    return EventOut.of(reward.correct(library, feature=wish.feature, prefer=wish.prefer, value=wish.value))


@router.get("/trust", operation_id="trust")
def trust(library: Opened) -> TrustOut:
    """What each reward may do (nothing, order what is shown, label pairs for training), judged on choices it has not seen."""
    return TrustOut.of(trust_of(library))


@router.get("/rules", operation_id="listRules")
def list_rules(library: Opened) -> RulePage:
    """Confirmed rules, and those that comments propose."""
    return _rules(library)


@router.post("/rules", operation_id="addRule")
def add_rule(library: Opened, wish: RuleIn) -> RulePage:
    """A rule in the person's own words."""
    reward.add_rule(library, wish.text)
    return _rules(library)


@router.post("/rules/{name}/confirm", operation_id="confirmRule")
def confirm_rule(library: Opened, name: str) -> RulePage:
    """Make a proposal a rule."""
    reward.confirm_rule(library, name)
    return _rules(library)


@router.put("/rules/{name}", operation_id="editRule")
def edit_rule(library: Opened, name: str, wish: RuleIn) -> RulePage:
    """Say a rule anew; its name follows what it says now."""
    reward.edit_rule(library, name, wish.text)
    return _rules(library)


@router.delete("/rules/{name}", operation_id="removeRule")
def remove_rule(library: Opened, name: str) -> RulePage:
    """A rule that no longer holds, or a proposal that is not wanted: it is not proposed again."""
    reward.remove_rule(library, name)
    return _rules(library)


def _rules(library: Library) -> RulePage:
    return RulePage(
        confirmed=[RuleOut.of(rule) for rule in reward.confirmed_rules(library)],
        proposed=[RuleOut.of(rule) for rule in reward.propose_rules(library)],
    )  # fmt: skip
