"""Gates: silent about the person's own sections, loud about corrupted ones, and calibrated by what the person does."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from notewright import feedback
from notewright.gates import GATES, Habits, check, habits_of, problems, supported
from notewright.gates.coverage import unused
from notewright.gates.habits import learn, look, weigh
from notewright.library import Library
from notewright.library.examples import CHANGED
from notewright.records import Draft, Finding, Highlight
from notewright.vault import VaultIndex, bearing, build_index

BENDS = Highlight(
    text="Between 1890 and 1935 the engineers of Varde removed 41 bends from a river. It rained.", id="h1", annotation="Bends go"
)
FLOOD = Highlight(text="A straight river is an argument that has not met its flood yet.", id="h2", is_favorite=True)
PICTURE = Highlight(text="![](https://images.example.org/bed-level.png)", id="h3")
ALL = (BENDS, FLOOD, PICTURE)
GOOD = (
    "## Rivers\n> [!quote]\n> A straight river is an argument that has not met its flood yet.\n\n"
    "- **Bends go.** The engineers of Varde removed 41 bends from a river.\n\n![[bed-level.png]]\n"
)
SURE = Habits(100, {}, {"annotated": (60, 60), "favourite": (60, 60), "picture": (20, 20), "plain": (0, 50)})


def gates(text: str, habits: Habits = SURE, **options: object) -> dict[str, str]:
    return {finding.gate: finding.severity for finding in check(text, highlights=ALL, habits=habits, **options)}  # type: ignore[arg-type]


def test_a_good_section_passes() -> None:
    assert check(GOOD, highlights=ALL, habits=SURE) == ()


@pytest.mark.parametrize(
    ("changed", "gate", "severity"),
    [
        (GOOD.replace("41", "43"), "invented number", "block"),
        (GOOD.replace("of Varde", "of Port Holmby"), "invented name", "block"),
        (GOOD.replace("removed", "removed, as Anna Lind says,"), "invented name", "block"),
        (GOOD.replace("argument that", "promise that"), "invented quotation", "block"),
        (GOOD.replace("![[bed-level.png]]", ""), "lost asset", "warn"),
        (GOOD.replace("bed-level", "sea-level"), "invented asset", "block"),
        (GOOD[: GOOD.index("- **")] + "![[bed-level.png]]\n", "lost highlight", "block"),
        (GOOD.replace("river.\n", "river. Bakers prefer sourdough because customers enjoy crusts.\n"), "unsupported sentence", "warn"),
        (GOOD + "\n## Next\n", "breaks off", "block"),
        ("", "empty", "block"),
    ],
)  # fmt: skip
def test_each_damage_meets_its_gate(changed: str, gate: str, severity: str) -> None:
    assert gates(changed).get(gate) == severity


@pytest.mark.parametrize(
    ("code", "runs"),
    [
        ("```dataviewjs\ndv.paragraph(1)\n```", True),
        ("> ~~~DataviewJS\n> dv.paragraph(1)\n> ~~~", True),
        ("Bends `$= dv.current()` go.", True),
        ("Bends <%* await tp.user.run() %> go.", True),
        ("```text\n<% tp.file.title %>\n```", True),
        ("```js\ndv.paragraph(1)\n```", False),
        ("```dataview\nLIST\n```", False),
        ("Bends `= this.file.name`, `$x` and 41 <% of the river.", False),
    ],
)
def test_code_that_would_run_in_the_note_blocks_though_a_highlight_says_it(code: str, runs: bool) -> None:
    said = [Highlight(text=code, id="h1")]
    often = Habits(100, {"runs code": 90}, {})  # the person's own notes run code too
    found = [item for item in check(code, highlights=said, habits=often) if item.gate == "runs code"]
    assert [item.severity for item in found] == ["block"] * runs
    assert all(code[item.start : item.end].strip() for item in found)


def test_a_cut_off_draft_says_so() -> None:
    found = check(GOOD, highlights=ALL, habits=SURE, finished=False, tokens=12)
    assert problems(found) == ("cut off after 12 tokens",)


@pytest.mark.parametrize(
    ("chapters", "way"), [(("", ""), "fewer"), (("One", "One"), "fewer"), (("One", "Two"), "one chapter (--chapter) or fewer")]
)
def test_a_full_context_names_only_ways_out_that_there_are(chapters: tuple[str, str], way: str) -> None:
    shown = [Highlight(text=f"The river bends {place}.", id=f"h{place}", chapter=chapter) for place, chapter in enumerate(chapters)]
    (problem,) = problems(check("The river", highlights=shown, finished=False, tokens=12, full=True))
    assert problem == f"cut off after 12 tokens, as the model sees no more: choose {way} highlights (--highlights)"


@pytest.mark.parametrize(("sort", "used", "severity"), [
    ("annotated", (60, 60), "block"), ("annotated", (45, 60), "warn"), ("annotated", (3, 3), ""),
    ("annotated", (10, 60), ""), ("plain", (60, 60), ""),
])  # fmt: skip
def test_a_lost_highlight_counts_only_where_the_person_would_have_used_it(sort: str, used: tuple[int, int], severity: str) -> None:
    text = GOOD[: GOOD.index("- **")]
    habits = Habits(100, {}, {sort: used})
    assert gates(text, habits).get("lost highlight", "") == severity


@pytest.mark.parametrize(("passages", "fired", "severity"), [(100, 0, "block"), (100, 20, "warn"), (100, 60, ""), (5, 5, "block")])
def test_a_gate_that_fires_on_the_persons_own_notes_says_less(passages: int, fired: int, severity: str) -> None:
    text = GOOD.replace("41", "43")
    assert gates(text, Habits(passages, {"invented number": fired})).get("invented number", "") == severity


def test_names_only_warn_until_enough_passages_are_known() -> None:
    assert gates(GOOD.replace("of Varde", "of Holmby"), Habits())["invented name"] == "warn"


@pytest.mark.parametrize(
    "text",
    [
        "Rivers meander. Engineers disagree.",
        "As Varde’s people say, I’m a river.",
        "See [[Some Other Note]] and #Tag here.",
        "**A Title In Capitals Everywhere.** It rained.",
        "> [!note] Remember This\n> it rained.",
    ],
)
def test_what_is_no_invented_name(text: str) -> None:
    assert "invented name" not in gates(text, Habits())


@pytest.mark.parametrize(
    ("given", "text", "invented"),
    [
        ("The GPU sells well.", "Nobody in this town sells GPUs as well.", ""),
        ("They buy it, as Americans do.", "It is bought, and an American does it.", ""),
        ("They went to the U.S. and the U.K.", "It was the US, not the UK, they wanted.", ""),
        ("They went to the U.K.", "It was the US they wanted.", "US"),
        ("She saw a Roman.", "She saw the Romanian.", "Romanian"),
    ],
)
def test_a_name_in_the_plural_or_without_its_points_is_the_same(given: str, text: str, invented: str) -> None:
    found = check(text, highlights=[Highlight(given, id="h")])
    assert [text[item.start : item.end] for item in found if item.gate == "invented name"] == ([invented] if invented else [])


@pytest.mark.parametrize("separator", ["\u2028", "\x85", "\x0b", "\x0c"])  # copied from a PDF or a rich text
def test_a_separator_inside_a_line_hides_no_sentence_and_makes_none_of_a_heading(separator: str) -> None:
    text = f"{GOOD}\n## A{separator}flood\n\n- The river, Anna Lind says, met it.\n\n## On Rivers of Norway\n\nIt met.\n"
    found = check(text, highlights=ALL, habits=SURE)
    assert [text[item.start : item.end] for item in found if item.gate == "invented name"] == ["Anna Lind"]


def test_findings_point_into_the_draft() -> None:
    text = GOOD.replace("of Varde", "of Varde and Port Holmby").replace("41", "43")
    for finding in check(text, highlights=ALL, habits=SURE):
        assert text[finding.start : finding.end] in ("43", "Varde and Port Holmby", "Port Holmby")


def test_sentences_know_their_highlights() -> None:
    found = supported(GOOD, ALL)
    assert [(GOOD[item.start : item.start + 12], item.highlight_ids) for item in found] == [
        ("A straight r", ("h2",)),
        (" The enginee", ("h1",)),
    ]
    assert all(item.support == 1 for item in found)


def test_similar_highlights_are_told_apart() -> None:
    alike = tuple(Highlight(f"The {word} fact about rivers concerns careful observers.", id=word) for word in ("first", "second", "third"))
    habits = learn([("- The first fact about rivers concerns careful observers.", alike, "")])
    assert habits.used["plain"] == (1, 3)


def test_a_passage_marked_twice_is_used_where_it_is_said_once() -> None:
    twice = (replace(FLOOD, is_favorite=False), FLOOD, replace(BENDS, annotation=""))
    assert unused("- A straight river is an argument that has not met its flood yet.", twice) == [twice[2]]
    assert unused("- The engineers of Varde removed 41 bends from a river.", twice) == [*twice[:2]]
    longer = replace(FLOOD, text=f"{FLOOD.text} Soon.")  # without it, the shorter one has no word of its own
    assert unused(f"- {FLOOD.text}", (FLOOD, longer, twice[2])) == [longer, twice[2]]


def test_pictures_and_addresses_of_their_own_are_no_habit_that_a_draft_could_share() -> None:
    index = VaultIndex(paths=["own.png"])
    passages = [(GOOD + f"\n![[own.png]] ![](https://own.example.org/{at}.png)\n", ALL, "") for at in range(24)]
    habits = learn(passages, vault_index=index)
    assert gates(GOOD + "\n![](https://new.example.org/x.png)\n", habits)["invented asset"] == "block"
    assert gates(GOOD + "\nSo [[it goes\n", Habits(100, {"links": 90}))["links"] == "block"
    assert "invented asset" not in gates(GOOD + "\n![[own.png]]\n", habits, vault_index=index)


def test_who_says_things_twice_does_not_go_in_circles() -> None:
    twice = [(GOOD + GOOD[GOOD.index("- **") :], ALL, "")] * 24
    circles = GOOD + "- **Bends**: " * 8
    assert "repeats" not in gates(twice[0][0], learn(twice))
    assert gates(circles, learn(twice))["loops"] == "block"


def test_an_unclosed_mark_blocks_unless_the_person_leaves_them_open() -> None:
    text = GOOD.replace("**Bends go.**", "**Bends go.")
    assert gates(text)["unclosed mark"] == "block"
    assert gates(text, learn([(text, ALL, "")] * 24)).get("unclosed mark") is None


def test_a_new_tag_is_to_be_checked_unless_the_person_often_makes_new_ones(tmp_path: Path) -> None:
    for at in range(24):
        (tmp_path / f"{at}.md").write_text(f"{GOOD}\n#rivers #own-{at}\n", encoding="utf-8")
    index = build_index(tmp_path)
    same = weigh([look(GOOD + "\n#rivers\n", ALL, "", index, bearing(index, besides=f"{at}.md")) for at in range(24)])
    each = weigh([look(GOOD + f"\n#own-{at}\n", ALL, "", index, bearing(index, besides=f"{at}.md")) for at in range(24)])
    text = GOOD + "\n#rivers #invented\n"
    options = {"vault_index": index, "tagged": bearing(index)}
    assert gates(text, same, **options) == {"invented tag": "warn"}
    assert gates(text, each, **options) == {}
    assert gates(text, same, vault_index=index) == {}  # nobody was asked


@pytest.mark.parametrize("habits", [Habits(), Habits(24, {}), Habits(24, {"invented tag": 4}), Habits(24, {"invented tag": 24})])
def test_a_new_tag_never_counts_against_a_version_or_a_reward(habits: Habits) -> None:
    """Evaluation and training ask for what blocks alone, and leave out who could tell whether a tag is new."""
    text = GOOD + "\n#invented\n\nIn 1999 it ends.\n"
    asked, left_out = (check(text, highlights=ALL, habits=habits, tagged=tagged) for tagged in (lambda tag: False, None))
    assert problems(asked) == problems(left_out) != ()


@pytest.mark.parametrize(
    ("word", "broken"),
    [
        ("interleavinging", True), ("Interleavinginging", True), ("sociallyally", True), ("riveriveriveriver", True), ("hahahaha", False),
        ("stringing", False), ("argumentments", True), ("commonsense", False), ("Springing", False), ("couscous", False),
        ("eelingling", False), ("川川川川川川川川川川川川", False), ("#socialcial", False), ("`socialcial`", False),
    ],
)  # fmt: skip
def test_a_word_that_stutters_is_hardly_one(word: str, broken: bool) -> None:
    given = [Highlight("Interleaving is social, done socially; an argument of string and spring by the river. Eelingling.")]
    found = check(f"They said {word} of it.", highlights=given)
    assert [item.reason for item in found if item.gate == "broken word"] == [f"this is hardly a word: {word}"] * broken
    assert all((item.severity, item.start) == ("warn", 10) for item in found if item.gate == "broken word")


class Meaning:
    """An entailment model that knows one lie."""

    def probability(self, premise: str, sentence: str) -> float:
        return 0.1 if "added" in sentence else 0.9


def test_the_entailment_gate_catches_what_words_cannot() -> None:
    turned = GOOD.replace("removed 41 bends from", "added 41 bends from")
    assert gates(turned) == {}
    assert gates(turned, nli=Meaning()) == {"not entailed": "warn"}
    assert gates(GOOD, nli=Meaning()) == {}


def test_findings_are_stored_with_the_draft(library: Library) -> None:
    from notewright.library.database import now
    from notewright.records import Draft

    findings = check(GOOD.replace("41", "43").replace("![[bed-level.png]]", ""), highlights=ALL, habits=SURE)
    draft = Draft("", "batch-1", "s", "", "model-1", "x", 0, 0, now(), problems=problems(findings), findings=findings)
    (stored,) = library.drafts.add([draft])
    assert stored.findings == findings
    assert stored.problems == ("the number 43 is in no highlight",)
    assert stored.warnings == ("the picture bed-level.png is left out",)


def test_every_gate_has_its_place() -> None:
    assert len(set(GATES)) == len(GATES)
    with pytest.raises(KeyError):
        SURE.severity(Finding("unheard of", "block", "x"))


def test_habits_are_kept_until_the_pairs_change(library: Library, tmp_path: Path) -> None:
    import small_world

    world = small_world.build(library, tmp_path)
    first = habits_of(world.library)
    assert first.passages == 24
    assert first.used == {"annotated": (24, 24), "plain": (24, 48)}
    assert habits_of(world.library) == first
    library.pairs.decide(library.pairs.all()[0].id, "rejected")
    assert habits_of(world.library).passages == 23


@pytest.mark.parametrize("changed", ["", "2020-01-01T00:00:00Z"])
def test_habits_follow_when_an_import_takes_passages_out_of_the_examples(library: Library, tmp_path: Path, changed: str) -> None:
    import small_world

    small_world.build(library, tmp_path)
    library.db.set_state(CHANGED, changed)
    assert habits_of(library).passages == 24
    source = library.sources.all()[0]
    gone = tuple(replace(item, is_discard=True) for item in library.sources.highlights(source.id) if item.chapter == "Beginnings")
    library.sources.upsert([replace(source, highlights=gone)], origin="api", complete=False)
    assert habits_of(library).passages == 23


def test_what_a_person_does_since_they_changed_outweighs_what_they_did_before() -> None:
    twice = GOOD + "\n" + GOOD[GOOD.index("- **") :]
    before, since = [(GOOD, ALL, "")] * 24, [(twice, ALL, "")] * 6
    alike = learn([*before, *since])
    changed = learn([*before, *since], weights=[0.25] * 24 + [1.0] * 6)
    assert (alike.passages, alike.fired["repeats"]) == (30, 6)
    assert (changed.passages, changed.fired["repeats"]) == (30, 15)
    assert gates(twice, alike)["repeats"] == "warn"
    assert "repeats" not in gates(twice, changed)
    assert changed.used["annotated"] == (12, 12)


def test_habits_are_learnt_anew_when_the_person_changes(library: Library, tmp_path: Path) -> None:
    import small_world

    world = small_world.build(library, tmp_path)
    assert habits_of(world.library).used["annotated"] == (24, 24)
    library.db.set_state(CHANGED, "2020-01-01T00:00:00Z")
    assert habits_of(world.library).used["annotated"] == (6, 6)
    source = library.sources.all()[0].id
    shown = tuple(item.id for item in library.sources.highlights(source))
    (draft,) = library.drafts.add([Draft(
        id="", batch_id=library.drafts.new_batch(), source_id=source, chapter="", model_id="model-1", text="A.", position=0, seed=0,
        created_at="2020-01-02T00:00:00Z", highlight_ids=shown,
    )])  # fmt: skip
    feedback.decide(library, decision="accept", draft_id=draft.id)
    assert habits_of(world.library).used["annotated"] > (6, 6)


def test_passages_are_looked_at_once_though_they_weigh_less_with_each_judgement(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import small_world
    from notewright.gates import habits

    small_world.build(library, tmp_path)
    look, looked = habits.look, []

    def noted(passage: str, *others: object) -> object:
        looked.append(passage)
        return look(passage, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(habits, "look", noted)
    library.db.set_state(CHANGED, "2020-01-01T00:00:00Z")
    used = [habits_of(library).used["annotated"]]
    for source in library.sources.all()[:2]:
        shown = tuple(item.id for item in library.sources.highlights(source.id))
        [draft] = library.drafts.add([
            Draft("", library.drafts.new_batch(), source.id, "", "model-1", "A.", 0, 0, "2020-01-02T00:00:00Z", highlight_ids=shown)
        ])  # fmt: skip
        feedback.decide(library, decision="accept", draft_id=draft.id)
        used.append(habits_of(library).used["annotated"])
    assert used == sorted(set(used))
    assert len(looked) == 24
    library.pairs.decide(library.pairs.all()[0].id, "rejected")
    assert habits_of(library).passages == 23


def test_the_sample_person_is_left_alone_and_damage_is_found() -> None:
    """The figures of docs/lab-notes.md, with one seed: no gate blocks the person's own passages; each corruption meets its gate."""
    spec = importlib.util.spec_from_file_location("gate_figures", Path(__file__).resolve().parents[2] / "benchmarks" / "gates.py")
    assert spec is not None
    assert spec.loader is not None
    figures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(figures)
    result = figures.measure(seeds=1)
    assert result["passages"] >= 50
    assert sum(counts["block"] for counts in result["false_alarms"].values()) == 0
    for name, row in result["detections"].items():
        least = {"cut short": 0.6, "a quotation cut": 0.7, "a word that stutters": 0.85}.get(name, 0.95)
        assert row["caught"] >= least * row["tried"] > 0, name


RIVER_JA = Highlight("川は曲がる。水はゆっくり流れる。", id="ja")
RIVER_ZH = Highlight("河流在平原上蜿蜒，水流缓慢，泥沙沉积成肥沃的土地。", id="zh")
RIVER_TH = Highlight("แม่น้ำไหลคดเคี้ยวผ่านที่ราบ และน้ำไหลช้าลงทุกฤดูแล้ง", id="th")
RIVER_KO = Highlight("강은 평야를 굽이쳐 흐르고 물은 천천히 바다로 간다.", id="ko")


@pytest.mark.parametrize(
    ("highlight", "text"),
    [
        (RIVER_JA, "- 東京タワーは一九五八年に建てられ、多くの観光客が毎年訪れている。"),
        (RIVER_JA, "- 水はゆっくり流れる。経済学によれば、需要と供給は常に釣り合うとは限らない。"),
        (RIVER_ZH, "- 东京铁塔建于上世纪，每年都有许多游客前来参观。"),
        (RIVER_TH, "- กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทยและมีประชากรมากที่สุด"),
        (RIVER_KO, "- 서울은 대한민국의 수도이며 인구가 가장 많은 도시이다."),
    ],
)
def test_an_invented_sentence_is_found_in_scripts_without_spaces(highlight: Highlight, text: str) -> None:
    assert "unsupported sentence" in {finding.gate for finding in check(text, highlights=[highlight])}


@pytest.mark.parametrize(
    ("highlight", "text"),
    [
        (RIVER_JA, "- ゆっくり流れる水"),
        (RIVER_JA, "- 川は曲がり、水は流れる。"),
        (RIVER_JA, "> 川は曲がる。\n\n「水はゆっくり流れる」"),
        (RIVER_ZH, "- 泥沙沉积成肥沃的土地"),
        (RIVER_ZH, "- 河流蜿蜒，泥沙沉积成肥沃的土地。"),
        (RIVER_TH, "- น้ำไหลช้าลงทุกฤดูแล้ง"),
        (RIVER_KO, "- 강이 평야를 굽이쳐 흐르고 바다로 간다."),
    ],
)
def test_what_is_cut_short_is_neither_invented_nor_left_out(highlight: Highlight, text: str) -> None:
    habits = Habits(60, {}, {"plain": (60, 60)})
    assert check(text, highlights=[highlight], habits=habits) == ()


@pytest.mark.parametrize(
    ("highlight", "text"),
    [
        (RIVER_JA, "「川は海へ流れる大きな道である」"),
        (RIVER_JA, "『努力は必ず報われるものだと私は信じている』"),
        (RIVER_JA, "> 努力は必ず報われるものだと私は信じている"),
        (RIVER_ZH, "孔子曾说：“学而时习之不亦说乎人不知而不愠”。"),
        (Highlight("Flüsse wurden begradigt."), "Er sagt: »Flüsse wurden nie jemals so richtig begradigt«."),
    ],
)
def test_an_invented_quotation_is_found_in_other_marks(highlight: Highlight, text: str) -> None:
    assert {finding.gate for finding in check(text, highlights=[highlight])} >= {"invented quotation"}


def test_marks_that_close_one_quotation_open_none() -> None:
    text = "« Ici » dit-il toujours à ses amis « et là ». «Oui» dit-il toujours à ses amis du fleuve «non»."
    assert "invented quotation" not in {finding.gate for finding in check(text, highlights=[BENDS])}
    assert "invented quotation" not in {finding.gate for finding in check("『銀河鉄道の夜』と「短い語」", highlights=[RIVER_JA])}


def test_nouns_that_a_language_capitalises_are_no_names() -> None:
    german = [Highlight("In den Dörfern wurden Bäche verlegt, damit der Mais auf den Wiesen wachsen konnte.")]
    text = "- Damit der Mais auf einer Wiese wachsen konnte, wurde jeder Bach verlegt, in jedem Dorf."
    assert check(text, highlights=german, habits=SURE) == ()
    english = [Highlight("In Varde the mayor met Anna Lind of Port Holmby, and then the water came to town in the spring of that year.")]
    text = "- The mayor met Jacob Moe in the spring of that year."
    assert "invented name" in {finding.gate for finding in check(text, highlights=english, habits=SURE)}


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("They drained 4,000 hectares.", "They drained 4.000 hectares."),
        ("Es waren 4.000 Hektar.", "Es waren 4000 Hektar."),
        ("Es waren 4.000 Hektar.", "Es waren 4 000 Hektar."),
        ("Es waren 4000 Hektar.", "Es waren 4\u202f000 Hektar, oder 4’000."),
        ("Es waren 1.234.567,5 Hektar.", "Es waren 1234567.5 Hektar."),
        ("In 2 100 people came.", "In 2 about 100 people came."),
        ("In 2 about 100 people came.", "In 2 100 people came."),
        ("في عام ٢٠٢٠ تغير النهر", "في عام 2020 تغير النهر"),
        ("２０２０年に川は曲がる。", "2020年に川は曲がる。"),
        ("In 2020 it fell by 45%.", "In ٢٠٢٠ it fell by ٤٥٪."),
        ("It rained.", "It rained (01.03.2024, 1.3.2024, 01.03.24, 2024.03.01)."),
        ("In 1914–18, 1951/52 and the 1990s it fell.", "From 1914 to 1918, until 1952 and in the ’90s it fell."),
    ],
)
def test_numbers_may_be_written_as_people_elsewhere_write_them(given: str, text: str) -> None:
    highlights = [Highlight(given, highlighted_at="2024-03-01T10:00:00+00:00")]
    assert "invented number" not in {finding.gate for finding in check(text, highlights=highlights)}


@pytest.mark.parametrize("layout", ["{}", "> {}", "She said “{}”"])
@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("75%", "75 %"),
        ("75%", "75\u00a0%"),
        ("90 %", "90%"),
        ("€15", "15 €"),
        ("15\u202f€", "€15"),
        ("15km", "15 km"),
        ("15 km", "15km"),
        ("5\u00a0km", "5km"),
        ("5GB", "5 GB"),
        ("64 GB", "64GB"),
        ("1.5m", "1.5 m"),
        ("EUR15", "EUR 15"),
    ],
)
def test_a_number_is_the_same_with_and_without_a_space_before_its_unit(given: str, written: str, layout: str) -> None:
    said = "The old plan by the river had {} of the whole thing done by the end."
    assert check(layout.format(said.format(written)), highlights=[Highlight(said.format(given))], habits=SURE) == ()


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("公元2024年3月12日发生了一次很大的地震", "3月12日发生了一次很大的地震"),
        ("大的地震使用H2O分子测量了很多次", "H2O分子测量了很多次"),
        ("2024년3월 큰 지진이 있었다 라고 했다", "3월 큰 지진이 있었다 라고 했다"),
    ],
)
def test_a_quotation_may_begin_at_any_sign_of_a_script_without_spaces(given: str, written: str) -> None:
    assert check(f"> {written}", highlights=[Highlight(given)], habits=SURE) == ()


def test_thousands_behind_a_word_with_a_digit_are_given() -> None:
    said = "In H1 500\u00a0000 people moved to the town."
    assert check("There moved 500\u00a0000 people to the town.", highlights=[Highlight(said)], habits=SURE) == ()


@pytest.mark.parametrize(("given", "written"), [("EUR1.5", "1.5 EUR"), ("US$1,200", "1.200 US$"), ("Sec.2.1", "sec. 2.1"), ("v2.0", "2.0")])
def test_a_number_behind_letters_is_given_too(given: str, written: str) -> None:
    found = check(f"It cost {written} to mend the dike.", highlights=[Highlight(f"It cost {given} to mend the dike.")], habits=SURE)
    assert {finding.gate for finding in found}.isdisjoint({"invented number", "invented name"})


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        ("> They drained 16 km of river with two machines.", "invented quotation"),
        ("They drained 16 km of river.", "invented number"),
        ("The river lost 15 TB of river.", "invented name"),
        ("The road A15 crossed 15 km of river.", "invented name"),
        ("The road NH2 crossed two machines.", "invented name"),
        ("> 5 km of river with two machines.", "invented quotation"),
    ],
)
def test_another_unit_or_number_is_still_invented(text: str, gate: str) -> None:
    given = [Highlight("They drained 15km of river with two machines of NH, on 2 days.")]
    assert gate in {finding.gate for finding in check(text, highlights=given, habits=SURE)}


@pytest.mark.parametrize("text", ["It was 4.001.", "It was 4 001 or 40.000.", "On 02.03.2024.", "In ٢٠٢١.", "It was 400.", "In 2012."])
def test_other_numbers_are_still_invented(text: str) -> None:
    highlights = [Highlight("It was 4.000 in 2020.", highlighted_at="2024-03-01T10:00:00+00:00")]
    assert "invented number" in {finding.gate for finding in check(text, highlights=highlights)}


@pytest.mark.parametrize("layout", ["- {}", "> {}", "{}\n\nAnd then it rained.", "- [ ] {} #rivers", "He says: “{}”"])
@pytest.mark.parametrize(
    "said",
    [
        "The river* had bends before the engineers came to town.",
        "*The river had bends before the engineers came to town.",
        'The old river had bends 5" deep before they came to town.',
        "The old river (as it had bends before they came to town.",
        "The old river had bends before the engineers came to town (",
        "The old **river had bends before they came to town.",
        "To read the bend, write x = a[b[0]] in the town's program.",
        "[The old river had bends before the engineers came [in 1890]]",
        "The old river had bends [[] before the engineers came to town.",
        "Each bend of the old river cost the town 5$, or even 50$.",
        "They paid the town for each bend (in $) before they came.",
    ],
)
def test_marks_that_a_highlight_leaves_open_are_kept_byte_for_byte(said: str, layout: str) -> None:
    assert check(layout.format(said), highlights=[Highlight(said), Highlight("And then it rained.")], habits=SURE) == ()


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        ("- The [[Note of", "links"),
        ("- The list [[]] of", "links"),
        ("- See [a page](https://bends.example/ab", "links"),
        ("- To read it, x = [[b[0]", "links"),
        ("- It costs $bends", "structure"),
    ],
)
def test_what_a_highlight_closes_may_not_stay_open(text: str, gate: str) -> None:
    given = [Highlight("The [[Note of it]] and [a page](https://bends.example/abc). x = a[b[0]] costs 5$.")]
    assert gate in {finding.gate for finding in check(text, highlights=given)}


def test_a_dollar_that_a_highlight_has_opens_no_math() -> None:
    given = [Highlight("Set $HOME before you run it; shares of $AAPL rose.")]
    assert "structure" not in {finding.gate for finding in check("- Set $HOME before you run it.", highlights=given)}
    assert "structure" not in {finding.gate for finding in check("- Shares of $AAPL rose.", highlights=given)}
    assert "structure" in {finding.gate for finding in check("- Shares of $x^2 rose.", highlights=given)}
    assert "structure" in {finding.gate for finding in check("- Shares of $\\alpha rose.", highlights=given)}
