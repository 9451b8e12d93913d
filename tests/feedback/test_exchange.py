"""Feedback goes out and in again with the same bytes, into any library, as often as one likes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import small_world
from notewright import drafting, feedback, pairing
from notewright.errors import Conflict, Invalid, NotFound
from notewright.feedback import export_feedback, import_feedback
from notewright.library import Library
from notewright.library.database import now, to_json
from notewright.loop.account import account
from notewright.models import bandit
from notewright.records import Draft, Model
from notewright.reward.lists import choices
from small_world import ScriptedEngine, numbered


def judged(library: Library, folder: Path, *, thing: str = "rivers", seed: int = 3) -> small_world.World:
    """A library in which everything that can be done was done at least once."""
    world = small_world.build(library, folder, things=("rivers", "looms"))
    small_world.base_model(library)
    for chapter in small_world.CHAPTERS:
        drafts = drafting.draft(
            library, settings=world.settings, source=thing, chapter=chapter, seed=seed, n=3, engine=ScriptedEngine(numbered)
        )
        a, b, c = (draft.id for draft in drafts)
        feedback.rank(
            library, batch_id=drafts[0].batch_id, order=[[b], [a]], rejected=[c], aspects={a: ["voice"]}, comment="draft-1 „ist“ besser",
            chips=["too long"], seconds=1.25,
        )  # fmt: skip
        feedback.rank(library, batch_id=drafts[0].batch_id, order=[[b]], best_only=True)
        feedback.decide(library, draft_id=c, decision="reject")
        feedback.comment(library, draft_id=a, text="callouts for definitions")
        feedback.accept(library, settings=world.settings, draft_id=a, into="Notes/Rivers.md", final_text=f'## Mine\n- {chapter}, é \\ "\n')
        feedback.undo(library, settings=world.settings)
    library.pairs.decide(library.pairs.all()[0].id, "accepted")
    return world


@pytest.fixture
def other(tmp_path: Path):
    with Library.create(tmp_path / "other") as opened:
        yield opened


def test_out_in_and_out_again_gives_the_same_bytes(library: Library, other: Library, tmp_path: Path) -> None:
    judged(library, tmp_path / "one")
    lines = list(export_feedback(library))
    small_world.build(other, tmp_path / "two", things=("rivers", "looms"))
    done = import_feedback(other, lines)
    assert (done.drafts, done.known) == (len(library.drafts.all(unshown=True)), 0)
    assert done.events == len(library.events.all())
    assert list(export_feedback(other)) == lines
    mine, theirs = library.events.all(), other.events.all()
    assert [(event.kind, event.at) for event in mine] == [(event.kind, event.at) for event in theirs]
    assert other.events.undone() == {theirs[[event.id for event in mine].index(number)].id for number in library.events.undone()}


def test_importing_again_changes_nothing(library: Library, other: Library, tmp_path: Path) -> None:
    judged(library, tmp_path / "one")
    lines = list(export_feedback(library))
    assert import_feedback(library, lines) == feedback.Exchanged(0, 0, len(lines))
    import_feedback(other, lines)
    assert import_feedback(other, lines) == feedback.Exchanged(0, 0, len(lines))
    assert list(export_feedback(library)) == lines


def test_into_a_library_with_feedback_of_its_own(library: Library, other: Library, tmp_path: Path) -> None:
    judged(library, tmp_path / "one")
    judged(other, tmp_path / "two", seed=9)
    lines, own = list(export_feedback(library)), list(export_feedback(other))
    import_feedback(other, lines)
    both = list(export_feedback(other))
    assert both[: len(own)] == own
    assert [line for line in both if line in set(lines)] == [line for line in lines if line not in set(own)]
    ranking = other.events.all("ranking", after=0)[-1]  # its drafts are the imported ones, under new ids
    assert ranking.subject == "batch-4"
    texts = {draft.id: draft.text for draft in other.drafts.batch(ranking.subject)}
    assert all(item["draft"] in texts for item in ranking.payload["shown"])
    assert texts[ranking.payload["order"][0][0]] == library.drafts.get(library.events.all("ranking")[-1].payload["order"][0][0]).text
    with Library.create(tmp_path / "third") as third:
        import_feedback(third, both)
        assert list(export_feedback(third)) == both


def test_events_that_are_equal_to_the_microsecond_are_both_kept(library: Library, other: Library) -> None:
    for _ in range(3):
        library.events.append("comment", "draft-1", {"comment": "again"}, at="2026-01-01T00:00:00+00:00")
    lines = list(export_feedback(library))
    assert len(set(lines)) == 3
    import_feedback(other, lines)
    import_feedback(other, lines)
    assert list(export_feedback(other)) == lines


def test_an_undo_of_one_of_two_equal_events_stays_with_it(library: Library, other: Library) -> None:
    for _ in range(2):
        event = library.events.append("comment", "draft-1", {"comment": "again"}, at="2026-01-01T00:00:00+00:00")
    library.events.append("undo", str(event.id), {"events": [event.id], "kind": "comment"})
    other.events.append("comment", "draft-9", {"comment": "mine"})
    lines = list(export_feedback(library))
    import_feedback(other, lines)
    assert other.events.undone() == {3}
    assert other.events.all("undo")[0].subject == "3"
    assert list(export_feedback(other))[1:] == lines


def test_a_change_that_two_machines_saw_in_one_vault_counts_once(library: Library, other: Library, tmp_path: Path) -> None:
    world = small_world.build(library, tmp_path / "one", things=("rivers", "looms"))
    small_world.base_model(library)
    engine = ScriptedEngine(lambda messages, seed: "## Note\n- Willow cuttings hold a bank better than stone.")
    [draft] = drafting.draft(library, settings=world.settings, source="rivers", chapter="Beginnings", seed=3, n=1, written=1, engine=engine)
    feedback.accept(library, settings=world.settings, draft_id=draft.id, into="Notes/Rivers.md", force=True)
    import_feedback(other, export_feedback(library))
    note, looked = world.vault / "Notes/Rivers.md", []

    def change(old: str, new: str, *, seen_by: tuple[Library, ...] = (library, other)) -> None:
        note.write_text(note.read_text().replace(old, new))
        for one in seen_by:
            looked.extend(feedback.capture(one, settings=replace(world.settings, home=one.home), quiet=0.0).logged)

    change("better", "more firmly")
    change("more firmly", "better")
    change("better", "more firmly")  # the same change again is another one
    assert len(looked) == 6
    assert import_feedback(other, export_feedback(library)).events == 0
    assert import_feedback(library, export_feedback(other)).events == 0
    with Library.create(tmp_path / "third") as third:
        import_feedback(third, export_feedback(library))
        import_feedback(third, export_feedback(other))
        assert [event.payload["via"] for event in third.events.standing("edit")] == ["watch"] * 3
    change("bank", "shore", seen_by=(library,))
    assert import_feedback(other, export_feedback(library)).events == 1
    feedback.undo(library, settings=world.settings, keep_note=True)
    import_feedback(other, export_feedback(library))
    assert import_feedback(library, export_feedback(other)).events == 0
    assert import_feedback(other, export_feedback(library)).events == 0
    assert other.events.standing("edit") == []


def rejected_by(library: Library, folder: Path) -> Model:
    """A library with a trained version beside the base, the version's drafts, which all have problems, rejected."""
    world = small_world.build(library, folder, things=("rivers",))
    small_world.base_model(library)
    model = library.models.add(Model(library.models.new_id(), "base/none", "", "policy", now()))
    library.models.promote(model.id, "better")
    engine = ScriptedEngine(lambda _, seed: f"## Note\n- In {1500 + seed % 97} it rained.\n")
    drafts = drafting.draft(library, settings=world.settings, source="rivers", chapter="Beginnings", n=2, engine=engine)
    assert drafts[0].sampling["turn"]["failed"] == [model.id]
    feedback.decide(library, decision="reject_all", draft_id=drafts[0].id)
    return model


def written_by(library: Library) -> set[str]:
    """Every version that the decision that came in last and its drafts name."""
    payload = library.events.all("decision", after=0)[-1].payload
    drafts = library.drafts.batch(payload["batch"])
    turns = [item["sampling"]["turn"] for item in payload["shown"]] + [draft.sampling["turn"] for draft in drafts]
    named = {item["model"] for item in payload["shown"]} | {draft.model_id for draft in drafts}
    return named.union(*(turn[key] for turn in turns for key in ("versions", "chances", "failed")))


def test_a_version_of_another_library_is_not_taken_for_the_own_one_with_its_number(
    library: Library, other: Library, tmp_path: Path
) -> None:
    model, theirs = rejected_by(library, tmp_path / "one"), rejected_by(other, tmp_path / "two")
    assert model.id == theirs.id
    own = len(other.drafts.all(unshown=True))
    lines = list(export_feedback(library))
    import_feedback(other, lines)
    [foreign] = written_by(other)
    assert foreign.startswith(f"{model.id}@")
    assert [line for line in export_feedback(other) if line in set(lines)] == lines
    history = bandit.outcomes(other.events.standing(*bandit.KINDS))
    assert [item.version for item in history] == [foreign, theirs.id]  # as they were judged
    assert import_feedback(library, export_feedback(other)) == feedback.Exchanged(own, 1, len(lines))
    with Library.create(tmp_path / "copy") as copy:  # which has the very same version
        copy.models.add(model)
        import_feedback(copy, lines)
        assert written_by(copy) == {model.id}
        assert list(export_feedback(copy)) == lines


def test_an_export_that_does_not_tell_of_versions(library: Library, other: Library, tmp_path: Path) -> None:
    model = rejected_by(library, tmp_path / "one")
    lines = [to_json({key: value for key, value in json.loads(line).items() if key != "models"}) for line in export_feedback(library)]
    assert import_feedback(library, lines) == feedback.Exchanged(0, 0, len(lines))
    rejected_by(other, tmp_path / "two")
    import_feedback(other, lines)
    assert written_by(other) == {f"{model.id}@elsewhere"}
    assert import_feedback(other, export_feedback(library)) == feedback.Exchanged(0, 0, len(lines))
    assert [line for line in export_feedback(other) if line in set(lines)] == lines
    with Library.create(tmp_path / "third") as third:
        third.models.add(model)
        import_feedback(third, [line for line in export_feedback(library) if "draft" in json.loads(line)])
        import_feedback(third, lines)  # whose drafts are known, and so are their writers
        assert written_by(third) == {model.id}


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda line: "no json", "is not JSON"),
        (lambda line: "[1]", "no JSON object"),
        (lambda line: line.replace('"comment":"hello"', '"comment":"changed"'), "changed since"),
        (lambda line: json.dumps({"event": "event:1"}), "neither a draft nor an event"),
        (lambda line: json.dumps({"draft": "draft:1", "batch": "b"}), "lacks"),
        (lambda line: json.dumps({**json.loads(line), "payload": 3}), "wrong kind"),
        (lambda line: json.dumps({**json.loads(line), "models": ["model-1"]}), "wrong kind"),
    ],
)
def test_lines_that_are_no_feedback_import_nothing(library: Library, other: Library, damage, says: str) -> None:
    library.events.append("comment", "draft-1", {"comment": "hello"})
    [line] = export_feedback(library)
    with pytest.raises(Invalid, match=says) as caught:
        import_feedback(other, [line, damage(line)])
    assert "line 2" in caught.value.message
    assert other.events.all() == []


words = st.text(max_size=12)
steps = st.lists(st.tuples(st.sampled_from(["comment", "rank", "undo", "decide"]), words, st.integers(0, 2)), max_size=8)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_any_history_round_trips(tmp_path_factory: pytest.TempPathFactory, history) -> None:
    folder = tmp_path_factory.mktemp("history")
    with Library.create(folder / "a") as one, Library.create(folder / "b") as two:
        world = small_world.build(one, folder, things=("rivers",))
        small_world.base_model(one)
        drafts = drafting.draft(one, settings=world.settings, source="rivers", chapter="Beginnings", n=3, engine=ScriptedEngine(numbered))
        for what, text, number in history:
            if what == "comment":
                feedback.comment(one, draft_id=drafts[number].id, text=text if text.strip() else "x")
            elif what == "rank":
                feedback.rank(one, batch_id="batch-1", order=[[drafts[number].id]], best_only=True, comment=text)
            elif what == "decide":
                feedback.decide(one, draft_id=drafts[number].id, decision="reject", comment=text)
            elif feedback.history(one) and not all(action.undone for action in feedback.history(one)):
                feedback.undo(one)
        lines = list(export_feedback(one))
        import_feedback(two, lines)
        assert list(export_feedback(two)) == lines


def statuses(library: Library) -> list[str]:
    return [pair.status for pair in library.pairs.all()]


def decided(library: Library, folder: Path) -> list[str]:
    """One pair accepted after a change of mind, one split; two more are not decided. The lines that tell it."""
    small_world.build(library, folder, things=("rivers", "looms"))
    first, second, *_ = library.pairs.all()
    library.pairs.decide(first.id, "rejected")
    library.pairs.decide(first.id, "accepted")
    pairing.split(library, second.id, [second.links[1].highlight_id])
    return list(export_feedback(library))


def arrived(library: Library, other: Library, folder: Path, *, feedback_first: bool) -> list[str]:
    """These lines, and the same notes and highlights, in another library, in either order; the lines."""
    lines = decided(library, folder / "one")
    if feedback_first:
        import_feedback(other, lines)
    small_world.build(other, folder / "two", things=("rivers", "looms"))
    import_feedback(other, lines)
    return lines


@pytest.mark.parametrize("feedback_first", [True, False])
def test_decisions_about_pairs_hold_elsewhere(library: Library, other: Library, tmp_path: Path, feedback_first: bool) -> None:
    lines = arrived(library, other, tmp_path, feedback_first=feedback_first)
    assert statuses(other) == statuses(library) == ["accepted", "accepted", "proposed", "proposed"]
    assert [pair.links for pair in other.pairs.all()] == [pair.links for pair in library.pairs.all()]
    assert list(export_feedback(other)) == lines
    before = other.pairs.fingerprint()
    assert import_feedback(other, lines).events == 0
    assert other.pairs.fingerprint() == before
    assert other.pairs.propose([])["removed"] == 2
    one, two = other.pairs.all()
    assert len(pairing.reopen(other, two.id).links) == 2
    other.pairs.decide(one.id, "rejected")
    import_feedback(other, lines)
    assert statuses(other) == ["rejected", "proposed"]  # what is decided here later holds
    import_feedback(library, export_feedback(other))
    assert statuses(library)[:2] == ["rejected", "proposed"]


def test_an_older_decision_of_elsewhere_does_not_hold(library: Library, other: Library, tmp_path: Path) -> None:
    lines = decided(library, tmp_path / "one")
    small_world.build(other, tmp_path / "two", things=("rivers", "looms"))
    for pair in other.pairs.all()[:2]:
        other.pairs.decide(pair.id, "rejected")
    import_feedback(other, lines)
    assert statuses(other)[:2] == ["rejected", "rejected"]
    assert len(other.pairs.all()[1].links) == 2


@pytest.mark.parametrize("feedback_first", [True, False])
def test_an_undone_decision_about_a_pair_is_open_again(library: Library, other: Library, tmp_path: Path, feedback_first: bool) -> None:
    arrived(library, other, tmp_path, feedback_first=feedback_first)
    taken = [event.id for event in library.events.all("pair")]
    library.events.append("undo", str(taken[-1]), {"events": taken, "kind": "pair"})
    import_feedback(other, export_feedback(library))
    assert statuses(other) == ["proposed"] * 4
    assert len(other.pairs.all()[1].links) == 2


def test_a_decision_stays_with_the_pair_that_it_was_about(library: Library, other: Library, tmp_path: Path) -> None:
    lines = decided(library, tmp_path / "one")
    import_feedback(other, lines)
    small_world.build(other, tmp_path / "two", things=("rivers", "looms"))
    pair = other.pairs.all()[0]
    with other.db.write() as connection:  # its passage was written anew: the pair keeps its words, the place has another pair
        connection.execute("UPDATE pairs SET passage_text='words of another day' WHERE id=?", (pair.id,))
    other.pairs.propose([replace(pair, id="", status="proposed")])
    held = {item.passage_id: item.status for item in other.pairs.all()}
    assert held.pop(pair.passage_id) == "proposed"
    assert [status for place, status in held.items() if place.startswith("left-")] == ["accepted"]
    assert import_feedback(other, lines).events == 0


def test_a_decision_about_a_pair_that_is_no_more_is_about_none_elsewhere(library: Library, other: Library, tmp_path: Path) -> None:
    small_world.build(library, tmp_path / "one", things=("rivers", "looms"))
    small_world.build(other, tmp_path / "two", things=("looms",))
    for pair in library.pairs.all():
        library.pairs.decide(pair.id, "accepted")
        library.pairs.decide(pair.id, "proposed")
    library.pairs.propose([])
    for pair in other.pairs.all():
        other.pairs.decide(pair.id, "accepted", links=pair.links[:1])
    lines = list(export_feedback(library))
    assert import_feedback(library, lines).events == 0
    import_feedback(other, lines)
    assert statuses(other) == ["accepted", "accepted"]
    assert all(len(other.pairs.history(pair.id)) == 1 for pair in other.pairs.all())


def without(lines: list[str], part: str) -> list[str]:
    kinds = [json.loads(line).get("kind", "draft") for line in lines]
    if part == "the undo alone":
        return [lines[kinds.index("undo")]]
    if part == "the events alone":
        return [line for line, kind in zip(lines, kinds, strict=True) if kind != "draft"]
    gone = kinds.index({"all but one draft": "draft", "all but a decision that was taken back": "decision"}[part])
    return lines[:gone] + lines[gone + 1 :]


@pytest.mark.parametrize("part", ["the undo alone", "the events alone", "all but one draft", "all but a decision that was taken back"])
def test_a_part_that_refers_to_what_is_nowhere_imports_nothing(library: Library, other: Library, tmp_path: Path, part: str) -> None:
    judged(library, tmp_path / "one")
    while library.events.standing("decision"):
        feedback.undo(library)
    lines = list(export_feedback(library))
    small_world.build(other, tmp_path / "two", things=("rivers", "looms"))
    with pytest.raises(Invalid, match=r"line \d+ refers to (event|draft|batch):\w+.* neither in the file nor in this library") as caught:
        import_feedback(other, without(lines, part))
    assert caught.value.problems
    assert (other.events.all(), other.drafts.all(unshown=True), list(export_feedback(other))) == ([], [], [])
    import_feedback(other, lines)
    assert list(export_feedback(other)) == lines


@pytest.mark.parametrize("order", ["backwards", "sorted"])
def test_the_lines_may_come_in_any_order(library: Library, other: Library, tmp_path: Path, order: str) -> None:
    judged(library, tmp_path / "one")
    for _ in range(2):
        event = library.events.append("comment", "draft-1", {"comment": "again"}, at="2026-01-01T00:00:00+00:00")
    library.events.append("undo", str(event.id), {"events": [event.id], "kind": "comment"})
    lines = list(export_feedback(library))
    small_world.build(other, tmp_path / "two", things=("rivers", "looms"))
    done = import_feedback(other, sorted(lines) if order == "sorted" else lines[::-1])
    assert (done.drafts + done.events, done.known) == (len(lines), 0)
    assert sorted(export_feedback(other)) == sorted(lines)
    assert import_feedback(other, lines).known == len(lines)
    assert [event.at for event in other.events.standing()] == [event.at for event in library.events.standing()]
    mine, theirs = ([(item.event.kind, item.event.at, len(item.pairs)) for item in choices(one)] for one in (library, other))
    assert mine == theirs


def test_a_part_is_taken_where_the_rest_is_here(library: Library, other: Library, tmp_path: Path) -> None:
    judged(library, tmp_path / "one")
    import_feedback(other, export_feedback(library))
    feedback.comment(library, draft_id="draft-1", text="later")
    feedback.undo(library)
    lines = list(export_feedback(library))
    assert import_feedback(other, lines[-2:]) == feedback.Exchanged(0, 2, 0)
    assert list(export_feedback(other)) == lines


def test_a_home_into_which_a_part_was_imported_earlier_recovers(library: Library, other: Library, tmp_path: Path) -> None:
    judged(library, tmp_path / "one")
    lines = list(export_feedback(library))
    world = small_world.build(other, tmp_path / "two", things=("rivers", "looms"))
    for line in map(json.loads, lines):  # as earlier versions took events without their drafts
        if line.get("kind") in ("ranking", "undo"):
            other.events.append(line["kind"], line["subject"], line["payload"], at=line["at"])
    [draft] = other.drafts.add([Draft("", other.drafts.new_batch(), "s", "", "m", "x", 0, 0, now())])
    own = feedback.comment(other, draft_id=draft.id, text="mine")
    assert other.events.undone() == set()
    assert feedback.undo(other, settings=world.settings).payload["events"] == [own.id]
    assert len(told := list(export_feedback(other))) == 3  # a draft, the comment and its undo: what refers to nothing is not told
    done = import_feedback(other, lines)
    assert (done.known, done.drafts + done.events) == (0, len(lines))
    assert [(event.kind, event.at) for event in other.events.standing("ranking", "decision", "edit", "insertion")] == [
        (event.kind, event.at) for event in library.events.standing("ranking", "decision", "edit", "insertion")
    ]
    assert len(choices(other)) == len(choices(library)) > 0
    assert list(export_feedback(other)) == [*told, *lines]
    assert import_feedback(other, lines).known == len(lines)


def test_a_batch_of_which_a_part_came_first_stays_one(library: Library, other: Library, tmp_path: Path) -> None:
    judged(library, tmp_path / "one")
    drafts = [line for line in export_feedback(library) if "draft" in json.loads(line)]
    first = json.loads(drafts[0])
    assert json.loads(drafts[1])["batch"] == first["batch"]
    second = next(draft for draft in library.drafts.all(unshown=True) if draft.text == json.loads(drafts[1])["text"])
    other.drafts.add([replace(second, id="", batch_id=other.drafts.new_batch())])  # as earlier versions let it in
    with pytest.raises(Invalid, match=first["draft"]):
        import_feedback(other, drafts[1:])
    import_feedback(other, drafts)
    assert {item.batch_id for item in other.drafts.all(unshown=True)} == {"batch-1", "batch-2"}


@dataclass
class Machines:
    """Two machines with a library each, and one vault that is synced between them, under another path on each."""

    here: Library
    there: Library
    mine: small_world.World
    theirs: small_world.World
    hidden: Path

    def sync(self) -> None:
        shutil.rmtree(self.theirs.vault)
        shutil.copytree(self.mine.vault, self.theirs.vault)

    def exchange(self) -> None:
        import_feedback(self.there, list(export_feedback(self.here)))
        import_feedback(self.here, list(export_feedback(self.there)))

    @contextmanager
    def on_the_other(self) -> Iterator[None]:
        """Where the first one's folder is not."""
        self.mine.vault.rename(self.hidden)
        yield
        self.hidden.rename(self.mine.vault)


@pytest.fixture
def machines(library: Library, other: Library, tmp_path: Path) -> Machines:
    mine, theirs = (small_world.build(one, tmp_path / name, things=("rivers", "looms")) for one, name in ((library, "one"), (other, "two")))
    small_world.base_model(library)
    small_world.base_model(other)
    return Machines(library, other, mine, theirs, tmp_path / "hidden")


def accepted(library: Library, world: small_world.World, into: str, thing: str = "rivers") -> str:
    engine = ScriptedEngine(numbered)
    drafts = drafting.draft(library, settings=world.settings, source=thing, chapter="Beginnings", seed=1, n=2, engine=engine)
    feedback.accept(library, settings=world.settings, draft_id=drafts[0].id, into=into)
    return drafts[0].id


def test_nothing_stands_of_an_insertion_that_was_taken_back_on_another_machine(machines: Machines) -> None:
    accepted(machines.here, machines.mine, "Notes/Rivers.md")
    machines.sync()
    machines.exchange()
    with machines.on_the_other():
        assert feedback.capture(machines.there, settings=machines.theirs.settings, quiet=0.0).followed == 1
    feedback.undo(machines.here, settings=machines.mine.settings)
    machines.sync()
    with machines.on_the_other():
        [noticed] = feedback.capture(machines.there, settings=machines.theirs.settings, quiet=0.0).logged
    assert noticed.payload["deleted"]
    machines.exchange()
    for one in (machines.here, machines.there):
        assert one.events.standing("decision", "insertion", "edit") == []
        assert bandit.outcomes(one.events.standing(*bandit.KINDS)) == []
        assert account(one).taken == 0
        with pytest.raises(NotFound):
            feedback.undo(one)
    assert sorted(export_feedback(machines.here)) == sorted(export_feedback(machines.there))


def test_undo_takes_back_what_was_done_last_and_not_what_came_in_last(machines: Machines) -> None:
    accepted(machines.here, machines.mine, "Notes/Old.md")
    machines.sync()
    accepted(machines.there, machines.theirs, "Notes/Mine.md", "looms")
    machines.exchange()
    with machines.on_the_other():
        assert feedback.undo(machines.there, settings=machines.theirs.settings).payload["note_path"] == "Notes/Mine.md"
        assert (machines.theirs.vault / "Notes/Old.md").exists()
        assert not (machines.theirs.vault / "Notes/Mine.md").exists()
        # The older one is the last now: the synced note goes here as it would there.
        assert feedback.undo(machines.there, settings=machines.theirs.settings).payload["note_path"] == "Notes/Old.md"
        assert not (machines.theirs.vault / "Notes/Old.md").exists()


def test_a_change_that_came_in_before_the_vault_was_looked_at_is_not_stored_again(machines: Machines) -> None:
    accepted(machines.here, machines.mine, "Notes/Rivers.md")
    note = machines.mine.vault / "Notes/Rivers.md"
    for old, new in (("words", "lines"), ("lines", "words"), ("words", "lines")):
        note.write_text(note.read_text().replace(old, new))
        assert len(feedback.capture(machines.here, settings=machines.mine.settings, quiet=0.0).logged) == 1
    import_feedback(machines.there, list(export_feedback(machines.here)))
    machines.sync()
    with machines.on_the_other():
        assert feedback.capture(machines.there, settings=machines.theirs.settings, quiet=0.0).logged == ()
    note.write_text(note.read_text().replace("lines", "verses"))
    machines.sync()
    with machines.on_the_other():
        assert len(feedback.capture(machines.there, settings=machines.theirs.settings, quiet=0.0).logged) == 1


def test_an_insertion_that_came_in_and_is_told_again_by_a_plugin_is_known(machines: Machines) -> None:
    draft_id = accepted(machines.here, machines.mine, "Notes/Rivers.md")
    [made] = machines.here.events.all("insertion")
    insertion = made.payload["insertion"]
    machines.sync()
    import_feedback(machines.there, list(export_feedback(machines.here)))
    shutil.rmtree(machines.here.home / "backups")
    [there] = [draft.id for draft in machines.there.drafts.all() if draft.text == machines.here.drafts.get(draft_id).text]
    told = feedback.record_insertion(
        machines.there, settings=machines.theirs.settings, draft_id=there, note_path="Notes/Rivers.md",
        start=insertion["start"], inserted=insertion["inserted"],
    )  # fmt: skip
    assert [event.at for event in told.events] == [made.at]
    assert len(machines.there.events.all("insertion")) == 1


def test_only_the_librarys_own_vault_is_written_to(machines: Machines) -> None:
    accepted(machines.here, machines.mine, "Notes/Rivers.md")
    note = (machines.mine.vault / "Notes/Rivers.md").read_bytes()
    import_feedback(machines.there, list(export_feedback(machines.here)))
    with pytest.raises(Conflict, match="was changed where the text had been put"):  # not synced yet
        feedback.undo(machines.there, settings=machines.theirs.settings)
    machines.sync()
    assert feedback.undo(machines.there, settings=machines.theirs.settings).payload["note_path"] == "Notes/Rivers.md"
    assert (machines.mine.vault / "Notes/Rivers.md").read_bytes() == note
    assert (machines.theirs.vault / "Notes/Rivers.md").read_bytes() != note


def test_what_was_done_last_on_another_machine_is_taken_back_where_its_text_is_and_nothing_older_instead(machines: Machines) -> None:
    accepted(machines.there, machines.theirs, "Notes/Mine.md", "looms")
    accepted(machines.here, machines.mine, "Notes/Rivers.md")
    import_feedback(machines.there, list(export_feedback(machines.here)))  # the vault is not synced yet
    notes = {path: path.read_bytes() for path in machines.theirs.vault.rglob("*.md")}
    with machines.on_the_other(), pytest.raises(Conflict, match=r"Notes/Rivers\.md"):
        feedback.undo(machines.there, settings=machines.theirs.settings)
    assert {path: path.read_bytes() for path in machines.theirs.vault.rglob("*.md")} == notes
    assert len(machines.there.events.standing("insertion")) == 2


def test_without_a_vault_of_its_own_a_library_writes_nowhere(machines: Machines) -> None:
    accepted(machines.here, machines.mine, "Notes/Rivers.md")
    note = (machines.mine.vault / "Notes/Rivers.md").read_bytes()
    import_feedback(machines.there, list(export_feedback(machines.here)))  # its event names a folder that this machine has, too
    for own in (None, replace(machines.theirs.settings, vault=None)):
        with pytest.raises(Invalid, match="vault") as caught:
            feedback.undo(machines.there, settings=own)
        assert "notewright init --vault" in caught.value.hint
    assert (machines.mine.vault / "Notes/Rivers.md").read_bytes() == note
    assert len(machines.there.events.standing("insertion")) == 1
    assert feedback.undo(machines.there, keep_note=True).payload["how"] == "kept"
    assert (machines.mine.vault / "Notes/Rivers.md").read_bytes() == note
