"""Comments that act: what is read out of a comment, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

import small_world
from notewright import drafting, feedback, reward
from notewright.errors import Invalid, NotFound
from notewright.library import Library
from notewright.library.selection import said
from notewright.records import Highlight
from notewright.reward.comments import wishes
from notewright.reward.rules import Rule, check_rules, rule_name
from notewright.reward.wishes import interpret
from small_world import ScriptedEngine, numbered


@pytest.mark.parametrize(
    ("wish", "effect"),
    [
        ("callouts for definitions", {"feature": "callouts", "prefer": "more", "prompt": True}),
        ("shorter bullets", {"feature": "bullet_words", "prefer": "less"}),
        ("the bullets are too long", {"feature": "bullet_words", "prefer": "less"}),
        ("too long", {"feature": "words", "prefer": "less"}),
        ("longer notes please", {"feature": "words", "prefer": "more"}),
        ("no bold, please", {"check": "at most", "feature": "bold", "value": 0}),
        ("never use tables", {"check": "at most", "feature": "tables", "value": 0}),
        ("never have a table", {"check": "at most", "feature": "tables", "value": 0}),
        ("there should never be any tables", {"check": "at most", "feature": "tables", "value": 0}),
        ("Don't ever use bold", {"check": "at most", "feature": "bold", "value": 0}),
        ("never more than three headings", {"check": "at most", "feature": "headings", "value": 3}),
        ("please always use bullets", {"check": "at least", "feature": "bullets", "value": 1}),
        ("I always have a heading", {"check": "at least", "feature": "headings", "value": 1}),
        ("notes should always have links", {"check": "at least", "feature": "links", "value": 1}),
        ("use bullets always", {"check": "at least", "feature": "bullets", "value": 1}),
        ("never without tags", {"check": "at least", "feature": "tags", "value": 1}),
        ("always nested lists", {"check": "at least", "feature": "nesting", "value": 2}),
        ("always use prose", {"feature": "prose", "prefer": "more", "prompt": True}),
        ("always use callouts for definitions", {"feature": "callouts", "prefer": "more", "prompt": True}),
        ("always at most 5 bullets", {"check": "at most", "feature": "bullets", "value": 5}),
        ("don't always use bullets", {}),
        ("Don\u2019t use italics", {"check": "at most", "feature": "italics", "value": 0}),
        ("at most 5 bullets per chapter", {"check": "at most", "feature": "bullets", "value": 5}),
        ("at least 2 links", {"check": "at least", "feature": "links", "value": 2}),
        ("3-5 bullets per chapter", {"feature": "bullets", "prefer": "about", "value": 4.0}),
        ("fewer tags", {"feature": "tags", "prefer": "less"}),
        ("use more quotes", {"feature": "quoted", "prefer": "more"}),
        ("no quotes", {"check": "at most", "feature": "quoted", "value": 0}),
        ("no block quotes", {"check": "at most", "feature": "quotes", "value": 0}),
        ("never use blockquotes", {"check": "at most", "feature": "quotes", "value": 0}),
        ("at most 2 quote blocks", {"check": "at most", "feature": "quotes", "value": 2}),
        ("at most 2 quotes", {}),
        ("keep every highlight", {"feature": "coverage", "prefer": "more"}),
        ("do not invent anything", {"feature": "own_words", "prefer": "less"}),
        ("don't make things up", {"feature": "own_words", "prefer": "less"}),
        ("start with the main claim", {}),
        ("at most 3 bold words", {}),
        ("a bit too long", {"feature": "words", "prefer": "less"}),
        ("It's too long", {"feature": "words", "prefer": "less"}),
        ("Please make it shorter", {"feature": "words", "prefer": "less"}),
        ("no more than one table", {"check": "at most", "feature": "tables", "value": 1}),
        ("200 words max", {"check": "at most", "feature": "words", "value": 200}),
        ("hardly any links", {"feature": "links", "prefer": "more"}),
        ("only annotated highlights, please", {"select": ["annotated"]}),
        ("use my words", {}),
    ],
)
def test_what_a_wish_means(wish: str, effect: dict[str, object]) -> None:
    assert interpret(wish) == effect


def test_a_rule_says_in_plain_words_how_it_acts() -> None:
    assert Rule("rule-1", "shorter bullets", interpret("shorter bullets")).acts == "drafts with fewer bullet words count as better"


@pytest.mark.parametrize(
    ("said", "acts"),
    [
        ("at most 1 callout", "every draft is checked: at most 1 callout"),
        ("at most 2 callouts", "every draft is checked: at most 2 callouts"),
        ("no tables", "every draft is checked: no tables"),
        ("no quotations", "every draft is checked: no quotations"),
        ("no block quotes", "every draft is checked: no block quotes"),
        ("at most 1 block quote", "every draft is checked: at most 1 block quote"),
        ("always use bullets", "every draft is checked: at least 1 bullet"),
        ("no numbered lists", "every draft is checked: no numbered items"),
        ("1 heading", "drafts with about 1 heading count as better"),
        ("3-5 bullets", "drafts with about 4 bullets count as better"),
    ],
)
def test_one_is_told_as_one(said: str, acts: str) -> None:
    assert Rule("rule-1", said, interpret(said)).acts == acts


@pytest.mark.parametrize(
    ("said", "text", "told"),
    [
        ("no callouts", "> [!note] One\n> words\n", "but it has 1 callout"),
        ("at most 1 bullet", "- One.\n- Two.\n", "but it has 2 bullets"),
        ("no block quotes", "He said “no”.\n\n> yes\n", "but it has 1 quote"),
        ("no questions", "Is it? It is. So it is.", "but it has 33% questions"),
    ],
)
def test_what_a_draft_has_too_many_of(said: str, text: str, told: str) -> None:
    [finding] = check_rules([Rule("rule-1", said, interpret(said), "confirmed")], text, ())
    assert finding.reason == f"your rule says {said!r}, {told}"


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Callouts for definitions, please!", "callouts-for-definitions"),
        ("always callouts for definitions", "callouts-for-definitions"),
        ("always at most 5 bullets", "at-most-5-bullets"),
        ("Use bullets", "use-bullets"),
        ("Please always use bullets", "always-use-bullets"),  # another rule
        ("don't always use bullets", "don-t-always-use-bullets"),
    ],
)
def test_what_means_the_same_has_one_name(said: str, name: str) -> None:
    assert rule_name(said) == name


@pytest.fixture
def world(library: Library, tmp_path: Path) -> small_world.World:
    made = small_world.build(library, tmp_path, things=("rivers", "looms"))
    small_world.base_model(library)
    drafting.draft(library, settings=made.settings, source="rivers", chapter="Beginnings", engine=ScriptedEngine(numbered))
    return made


def test_a_comment_is_proposed_confirmed_edited_removed_and_undone(world: small_world.World, library: Library) -> None:
    event = feedback.comment(library, draft_id="draft-1", text="Callouts for definitions, please. Nice otherwise.")
    feedback.comment(library, draft_id="draft-2", text="callouts for definitions")
    [rule] = reward.propose_rules(library)
    assert (rule.name, rule.status, rule.events[0]) == ("callouts-for-definitions", "proposed", event.id)
    assert len(rule.events) == 2
    reward.confirm_rule(library, rule.name)
    assert reward.propose_rules(library) == []
    assert reward.rules_for_prompt(library) == ("Callouts for definitions, please",)
    reward.edit_rule(library, rule.name, "no callouts")
    assert reward.rules_for_prompt(library) == ()
    assert reward.confirmed_rules(library)[0].effect["check"] == "at most"
    assert reward.propose_rules(library) == [], "what the comments ask for was answered"
    with pytest.raises(NotFound):
        reward.remove_rule(library, rule.name)
    reward.remove_rule(library, "no-callouts")
    assert reward.confirmed_rules(library) == []
    assert [item.status for item in reward.all_rules(library)] == ["removed", "removed"]
    feedback.undo(library)
    feedback.undo(library)
    assert reward.rules_for_prompt(library) == ("Callouts for definitions, please",)
    feedback.undo(library)
    assert len(reward.propose_rules(library)) == 1


def test_a_rule_said_anew_is_called_by_what_it_says(library: Library) -> None:
    for text in ("no tables", "only annotated highlights", "no bold"):
        reward.add_rule(library, text)
    reward.edit_rule(library, "no-tables", "Always use tables!")
    reward.edit_rule(library, "only-annotated-highlights", "all highlights")
    names = [rule.name for rule in reward.confirmed_rules(library)]
    assert names == ["always-use-tables", "all-highlights", "no-bold"], "each in its place"
    assert said(library) == ((), "")
    with pytest.raises(Invalid, match="There is a rule no-bold already"):
        reward.edit_rule(library, "always-use-tables", "No bold.")
    with pytest.raises(Invalid, match="empty"):
        reward.edit_rule(library, "always-use-tables", " … ")
    reward.add_rule(library, "no tables")  # nothing is called so any more
    reward.remove_rule(library, "no-tables")
    reward.edit_rule(library, "always-use-tables", "no tables")
    assert [rule.name for rule in reward.confirmed_rules(library)] == ["no-tables", "all-highlights", "no-bold"]
    reward.edit_rule(library, "no-tables", "No tables, please")
    assert [rule.text for rule in reward.confirmed_rules(library)][0] == "No tables, please"
    for _ in range(6):
        feedback.undo(library)
    assert [rule.name for rule in reward.all_rules(library)] == ["no-tables", "only-annotated-highlights", "no-bold"]
    assert said(library)[0] == ("annotated",)


def test_a_chip_is_a_wish_the_second_time(world: small_world.World, library: Library) -> None:
    feedback.comment(library, draft_id="draft-1", chips=["too long"])
    assert reward.propose_rules(library) == []
    feedback.comment(library, draft_id="draft-2", chips=["too long"])
    [rule] = reward.propose_rules(library)
    assert (rule.text, rule.effect) == ("shorter notes", {"feature": "words", "prefer": "less"})
    reward.remove_rule(library, rule.name)
    assert reward.propose_rules(library) == []


def test_what_is_said_of_a_batch_that_is_ranked_again_is_said_once(world: small_world.World, library: Library) -> None:
    def rank(comment: str, *chips: str) -> int:
        return feedback.rank(library, batch_id="batch-1", order=[["draft-1"]], comment=comment, chips=chips).id

    rank("no tables", "too long")
    second = rank("no tables", "too long")
    assert [(rule.text, rule.events) for rule in reward.propose_rules(library)] == [("no tables", (second,))]
    rank("")  # another order, and nothing said about it
    assert [rule.events for rule in reward.propose_rules(library)] == [(second,)]
    feedback.undo(library)
    assert [rule.events for rule in reward.propose_rules(library)] == [(second,)]
    rank("no bold")
    assert [rule.text for rule in reward.propose_rules(library)] == ["no bold"]
    feedback.undo(library)
    assert [rule.text for rule in reward.propose_rules(library)] == ["no tables"]


def test_rules_in_own_words(library: Library) -> None:
    reward.add_rule(library, "  Begin with\n the main claim ")
    assert reward.rules_for_prompt(library) == ("Begin with the main claim",)
    for bad in ("", " ... "):
        with pytest.raises(Invalid):
            reward.add_rule(library, bad)
    with pytest.raises(Invalid, match="already"):
        reward.add_rule(library, "begin with the main claim!")
    for verb in (reward.confirm_rule, reward.remove_rule):
        with pytest.raises(NotFound):
            verb(library, "nothing")


def test_a_limit_is_checked(library: Library) -> None:
    reward.add_rule(library, "no bold")
    reward.add_rule(library, "at most 2 bullets")
    rules = reward.confirmed_rules(library)
    highlights = [Highlight("Rivers run.")]
    assert reward.check_rules(rules, "- one\n- two\n", highlights) == ()
    found = reward.check_rules(rules, "- **one**\n- two\n- three\n", highlights)
    assert [finding.severity for finding in found] == ["block", "block"]
    assert "no bold" in found[0].reason


@pytest.mark.parametrize(
    "comment", ["don't use all highlights", "no need to cover all the highlights", "I would not keep all of these highlights"]
)
def test_a_wish_that_is_denied_is_not_read_as_its_opposite(comment: str) -> None:
    assert interpret(comment) == {}


def test_praise_is_no_wish_and_fewer_than_is_below() -> None:
    assert [wishes(praise) for praise in ("I like it", "no complaints", "No notes.")] == [[], [], []]
    assert interpret("fewer than 3 bullets") == {"check": "at most", "feature": "bullets", "value": 2}


def test_no_nested_bullets_leaves_flat_lists_alone() -> None:
    rule = Rule("no-nested-bullets", "no nested bullets", interpret("no nested bullets"), "confirmed")
    assert rule.acts == "every draft is checked: no list inside a list"
    assert check_rules([rule], "- One.\n- Two.", ()) == ()
    assert check_rules([rule], "- One.\n    - Two.", ()) != ()


@pytest.mark.parametrize(
    "said", ["many bullets", "use every second highlight", "include every favourite highlight", "not more bullets", "no words"]
)
def test_what_is_not_understood_acts_on_nothing(said: str) -> None:
    assert interpret(said) == {}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("use ## headings", "use ### headings"),
        ("- for bullets", "* for bullets"),
        ("**bold** names", "*bold* names"),
        (f"write {'very ' * 12}short notes about rivers", f"write {'very ' * 12}short notes about looms"),
    ],
)
def test_two_rules_have_two_names(world: small_world.World, library: Library, one: str, other: str) -> None:
    assert reward.add_rule(library, one).subject != reward.add_rule(library, other).subject
    assert all(len(rule.name) <= 60 for rule in reward.confirmed_rules(library))
    with pytest.raises(Invalid, match="already"):
        reward.add_rule(library, f"{one}.")


def test_a_rule_of_an_earlier_version_is_not_proposed_under_its_new_name(library: Library) -> None:
    library.events.append("rule", "use-headings", {"action": "add", "text": "use ## headings", "effect": {}, "events": []})
    library.events.append("comment", "batch-1", {"comment": "Use ## headings. Use ### headings."})
    assert [rule.text for rule in reward.propose_rules(library)] == ["Use ### headings"]
    with pytest.raises(Invalid, match="already"):
        reward.add_rule(library, "use ## headings")


def test_thousands_are_written_with_a_comma() -> None:
    assert interpret("at most 1,200 words") == {"check": "at most", "feature": "words", "value": 1200}
    assert interpret("about 1,000-1,500 words") == {"feature": "words", "prefer": "about", "value": 1250}
    assert wishes("Fine. At most 1,200 words, please.") == ["At most 1,200 words, please"]
