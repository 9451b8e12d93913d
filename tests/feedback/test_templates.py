"""Templates frame drafts of new notes; one can be inferred from finished notes; none can do harm."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

import small_world
from notewright import drafting, feedback, vault
from notewright.cli import main
from notewright.errors import Conflict, Invalid, NotFound
from notewright.feedback.framing import frame
from notewright.feedback.moment import format_moment
from notewright.importers.vault import import_vault
from notewright.library import Library
from notewright.records import Draft
from notewright.settings import save_settings
from small_world import ScriptedEngine, numbered

WHEN = datetime(2024, 3, 7, 16, 5, 9, 123456, tzinfo=timezone(timedelta(hours=-5, minutes=-30)))
CONTEXT = {
    "source": {"title": 'A "good": book', "author": "Ada Reader", "tags": ["x", "y"]}, "chapter": "Floods", "tags": ["river"],
    "highlights": [{"text": "One.", "annotation": "why"}, {"text": "Two.", "annotation": ""}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("YYYY-MM-DD", "2024-03-07"),
        ("dddd, D MMMM YY", "Thursday, 7 March 24"),
        ("ddd Do MMM", "Thu 7th Mar"),
        ("YYYY-MM-DDTHH:mm:ssZ", "2024-03-07T16:05:09-05:30"),
        ("h:mm A [o'clock] ZZ", "4:05 PM o'clock -0530"),
        ("[Week] W, GGGG Q", "Week 10, 2024 1"),
        ("DDDD", "067"),
        ("SSS", "123"),
        ("LL", "March 7, 2024"),
        ("x", "1709847309123"),
    ],
)
def test_dates_are_written_as_moment_does(pattern: str, text: str) -> None:
    assert format_moment(WHEN, pattern) == text


def framed(template: str, text: str = "## Mine\n- body", **options) -> str:
    made = frame(template, text, title="Note", context=CONTEXT, when=WHEN, **options)
    assert made.text[made.start : made.end].strip() == text
    return made.text


@pytest.mark.parametrize(
    ("template", "note"),
    [
        ("# {{title}}\n{{draft}}  \n\nend\n", "# Note\n## Mine\n- body  \n\nend"),
        ("{% if chapter %}{{draft}}{% endif %}\n", "## Mine\n- body"),
        ("# {{title}}\n{{date}} {{time}}\n\n{{draft}}\n\nend\n", "# Note\n2024-03-07 16:05\n\n## Mine\n- body\n\nend"),
        ("{{date:YYYY}}\n{{ draft }}", "2024\n## Mine\n- body"),
        ("# Only a head\n", "# Only a head\n\n## Mine\n- body"),
        ("---\nt: {{ source.title | yaml }}\n---\n{{draft}}", '---\nt: "A \\"good\\": book"\n---\n## Mine\n- body'),
        ("{% for h in highlights if h.annotation %}* {{ h.annotation }}\n{% endfor %}{{draft}}", "* why\n## Mine\n- body"),
        ("{{ tags | join(', ') }} {{ chapter | upper }}\n{{draft}}", "river FLOODS\n## Mine\n- body"),
        ('{{< ref "" >}} <% tp.file.title %> <% tp.date.now("YYYY") %>\n{{draft}}', '{{< ref "" >}} Note 2024\n## Mine\n- body'),
        ("![[cover.png|center|600]]\r\n\r\n{{draft}}", "![[cover.png|center|600]]\n\n## Mine\n- body"),
    ],
)
def test_a_template_is_filled_in(template: str, note: str) -> None:
    assert framed(template) == note


def test_a_draft_lands_under_the_named_heading() -> None:
    assert framed("# T\n\n## Notes\n\n## Links\n- a\n", "text", under="Notes") == "# T\n\n## Notes\n\ntext\n\n## Links\n- a"
    with pytest.raises(NotFound, match="no heading"):
        framed("# T\n", under="Nowhere")


def test_what_a_draft_says_is_never_run() -> None:
    for text in ("{{ source.title }}", "{% for x in tags %}", "<% tp.x %>", "{{title}} {{date}}"):
        assert text in framed("{{draft}}", text)


@pytest.mark.parametrize(
    "template",
    [
        "{{ nothing }}",
        "{% if %}",
        "{{draft}} {{draft}}",
        "{{ ''.__class__.__mro__ }}",
        "{{ source.__init__ }}",
        "{{ title.upper() }}",
        "{{ 'x'.ljust(999999999) }}",
        "{{ '{0:999999999}'.format(1) }}",
        "{{ 'x' * 999999999 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ '%999999999d' % 1 }}",
        "{{ range(99999999) | list }}",
        "{{ lipsum() }}",
        "{% include 'x' %}",
        "{% import 'os' as os %}",
        "{{ [1] | map('upper', 2, 3) | list }}",
        "{{ title | attr('x') }}",
        "<%* await tp.system.prompt() %>",
        "---\na: {{ source.title }}: x\n---\n{{draft}}",
        "{% macro m() %}x{% endmacro %}{{ m() }}",
        "Summary: {{draft}}",
        "# {{title}}\n> {{draft}}\n",
        "- {{draft}} (from {{ source.title }})",
        "  {{draft}}",
    ],
)
def test_a_template_that_cannot_or_must_not_be_run_is_refused(template: str) -> None:
    started = time.monotonic()
    with pytest.raises(Invalid):
        framed(template)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("depth", [3, 12, 30])
def test_loops_that_would_never_end_are_refused(depth: int) -> None:
    with pytest.raises(Invalid):
        framed("{% for a in [1, 2, 3, 4, 5, 6, 7, 8, 9] %}" * depth + "{% endfor %}" * depth)


def test_a_template_that_grows_too_large_is_stopped() -> None:
    loops = "{% for a in highlights %}{% for b in highlights %}" + "x" * 400_000 + "{% endfor %}{% endfor %}"
    with pytest.raises(Invalid, match="characters"):
        framed(loops)


@pytest.mark.parametrize("doubled", ["{% set a = a ~ a %}", "{% set a = [a, a] %}", "{% set a %}{{ a }}{{ a }}{% endset %}"])
def test_a_value_that_doubles_itself_is_stopped(doubled: str) -> None:
    assert framed("{% set a = 'x' %}" + doubled + "{% set b, c = a, 1 %}{{ c }}").startswith("1\n")
    with pytest.raises(Invalid, match="characters"):
        framed("{% set a = 'x' %}" + doubled * 26)


def test_filters_that_multiply_a_text_are_stopped() -> None:
    assert framed("{{ 'aXa' | replace('X', '-') | replace('a', 'b', 1) }} {{ ['x', 'y'] | join(', ') }}").startswith("b-a x, y\n")
    assert framed("{{ highlights | map(attribute='text') | map('replace', 'e', 'E') | join }}")
    started = time.monotonic()
    grown = " | replace('a', 'aaaaaaaaaa')"
    for text in (
        "{{ 'a'" + grown * 30 + " }}",
        "{{ ('a' ~ title)" + grown * 30 + " | length }}",
        "{{ 'ab' | replace('', 'aaaa')" + grown * 30 + " }}",
    ):
        with pytest.raises(Invalid, match="replace gives more than 1,000,000 characters"):
            framed(text)
    long = "{% set a = 'a'" + grown * 5 + " %}"
    with pytest.raises(Invalid, match="join gives more than 1,000,000 characters"):
        framed(long + "{{ a | list | join(a) | length }}")
    assert time.monotonic() - started < 5


@pytest.fixture
def world(library: Library, tmp_path: Path) -> small_world.World:
    made = small_world.build(library, tmp_path)
    save_settings(made.settings)
    small_world.base_model(library)
    return made


@pytest.fixture
def draft(world: small_world.World) -> Draft:
    return drafting.draft(world.library, settings=world.settings, source="rivers", n=1, seed=3, engine=ScriptedEngine(numbered))[0]


def test_templates_of_vault_and_home_are_found_and_the_home_wins(world: small_world.World) -> None:
    hidden = world.vault / ".obsidian" / "plugins" / "templater-obsidian"
    hidden.mkdir(parents=True)
    (world.vault / ".obsidian" / "templates.json").write_text(json.dumps({"folder": "Templates"}))
    (hidden / "data.json").write_text(json.dumps({"templates_folder": "More/Scripts"}))
    for name, text in (("Templates/Book.md", "vault"), ("Templates/Sub/Talk.md", "talk"), ("More/Scripts/T.md", "t")):
        (world.vault / name).parent.mkdir(parents=True, exist_ok=True)
        (world.vault / name).write_text(text)
    vault.save_template(world.settings, "book", "home")
    found = {item.name: (item.origin, item.text) for item in vault.all_templates(world.settings)}
    assert found == {"book": ("home", "home"), "Sub/Talk": ("vault", "talk"), "T": ("vault", "t")}
    assert vault.get_template(world.settings, "BOOK.md").text == "home"
    with pytest.raises(NotFound, match="no template"):
        vault.get_template(world.settings, "x")
    with pytest.raises(Invalid, match="already"):
        vault.save_template(world.settings, "book", "again")
    for name in ("../x", "", "a/b", "\x00"):
        with pytest.raises(Invalid):
            vault.save_template(world.settings, name, "x")
    for broken in ("{", '{"folder": "../.."}', '{"folder": ".obsidian"}', "[]"):
        (world.vault / ".obsidian" / "templates.json").write_text(broken)
        assert len(vault.all_templates(world.settings)) == 2


def test_a_new_note_is_made_from_a_template_followed_and_undone(world: small_world.World, draft: Draft) -> None:
    vault.save_template(world.settings, "book", "---\nauthor: {{ source.author | yaml }}\n---\n# {{title}}\n\n{{draft}}\n\n## Links\n")
    settings = replace(world.settings, template="book")
    seen = feedback.preview(world.library, settings=settings, draft_id=draft.id, into="New/Ríos")
    done = feedback.accept(world.library, settings=settings, draft_id=draft.id, into="New/Ríos", force=True)
    path = world.vault / "New" / "Ríos.md"
    text = path.read_text()
    assert text == f'---\nauthor: "Ada Reader"\n---\n# Ríos\n\n{draft.text.strip()}\n\n## Links\n'
    assert (seen.inserted, seen.after_hash) == (text, done.after_hash)
    path.write_text(text.replace("## Links", "## Links\n- of mine"))
    assert feedback.capture(world.library, settings=settings, quiet=0.0).logged == ()
    path.write_text(text.replace("words say", "words never say"))
    [edit] = feedback.capture(world.library, settings=settings, quiet=0.0).logged
    assert edit.payload["final_text"] == draft.text.strip().replace("words say", "words never say")
    path.write_text(text)
    feedback.undo(world.library, settings=settings)
    assert not path.parent.exists()


def test_a_template_never_makes_over_a_note_that_exists(world: small_world.World, draft: Draft) -> None:
    vault.save_template(world.settings, "book", "# {{title}}\n{{draft}}\n")
    options = {"settings": replace(world.settings, template="book"), "draft_id": draft.id, "into": "Notes/Rivers.md", "force": True}
    with pytest.raises(Invalid, match="for new notes"):
        feedback.accept(world.library, **options, template="book")
    with pytest.raises(NotFound):
        feedback.accept(world.library, **{**options, "into": "New"}, template="nothing")
    assert world.library.events.all() == []
    feedback.accept(world.library, **options)
    assert (world.vault / "Notes/Rivers.md").read_text().startswith("# Rivers\n\n## Beginnings")


def test_a_note_that_another_makes_meanwhile_gets_no_second_frame(
    world: small_world.World, draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.save_template(world.settings, "book", "---\ntype: book\n---\n# {{title}}\n\n{{draft}}\n")
    module, path = importlib.import_module("notewright.feedback.accept"), world.vault / "New.md"
    framed = module._framed

    def meanwhile(*arguments: object) -> object:
        found = framed(*arguments)
        path.write_text("# New\n\nMine.\n")
        return found

    monkeypatch.setattr(module, "_framed", meanwhile)
    with pytest.raises(Conflict):
        feedback.accept(world.library, settings=replace(world.settings, template="book"), draft_id=draft.id, into="New", force=True)
    assert path.read_text() == "# New\n\nMine.\n"
    assert world.library.events.all() == []


def test_a_template_is_inferred_from_finished_notes(world: small_world.World) -> None:
    for thing in small_world.THINGS:
        path = world.vault / f"Notes/{thing.title()}.md"
        odd = thing == "chess"
        head = f'---\nauthor: "[[Ada Reader]]"\nstatus: done\nrating: {len(thing)}\ntags: [reading, {thing}]\n---\n'
        body = f"# {thing.title()}\n\nFrom: A Book of {thing.title()}\n\n" + ("" if odd else "## Summary\n\nQuite own words on it.\n\n")
        sections = "\n".join(small_world.section(thing, chapter) for chapter in (0, 1))
        path.write_text(head + body.replace("own", thing * 2) + sections + "\n## See also\n- x" + thing)
    import_vault(world.library, settings=world.settings)
    pairs = []
    for passage in world.library.notes.passages():
        if passage.headings[-1:] in [(title,) for title in small_world.CHAPTERS]:
            thing = passage.note_path.removeprefix("Notes/").removesuffix(".md").lower()
            chapter = small_world.CHAPTERS.index(passage.headings[-1])
            pairs.append(small_world.pair(thing, passage, [small_world.highlight_id(thing, chapter, 0)]))
    world.library.pairs.propose(pairs)
    found = feedback.infer_template(world.library, settings=world.settings)
    assert found.text == (
        '---\nauthor: {{ ("[[" ~ source.author ~ "]]") | yaml }}\nstatus: "done"\nrating:\ntags: ["reading"]\n---\n'
        "# {{ title }}\n\nFrom: {{ source.title }}\n\n## Summary\n\n{{ draft }}\n\n## See also\n"
    )
    assert found.notes == 12
    assert found.explained == pytest.approx(11 / 12)
    assert {line.text: line.support for line in found.lines}["## Summary"] == pytest.approx(11 / 12)
    made = frame(found.text, "text", title="T", context={"source": {"title": "S", "author": "A"}}, when=WHEN)
    assert '\nauthor: "[[A]]"\n' in made.text
    with pytest.raises(NotFound, match="0 finished notes"):
        feedback.infer_template(world.library, settings=world.settings, folder="Elsewhere")


def _paired(world: small_world.World, heads: Callable[[int, str], str]) -> None:
    """Finished notes with these properties, each paired with a highlight of its source."""
    for number, thing in enumerate(small_world.THINGS):
        path = world.vault / f"Notes/{thing.title()}.md"
        path.write_text(f"---\n{heads(number, thing)}---\n{small_world.section(thing, 0)}")
    import_vault(world.library, settings=world.settings)
    world.library.pairs.propose(
        small_world.pair(passage.note_path[6:-3].lower(), passage, [small_world.highlight_id(passage.note_path[6:-3].lower(), 0, 0)])
        for passage in world.library.notes.passages()
        if passage.headings[-1:] == (small_world.CHAPTERS[0],)
    )


def test_entries_of_lists_that_repeat_the_source_become_slots(world: small_world.World) -> None:
    _paired(world, lambda number, thing: (
        f'aliases: ["A Book of {thing.title()}"]\nauthor: ["[[Ada Reader]]"]\ntags: [book, {thing}]\nread: 20{50 + number}-01-02\n'
        f'day: "[[2050-03-{10 + number}]]"\npublished: 1850-01-{10 + number}\n'
    ))  # fmt: skip
    with world.library.db.write() as connection:
        connection.execute("UPDATE highlights SET highlighted_at='2024-01-01T00:00:00+00:00'")
    found = feedback.infer_template(world.library, settings=world.settings)
    head = found.text.split("---\n")[1]
    assert head == (
        'aliases: [{{ source.title | yaml }}]\nauthor: [{{ ("[[" ~ source.author ~ "]]") | yaml }}]\ntags: ["book"]\n'
        'read: {{date:YYYY-MM-DD}}\nday: "[[{{date:YYYY-MM-DD}}]]"\npublished:\n'
    )
    assert found.explained == 1
    source = {"title": 'S: "x"', "author": "A"}
    made = frame(found.text, "text", title="T", context={"source": source, "chapter": "C"}, when=WHEN)
    properties = vault.parse_note("T.md", made.text.encode()).note.properties
    assert properties["aliases"] == ['S: "x"']
    assert properties["author"] == ["[[A]]"]
    assert properties["read"] == f"{WHEN:%Y-%m-%d}"


def _bodies(world: small_world.World, body: Callable[[int, str], str], name: Callable[[int, str], str]) -> None:
    """Finished notes with this above a section that is paired."""
    for number, thing in enumerate(small_world.THINGS):
        (world.vault / f"Notes/{thing.title()}.md").unlink()
        (world.vault / f"Notes/{name(number, thing)}.md").write_text(f"{body(number, thing)}\n\n{small_world.section(thing, 0)}")
    import_vault(world.library, settings=world.settings)
    things = {f"Notes/{name(number, thing)}.md": thing for number, thing in enumerate(small_world.THINGS)}
    world.library.pairs.propose(
        small_world.pair(things[passage.note_path], passage, [small_world.highlight_id(things[passage.note_path], 0, 0)])
        for passage in world.library.notes.passages()
        if passage.headings[-1:] == (small_world.CHAPTERS[0],)
    )


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ("```dataview\nTABLE rating\n\nSORT day\n```", "```dataview\nTABLE rating\n\nSORT day\n```\n"),
        ("%%\nmine alone\n%%", "%%\nmine alone\n%%\n"),
        ("$$\nx = 1\n$$", "$$\nx = 1\n$$\n"),
        ("- a\n\n  ```js\n  run(THING)\n  ```", "- a\n"),
        ("## Summary {#summary}\n\nFacts", "Facts\n"),
        ("<% tp.user.cover() %>\n\nFacts", "Facts\n"),
        ("| Term | Meaning |\n| --- | :-- |\n| THING | x |\n\nFacts", "| Term | Meaning |\n| --- | :-- |\n\nFacts\n"),
    ],
)
def test_what_frames_the_draft_neither_holds_it_nor_is_template_code(world: small_world.World, body: str, kept: str) -> None:
    _bodies(world, lambda number, thing: body.replace("THING", thing), lambda number, thing: thing.title())
    found = feedback.infer_template(world.library, settings=world.settings)
    assert found.text.replace("\n\n{{ draft", "\n{{ draft") == kept + "{{ draft }}\n"
    assert frame(found.text, "WORDS", title="T", context={"source": {}}, when=WHEN).text.endswith("WORDS")


@pytest.mark.parametrize("value", ['"{{date}} x"', '"{#1"', '["{% raw %}"]', '"<% tp.file.cursor() %>"'])
def test_a_property_that_would_be_template_code_stays_empty(world: small_world.World, value: str) -> None:
    _paired(world, lambda number, thing: f"made: {value}\nkind: x\n")
    found = feedback.infer_template(world.library, settings=world.settings)
    assert found.text.startswith('---\nmade:\nkind: "x"\n---\n')
    frame(found.text, "WORDS", title="T", context={"source": {}}, when=WHEN)


@pytest.mark.parametrize(("full", "slot"), [(True, "source.title"), (False, "title")])
def test_a_heading_is_kept_where_only_some_notes_can_be_named_as_their_source(world: small_world.World, full: bool, slot: str) -> None:
    def name(number: int, thing: str) -> str:
        return f"A Book of {thing.title()}" if number % 2 else f"Book of {thing.title()}, A"

    _bodies(world, lambda number, thing: f"# {f'A Book of {thing.title()}' if full else name(number, thing)}", name)
    found = feedback.infer_template(world.library, settings=world.settings)
    assert found.text == f"# {{{{ {slot} }}}}\n\n{{{{ draft }}}}\n"
    assert found.explained == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# <% tp.file.title %>\n\n<% tp.file.cursor(1) %>\n\n## More\n<% tp.file.cursor(2) %>\n", "# T\n\nWORDS\n\n## More"),
        ("# T\n\n<%- tp.file.cursor() -%>\n\n## More\n", "# T\n\nWORDS\n\n## More"),
        ("# T\n\n<% tp.file.cursor() %>\n\n## More\n{{draft}}\n", "# T\n\n## More\nWORDS"),
    ],
)
def test_a_draft_goes_where_templater_puts_the_cursor(world: small_world.World, text: str, expected: str) -> None:
    vault.save_template(world.settings, "t", text)
    kept = vault.get_template(world.settings, "t").text
    made = frame(kept, "WORDS", title="T", context={}, when=WHEN)
    assert "".join(made.text.split("\n\n")) == "".join(expected.split("\n\n"))
    assert made.text[made.start : made.end] == "WORDS"


def test_the_command_shows_and_saves_only_when_asked(world: small_world.World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["templates", "infer"]) == 0
    assert "Nothing was written" in capsys.readouterr().out
    assert main(["templates"]) == 0
    assert "No templates yet" in capsys.readouterr().out
    assert main(["templates", "infer", "--save", "mine"]) == 0
    assert main(["templates", "infer", "--save", "mine"]) == 1
    capsys.readouterr()
    assert main(["templates", "list"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("mine\thome\t")
    assert main(["templates", "show", "mine"]) == 0
    assert "{{ draft }}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("day", "told"),
    [
        ("2024-12-29", "2025-W01 25 Dec 29, 2024 364th"),
        ("2024-12-31", "2025-W01 25 Dec 31, 2024 366th"),
        ("2025-12-31", "2026-W01 26 Dec 31, 2025 365th"),
        ("2025-01-05", "2025-W02 25 Jan 5, 2025 5th"),
    ],
)
def test_weeks_at_the_years_end_belong_to_the_year_that_moment_says(day: str, told: str) -> None:
    from datetime import datetime

    assert format_moment(datetime.fromisoformat(f"{day}T12:00:00+00:00"), "gggg-[W]ww gg ll DDDo") == told
