"""Pairing: each kind of evidence finds its pair, and what only looks alike is left alone."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notewright.errors import Unavailable
from notewright.feedback import export_feedback, import_feedback
from notewright.importers.vault import import_vault
from notewright.library import Library
from notewright.pairing import explain, export_pairs, pair, source_links
from notewright.pairing.runs import shared_grams
from notewright.pairing.words import Corpus, match_words, title_places
from notewright.provenance import provenance
from notewright.records import Highlight, Pair, Source
from notewright.settings import Settings
from notewright.vault.notes import parse_note

RIVER = (
    "Between 1890 and 1935 the engineers of the Varde district removed 41 bends from a river that had 58.",
    "A single fallen alder can hold back forty tonnes of gravel. Take it out and the gravel leaves within one winter.",
    "Children in Holmby named the biggest log jam the Parliament, since it held everything up and was full of holes.",
    "Promise only what gravity has already agreed to.",
)
BREAD = (
    "A quarter of all bread baked in the city is thrown away before noon on the following day.",
    "Stale bread makes better soup than fresh bread, because it drinks the stock without falling apart.",
)


def source(title: str, texts: tuple[str, ...], number: int, **values: object) -> Source:
    highlights = tuple(
        Highlight(text=text, position=place, location=place, outside_ids=(f"readwise:{number}{place:03d}",))
        for place, text in enumerate(texts)
    )
    return Source(title=title, outside_ids=(f"readwise:{number}", f"file:Books/{title}.md"), highlights=highlights, **values)  # type: ignore[arg-type]


def fill(library: Library, notes: dict[str, str], *sources: Source) -> list[Pair]:
    library.sources.upsert(
        sources or (source("The Slow River Handbook", RIVER, 41), source("The Second Life of Stale Bread", BREAD, 42)),
        origin="api", complete=True,
    )  # fmt: skip
    parsed = [parse_note(path, text.encode()) for path, text in notes.items()]
    library.notes.sync([(item.note, item.passages) for item in parsed])
    pair(library)
    return library.pairs.all()


def links(pairs: list[Pair]) -> set[tuple[str, str, str]]:
    return {(item.note_path, link.highlight_id, link.method) for item in pairs for link in item.links}


def test_a_quotation_is_found_without_any_link(library: Library) -> None:
    found = fill(library, {"Thoughts.md": f"# Thoughts\n\nAs they say: *{RIVER[0]}*\n"})
    assert links(found) == {("Thoughts.md", "readwise:41000", "quote")}
    assert found[0].score > 0.9
    assert "quotes all 19 words" in found[0].links[0].evidence
    assert found[0].headings == ("Thoughts",)


def test_markdown_quotes_and_typography_do_not_hide_a_quotation(library: Library) -> None:
    text = (
        RIVER[1].replace("forty tonnes", "**forty tonnes**").replace("Take it", "\n> Take it").replace("winter", "[winter](https://x.org)")
    )
    assert links(fill(library, {"a.md": f"> [!quote] p. 3\n> {text} ^abc\n"})) == {("a.md", "readwise:41001", "quote")}


def test_a_trimmed_and_changed_quotation_in_a_linked_note(library: Library) -> None:
    note = "# Slow River\n\n## Wood\n- **One log.** A single fallen alder tree can hold back nearly forty tonnes of gravel. (p. 34)\n"
    found = fill(library, {"Notes/The Slow River Handbook.md": note})
    assert {link[1] for link in links(found)} == {"readwise:41001"}
    assert found[0].headings[-1] == "Wood"


@pytest.mark.parametrize(
    ("mark", "method"),
    [
        ("^rw41000", "id"),
        ("[↗](https://readwise.io/open/41000)", "id"),
        ("[[Book#^rw41000]]", "id"),
        ("([View](https://read.readwise.io/read/01ABC))", "reader-id"),
        ("([Location 7](https://readwise.io/to_kindle?action=open&asin=B00SAMPLE1&location=7))", "id"),
    ],
)
def test_an_id_needs_no_words(library: Library, mark: str, method: str) -> None:
    highlight = Highlight(
        text=RIVER[0], outside_ids=("readwise:41000",), url="https://read.readwise.io/read/01abc", location=7, location_type="location"
    )
    book = Source(title="Slow River", asin="B00SAMPLE1", outside_ids=("readwise:41",), highlights=(highlight,))
    found = fill(library, {"a.md": f"# Anything\n\nEntirely my own words. {mark}\n"}, book)
    assert links(found) == {("a.md", "readwise:41000", method)}
    assert found[0].score >= 0.9


def test_an_unknown_id_means_nothing(library: Library) -> None:
    assert fill(library, {"a.md": "My own words ^rw99999 and https://readwise.io/open/5\n"}) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("The Slow River Handbook.md", "x"),
        ("The Slow River Handbook - Book.md", "x"),
        ("The Slow River Handbook (Literature Notes).md", "x"),
        ("The Slow River Handbook-2.md", "x"),
        ("Marit Ekholm - The Slow River Handbook.md", "x"),
        ("a.md", "---\naliases: [The slow river handbook]\n---\nx"),
        ("a.md", "# The Slow River Handbook\nx"),
        ("a.md", "See [[Books/The Slow River Handbook|this]]."),
        ("a.md", "---\nuri: https://readwise.io/bookreview/41\n---\nx"),
        ("a.md", "From https://www.example.org/river/?utm_source=x."),
        ("a.md", "[buy](https://www.amazon.com/dp/B00SAMPLE1)"),
    ],
)
def test_notes_point_at_sources(library: Library, path: str, text: str) -> None:
    river = source("The Slow River Handbook", RIVER, 41, url="https://example.org/river", asin="B00SAMPLE1")
    fill(
        library, {path: text, "other.md": "A note about balconies and lentils."}, river, source("The Second Life of Stale Bread", BREAD, 42)
    )
    assert [(link.source_id, link.score >= 0.7) for link in source_links(library)] == [("readwise:41", True)]


@pytest.mark.parametrize("title", ["Night Talk {}", "Night Talk: Evening {}", "Night Talk with Friends {}"])
def test_a_note_of_a_long_series_points_at_its_own_source_only(library: Library, title: str) -> None:
    """Else it would be weighed against all of them, and a library of such notes would take hours."""
    series = [source(title.format(number), (f"Words of evening {number} that nobody else said.",), 100 + number) for number in range(120)]
    fill(
        library,
        {f"{title.format(number).replace(':', ' -')}.md": f"# {title.format(number)}\n\n- Own words.\n" for number in (7, 8)},
        *series,
    )
    names = {item.id: item.title for item in library.sources.all()}
    assert sorted(names[link.source_id] for link in source_links(library)) == [title.format(7), title.format(8)]


def test_a_list_of_sources_points_but_is_no_passage(library: Library) -> None:
    note = f"# Thoughts\n\nMy own words on rivers.\n\n## Sources\n- [[The Slow River Handbook]]: {RIVER[0]}\n"
    assert fill(library, {"a.md": note}) == []
    assert len(source_links(library)) == 1


def test_numbers_in_a_row_are_no_quotation(library: Library) -> None:
    row = " ".join(map(str, range(30)))
    assert fill(library, {"a.md": f"# Loops\n\nIt prints {row} and ends.\n"}, source("Bits", (f"Decimal {row} are counted so.",), 51)) == []


@pytest.mark.parametrize(
    ("said", "noted"),
    [
        ("Old rivers know: all you have to do is follow them.", "Lunch was cold, and all you have to do is warm it."),
        ("पर यह बात ध्यान में रखनी चाहिए नदी के पास जाने से पहले।", "खाना ठंडा था, यह बात ध्यान में रखनी चाहिए सबको।"),
        ("Старик знал, что это не то, что он хотел сказать о реке.", "Обед остыл, и это не то, что он хотел на этот раз."),
        ("Der Fluss ist alt, und das ist es, was ich nicht verstehe.", "Das Essen war kalt, und das ist es, was ich meine."),
        ("النهر قديم ومن هنا يمكن القول إن هذا يحدث كل عام.", "الغداء بارد ومن هنا يمكن القول إن هذا مطبخ سيئ."),
        ("在这种情况下，农民往往选择离开河谷。", "在这种情况下，打电话比写邮件好。"),
        ("河水退去以后，最重要的事情就是修补堤坝。", "搬家的时候，最重要的事情就是别丢了钥匙。"),
        ("老人说，无论如何我们都必须学会与洪水共处。", "会议又拖了，无论如何我们都必须先订好车票。"),
        ("我们不得不承认的是，桥比渡船更便宜。", "我们不得不承认的是，面条煮得太久了。"),
        ("与其说这是一场灾难，不如说是一次提醒。", "与其说这是一家餐厅，不如说是一个车库。"),
        ("橋が古いということになるのではないかと村人は言う。", "昼食が遅いということになるのではないかと思った。"),
        ("堤防を直さなければならないということである。", "切符を買わなければならないということである。"),
        ("これは洪水であると言っても過言ではない。", "これは名店であると言っても過言ではない。"),
        ("春になると川が溢れることがあるかもしれない。", "急ぐと鍵を忘れることがあるかもしれない。"),
        ("แม่น้ำนี้เก่าแก่มากเพราะฉะนั้นเราจึงต้องดูแล", "อาหารเย็นแล้วเพราะฉะนั้นเราจึงต้องอุ่น"),
        ("น้ำท่วมทุกปีอย่างไรก็ตามสะพานยังอยู่", "ฝนตกหนักอย่างไรก็ตามเราไปตลาด"),
        ("สิ่งที่สำคัญที่สุดก็คือการดูแลแม่น้ำ", "สิ่งที่สำคัญที่สุดก็คือการไม่ลืมกุญแจ"),
    ],
)
def test_a_turn_of_phrase_is_no_quotation_in_any_language(library: Library, said: str, noted: str) -> None:
    assert not fill(library, {"Lunch.md": f"{noted}\n"}, source("Rivers of old", (said,), 1))


@pytest.mark.parametrize("title", ["河流之书", "日记"], ids=["linked", "alone"])
@pytest.mark.parametrize(
    ("said", "noted"),
    [
        ("一根倒下的桤木可以拦住四十吨砾石，把它拿走，砾石一个冬天就没了。", "一根倒下的桤木可以拦住四十吨砾石，这点我没想到。"),
        ("城里烤出的面包有四分之一在第二天中午之前被扔掉。", "浪费：城里烤出的面包有四分之一被扔掉。"),
        ("知識は力なりと彼は書いたが、その力は使い方によって善にも悪にもなる。", "その力は使い方によって善にも悪にもなる、と彼は言う。"),
        ("街で焼かれるパンの四分の一は翌日の昼までに捨てられている。", "無駄：パンの四分の一は翌日の昼までに捨てられている。"),
        ("ขนมปังหนึ่งในสี่ที่อบในเมืองถูกทิ้งก่อนเที่ยงของวันรุ่งขึ้น", "ของเสีย: ขนมปังหนึ่งในสี่ที่อบในเมืองถูกทิ้งก่อนเที่ยง"),
    ],
)
def test_part_of_a_highlight_is_a_quotation_where_words_have_no_spaces(library: Library, title: str, said: str, noted: str) -> None:
    [found] = fill(library, {f"{title}.md": f"{noted}\n"}, source("河流之书", (said,), 1))
    assert found.score > 0.8


@pytest.mark.parametrize(
    ("said", "noted"),
    [
        ("我们不得不承认的是，桥比渡船更便宜。", "我们不得不承认的是，面条煮得太久了。"),
        ("春になると川が溢れることがあるかもしれない。", "急ぐと鍵を忘れることがあるかもしれない。"),
        ("แม่น้ำนี้เก่าแก่มากเพราะฉะนั้นเราจึงต้องดูแล", "อาหารเย็นแล้วเพราะฉะนั้นเราจึงต้องอุ่น"),
    ],
)
def test_a_turn_of_phrase_is_none_in_a_note_about_its_source_either(library: Library, said: str, noted: str) -> None:
    assert not fill(library, {"河流之书.md": f"{noted}\n"}, source("河流之书", (said,), 1))


def test_two_sources_in_one_passage_are_two_pairs(library: Library) -> None:
    found = fill(library, {"a.md": f"# A\n- {RIVER[0]}\n- {BREAD[1]}\n"})
    assert {(item.source_id, item.passage_id) for item in found} == {
        ("readwise:41", found[0].passage_id),
        ("readwise:42", found[0].passage_id),
    }


def test_many_highlights_in_one_passage_are_one_pair_in_reading_order(library: Library) -> None:
    found = fill(library, {"a.md": f"# A\n- {RIVER[1]}\n- {RIVER[0]}\n"})
    assert len(found) == 1
    assert [link.highlight_id for link in found[0].links] == ["readwise:41000", "readwise:41001"]


def test_a_title_that_quotes_needs_more_than_the_link_to_it(library: Library) -> None:
    text = f"# Mine\nWords of my own. See [[{RIVER[2].rstrip('.')}]].\n"
    assert fill(library, {"a.md": text}) == []


def test_a_note_titled_with_a_sentence_of_its_source(library: Library) -> None:
    title = RIVER[3].rstrip(".")
    found = fill(library, {f"{title}.md": "# Thoughts\nMy words. See [[The Slow River Handbook]].\n", f"Unlinked, {title}.md": "Mine.\n"})
    assert links(found) == {(f"{title}.md", "readwise:41003", "quote")}
    assert "the note's title quotes" in found[0].links[0].evidence


def test_a_title_takes_nothing_from_what_the_passage_quotes(library: Library) -> None:
    found = fill(library, {"The engineers of the Varde district.md": f"{RIVER[0]} [[The Slow River Handbook]]\n"})
    assert [(item.score, item.links[0].evidence.partition(";")[0]) for item in found] == [(0.999, "quotes all 19 words")]


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("机器学习算法", "机器学习算法需要大量的数据才能训练出好的模型"),  # three words
        ("It is what it is", "It is what it is, and nothing that the district did changed the bends."),
    ],
)
def test_a_title_of_few_or_common_words_quotes_nothing(library: Library, title: str, text: str) -> None:
    assert fill(library, {f"{title}.md": "我今天去公园散步了。 See [[Another Book]].\n"}, source("Another Book", (text,), 43)) == []


def test_notes_that_share_only_a_subject_are_left_alone(library: Library) -> None:
    notes = {
        "Balcony.md": "# Balcony\n\nBuy gravel and an alder tree before winter. The children want a log to sit on.\n",
        "Soup.md": "# Lentil soup\n\nStock, lentils, lemon. Good with bread on the following day.\n",
        "River.md": "# Rivers\n\nThe river had bends. It is one of the things that I have to see when I go out there again.\n",
    }
    assert fill(library, notes) == []


def test_a_paraphrase_in_a_linked_note_is_proposed_with_a_modest_score(library: Library) -> None:
    note = "# The Slow River Handbook\n\nThe Holmby children called their log jam a Parliament.\n"
    found = fill(library, {"The Slow River Handbook.md": note})
    assert {link[1] for link in links(found)} == {"readwise:41002"}
    assert 0.5 <= found[0].score < 0.98


def test_images_and_annotations_are_evidence(library: Library) -> None:
    highlights = (
        Highlight(text="![](https://images.example.org/slow/bed-level-since-1935.png)", outside_ids=("readwise:1",), position=0),
        Highlight(
            text="The wells of four villages went dry.",
            annotation="Incision drains the deep wells",
            outside_ids=("readwise:2",),
            position=1,
        ),
    )
    note = "# Slow River Work\n\n![[bed-level-since-1935.png|center|600]]\n\n- **Incision drains the deep wells.**\n"
    found = fill(
        library, {"Slow River Work.md": note}, Source(title="Slow River Work", outside_ids=("readwise:41",), highlights=highlights)
    )
    assert {link[1] for link in links(found)} == {"readwise:1", "readwise:2"}
    assert "uses its annotation" in found[0].links[1].evidence
    assert "embeds its image" in found[0].links[0].evidence


def test_the_export_itself_is_no_note_of_the_person(library: Library) -> None:
    export = "# The Slow River Handbook\n![rw-book-cover](x.png)\n## Highlights\n" + "".join(
        f"- {text} ([View Highlight](https://read.readwise.io/read/{number}))\n" for number, text in enumerate(RIVER)
    )
    assert fill(library, {"Elsewhere/Books/The Slow River Handbook.md": export}) == []


def test_decisions_stay_and_a_second_run_changes_nothing(library: Library) -> None:
    found = fill(library, {"a.md": f"# A\n{RIVER[0]}\n", "b.md": f"# B\n{BREAD[0]}\n"})
    kept = library.pairs.decide(found[0].id, "rejected")
    report = pair(library)
    assert (report.added, report.kept, report.removed, report.decided) == (0, 1, 0, 1)
    assert (report.notes_paired, report.notes_unpaired) == (1, 1)
    assert report.by_method == pair(library).by_method == {"quote": 1}  # nobody needs to be told of what is decided
    assert library.pairs.get(kept.id) == kept


@pytest.mark.parametrize("feedback_first", [True, False])
def test_decisions_of_elsewhere_hold_once_there_are_pairs(library: Library, tmp_path: Path, feedback_first: bool) -> None:
    notes = {"a.md": f"# A\n{RIVER[0]}\n", "b.md": f"# B\n{BREAD[0]}\n"}
    found = fill(library, notes)
    library.pairs.decide(found[0].id, "rejected")
    library.pairs.decide(found[1].id, "accepted")
    with Library.create(tmp_path / "other") as other:
        for step in (1, 2) if feedback_first else (2, 1):
            if step == 1:
                import_feedback(other, export_feedback(library))
            else:
                fill(other, notes)
        assert [(item.note_path, item.status) for item in other.pairs.all()] == [("a.md", "rejected"), ("b.md", "accepted")]
        assert pair(other).decided == 2


def test_an_empty_library_pairs_nothing(library: Library) -> None:
    report = pair(library, progress=lambda done, of: None)
    assert (report.added, report.notes_paired) == (0, 0)


def test_any_script_can_be_paired(library: Library) -> None:
    texts = (
        "知識は力なりと彼は書いたが、その力は使い方によって善にも悪にもなると付け加えた。",
        "Знание есть сила, и сила эта требует осторожного обращения с людьми.",
    )
    found = fill(library, {"a.md": f"# メモ\n> {texts[0]}\n", "b.md": f"# Заметка\n{texts[1]}\n"}, source("本", texts, 7))
    assert {(item.note_path, link.highlight_id) for item in found for link in item.links} == {
        ("a.md", "readwise:7000"),
        ("b.md", "readwise:7001"),
    }


def test_words_are_counted_where_signs_for_vowels_stand_on_letters(library: Library) -> None:
    said = "समय किसी के लिए नहीं रुकता।"
    [found] = fill(library, {"नदी.md": f"# नदी\n> {said}\n", "किला.md": "# किला\nपहाड़ी पर बना है।\n"}, source("काल", (said,), 7))
    assert (found.note_path, found.links[0].evidence) == ("नदी.md", "quotes all 6 words")


@pytest.mark.parametrize(
    ("pointed", "bare"),
    [
        (
            "اُطْلُبُوا العِلْمَ مِنَ المَهْدِ إِلَى اللَّحْدِ فَإِنَّ العِلْمَ نُورٌ وَالجَهْلَ ظَلَامٌ",
            "اطلبوا العلم من المهد إلى اللحد فإن العلم نـــور والجهل ظـلام",
        ),
        ("בְּרֵאשִׁית בָּרָא אֱלֹהִים אֵת הַשָּׁמַיִם וְאֵת הָאָרֶץ וְהָאָרֶץ הָיְתָה תֹהוּ וָבֹהוּ", "בראשית ברא אלהים את השמים ואת הארץ והארץ היתה תהו ובהו"),
    ],
    ids=["Arabic", "Hebrew"],
)
@pytest.mark.parametrize("turned", [False, True], ids=["pointed highlight", "pointed note"])
def test_vowel_signs_make_no_other_words(library: Library, pointed: str, bare: str, turned: bool) -> None:
    said, noted = (bare, pointed) if turned else (pointed, bare)
    [found] = fill(library, {"a.md": f"# a\n> {noted}\n"}, source("Old words", (said,), 7))
    assert found.links[0].evidence == f"quotes all {len(bare.split())} words"
    assert noted in found.passage_text
    assert library.sources.highlight("readwise:7000").text == said
    [span] = [span for span in provenance(found.passage_text, library.sources.highlights(found.source_id)) if span.rests]
    assert span.rests[0].method == "quote"


def test_export_has_a_line_for_each_highlight(library: Library, tmp_path: Path) -> None:
    note = f"---\na: ü\n---\n# A\r\n- {RIVER[0]}\r\n- {RIVER[1]}\r\n"
    fill(library, {"Ä/a.md": note})
    with pytest.raises(Unavailable, match="cannot be written"):
        export_pairs(library, path=tmp_path / "out" / "pairs.jsonl")
    (tmp_path / "out").mkdir()
    assert export_pairs(library, path=tmp_path / "out" / "pairs.jsonl") == 2
    rows = [json.loads(line) for line in (tmp_path / "out" / "pairs.jsonl").read_text(encoding="utf-8").splitlines()]
    assert list(rows[0]) == [
        "highlight_id", "highlight_text", "source_title", "source_path", "note_path", "passage_start", "passage_end", "passage_text",
        "score", "method", "status",
    ]  # fmt: skip
    first = rows[0]
    assert (first["highlight_id"], first["highlight_text"], first["status"]) == ("readwise:41000", RIVER[0], "proposed")
    assert first["source_path"] == "Books/The Slow River Handbook.md"
    assert note.encode()[first["passage_start"] : first["passage_end"]].decode() == first["passage_text"]


def test_a_pair_is_explained_in_words(library: Library) -> None:
    found = fill(library, {"a.md": f"# A\n## B\n- {RIVER[0]}\n- {RIVER[1]}\n"})
    words = explain(found[0])
    assert "“A > B”" in words
    assert "quotes 2 highlights" in words
    assert "very likely" in words
    assert "rejected by you" in explain(library.pairs.decide(found[0].id, "rejected"))


def test_words_leave_out_targets_and_marks() -> None:
    text = "> [!quote] p. 3\n> **Bold** ![[img.png|600]] [text](https://x.org/abc) [[Note|alias]] `code` %%gone%% <b>x</b> ^id1"
    assert match_words(text) == ["p", "3", "bold", "text", "alias", "code", "x"]
    assert title_places("one [[The title of some note]] two") == frozenset(range(1, 6))
    assert title_places("pre[[The title of some note]]s two [[Of one more note]] end") == frozenset({0, 1, 2, 3, 4, 6, 7, 8, 9})
    assert title_places("Don't 注意 [[The title of some note]] two") == frozenset(range(4, 9))


@settings(max_examples=60)
@given(st.integers(0, 10**6))
def test_shared_runs_are_found_wherever_they_stand(seed: int) -> None:
    rng = random.Random(seed)
    pool = [f"w{number}" for number in range(400)]
    left = [" ".join(rng.choices(pool, k=rng.randint(1, 30))) for _ in range(12)]
    right = [" ".join(rng.choices(pool, k=rng.randint(1, 60))) for _ in range(9)]
    expected = set()
    for number, text in enumerate(left):
        words = text.split()
        if len(words) >= 8 and rng.random() < 0.5:
            target = rng.randrange(len(right))
            start = rng.randrange(len(words) - 7)
            right[target] += " " + " ".join(words[start : start + 8])
            expected.add((number, len(left) + target))
    corpus = Corpus(left + right)
    found = set(shared_grams(corpus, range(len(left)), range(len(left), len(corpus))))
    assert expected <= found


def test_the_sample_is_paired_nearly_without_error(library: Library, home: Path, sample: Path) -> None:
    from notewright.importers.api_export import read_book

    listed = json.loads((sample / "readwise-api.json").read_text(encoding="utf-8"))["results"]
    library.sources.upsert([read_book(book, []) for book in listed], origin="api", complete=True)
    import_vault(library, settings=Settings(home=home, vault=sample / "vault"))
    report = pair(library)
    found = library.pairs.all()
    assert report.added >= 60
    assert all(item.note_path.startswith("Notes/") for item in found)
    titles = {item.id: item.title for item in library.sources.all()}
    chapters = {item.id: (item.chapter, titles[key], item) for key in titles for item in library.sources.highlights(key)}
    proposed = {(item.headings[-1], link.highlight_id) for item in found for link in item.links}
    sections = {item.headings[-1] for item in found}
    used = {key for key, (_, _, item) in chapters.items() if (item.annotation or item.is_favorite) and not item.is_discard}
    wanted = {(chapters[key][0], key) for key in used if chapters[key][0] in sections}
    right = len(proposed & wanted)
    assert right / len(proposed) > 0.93
    assert right / len(wanted) > 0.93


def test_export_to_an_open_file_and_not_over_a_device(library: Library, tmp_path: Path) -> None:
    fill(library, {"a.md": f"# A\n- {RIVER[0]}\n"})
    with (tmp_path / "open.jsonl").open("w+", encoding="utf-8") as file:
        assert export_pairs(library, path=file) == 1
    (tmp_path / "device").mkdir()
    with pytest.raises(Unavailable, match="is not a file"):
        export_pairs(library, path=tmp_path / "device")


TERMS = ("Log jam", "Varde river", "Gravel bar")
ABOUT = "# The Slow River Handbook\n\n"


def short_pairs(library: Library, text: str, *texts: str) -> dict[str, float]:
    found = fill(library, {"The Slow River Handbook.md": ABOUT + text}, source("The Slow River Handbook", texts, 41))
    told = {item.id: item.text for item in library.sources.highlights("readwise:41")}
    return {told[link.highlight_id]: item.score for item in found for link in item.links}


PROSE = "\n\n".join(
    f"They went on with the {word} of it, as one does, and nobody had anything to say." for word in ("one", "two", "three", "four")
)


def test_a_term_of_the_subject_is_no_quotation_where_a_note_only_links_to_its_source(library: Library) -> None:
    text = f"{PROSE}\n\nA log jam is what the Varde river has, and a gravel bar below it.\n\n{PROSE}\n"
    assert all(score < 0.6 for score in short_pairs(library, text * 4, *TERMS).values())


def test_the_same_beside_quotations_of_the_source_is_one(library: Library) -> None:
    text = f"{PROSE}\n\n- {RIVER[0]}\n- {RIVER[1]}\n- {RIVER[2]}\n- Gravel bar, gravel river\n"
    assert short_pairs(library, text, *RIVER, "Gravel bar, gravel river")["Gravel bar, gravel river"] > 0.6


def test_a_short_note_that_is_hardly_more_than_the_words_is_made_of_them(library: Library) -> None:
    assert short_pairs(library, "Varde river: moss.\n", "Varde river moss")["Varde river moss"] > 0.6
