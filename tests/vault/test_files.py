"""Which files are the person's notes, what the vault's settings say, and what a link can mean."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from notewright.errors import Invalid, NotFound
from notewright.settings import Settings
from notewright.vault import build_index, picture, preview_text
from notewright.vault.config import VaultConfig, Writing, looks_like_export, read_config, read_writing
from notewright.vault.files import absent, iterate_notes, locate

EXPORT = "# Book\n\n![rw-book-cover](https://x.org/a.png)\n\n## Highlights\n- text ([View Highlight](https://read.readwise.io/read/01a))\n"


def make(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def config_of(vault: Path, **values: object) -> VaultConfig:
    return read_config(Settings(home=vault, vault=vault, **values))  # type: ignore[arg-type]


def test_settings_of_the_vault_are_read(tmp_path: Path) -> None:
    app = {"attachmentFolderPath": "Assets", "newLinkFormat": "relative", "useMarkdownLinks": True}
    config = config_of(make(tmp_path, {".obsidian/app.json": json.dumps(app)}))
    assert (config.attachment_folder, config.link_format, config.markdown_links) == ("Assets", "relative", True)
    assert config.attachment_path("Notes/A.md", "x.png") == "Assets/x.png"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"newLinkFormat": 3, "attachmentFolderPath": null}', "\xff", '{"a":' * 2000])
def test_broken_settings_give_the_defaults(tmp_path: Path, text: str) -> None:
    make(tmp_path, {".obsidian/app.json": ""})
    (tmp_path / ".obsidian/app.json").write_bytes(text.encode("latin-1"))
    config = config_of(tmp_path)
    assert (config.attachment_folder, config.link_format, config.markdown_links) == ("", "shortest", False)
    assert config.warnings or text in ("[]", '{"newLinkFormat": 3, "attachmentFolderPath": null}')


def test_settings_of_which_nothing_can_be_read_are_told_in_one_line(tmp_path: Path) -> None:
    """As where the folder may not be looked into; here it is a file, which no rights help."""
    (tmp_path / ".obsidian").write_text("")
    [warning] = read_config(Settings(home=tmp_path / "home", vault=tmp_path)).warnings
    assert warning.startswith(".obsidian (")
    assert "could not be read (" in warning


@pytest.mark.parametrize(("folder", "expected"), [("/", "x.png"), ("./", "N/x.png"), ("./assets", "N/assets/x.png"), ("a/b", "a/b/x.png")])
def test_attachments_go_where_obsidian_puts_them(tmp_path: Path, folder: str, expected: str) -> None:
    make(tmp_path, {".obsidian/app.json": json.dumps({"attachmentFolderPath": folder})})
    assert config_of(tmp_path).attachment_path("N/a.md", "x.png") == expected


def test_folders_that_the_vault_lacks_are_known(tmp_path: Path) -> None:
    vault = make(tmp_path / "vault", {"Old/a.md": "mine", "Caf\u00e9/Daily/b.md": "mine"})
    exclude = ("Old", "./Old/", "Cafe\u0301/Daily", "Odl", "../vault/Old", "*.tmp", "Old/a.md", "x" * 300, "a\0b")
    settings = Settings(home=tmp_path, vault=vault, readwise_folder="Reedwise", exclude=exclude)
    assert absent(settings) == ("Reedwise", "Odl", "../vault/Old", "x" * 300, "a\0b")
    assert absent(Settings(home=tmp_path, exclude=exclude)) == ()


TEMPLATE = "# {{title}}\n\nAbout: \n"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"templates.json": {"folder": "Stencils"}}, ("Stencils",)),
        ({"plugins/templater-obsidian/data.json": {"templates_folder": "/Stencils/"}}, ("Stencils",)),
        ({"plugins/quickadd/data.json": {"templateFolderPath": "Stencils"}}, ("Stencils",)),
        ({"templates.json": {"folder": "Meine Vorlagen"}}, ("Meine Vorlagen",)),  # called so, though nothing in it is to be filled in
        ({"templates.json": {"folder": "Diary"}}, ()),  # notes all the same
        ({"templates.json": {"folder": "/"}}, ()),
        ({"templates.json": {"folder": "../Stencils"}}, ()),
        ({"templates.json": {"folder": "Nowhere"}}, ()),
        ({"templates.json": {"folder": ["Stencils"]}}, ()),
        ({"daily-notes.json": {"folder": "Diary", "template": "Forms/Day"}}, ("Forms/Day.md",)),
        ({"plugins/periodic-notes/data.json": {"weekly": {"template": "Forms/Week.md"}}}, ("Forms/Week.md",)),
        (
            {
                "plugins/quickadd/data.json": {
                    "choices": [{"type": "Multi", "choices": [{"type": "Template", "templatePath": "Forms/Day.md"}]}]
                }
            },
            ("Forms/Day.md",),
        ),
        (
            {
                "plugins/templater-obsidian/data.json": {"folder_templates": [{"folder": "Diary", "template": "Stencils/A.md"}]},
                "templates.json": {"folder": "Stencils"},
            },
            ("Stencils",),
        ),
        ({"templates.json": [1]}, ()),
        ({"plugins/obsidian-excalidraw-plugin/data.json": {"scriptFolderPath": "Draw/Scripts"}}, ("Draw/Scripts/Downloaded",)),
    ],
)
def test_templates_are_no_notes_of_the_persons(tmp_path: Path, settings: dict[str, object], expected: tuple[str, ...]) -> None:
    notes = {
        "Stencils/A.md": TEMPLATE,
        "Stencils/B.md": "<% tp.date.now() %>",
        "Meine Vorlagen/C.md": "# Nur so\n",
        "Diary/D.md": "I saw it.\n",
        "Diary/E.md": "A {{word}} of mine.\n",
        "Diary/F.md": "More.\n",
        "Forms/Day.md": "# Day\n",
        "Forms/Week.md": "# Week\n",
        "Forms/Own.md": "Mine.\n",
        "Draw/Scripts/Own.md": "Mine, about drawing.\n",
        "Draw/Scripts/Downloaded/Grid.md": "/*\nA grid.\n*/\nlet a = 1\n",
    }
    make(tmp_path, {**notes, **{f".obsidian/{name}": json.dumps(value) for name, value in settings.items()}})
    config = config_of(tmp_path)
    assert config.templates == expected
    left = [path for path in notes if not any(path == one or path.startswith(f"{one}/") for one in expected)]
    assert [file.path for file in iterate_notes(tmp_path, config)] == sorted(left)


@pytest.mark.parametrize(
    ("folder", "notes", "found"),
    [
        ("_templates", [TEMPLATE, TEMPLATE], True),
        ("02 Assets/Templates", [TEMPLATE], True),
        ("Templates", ["I build templates for chairs.\n", TEMPLATE, "Plain.\n"], False),
        ("Templates for chairs", [TEMPLATE], False),
        ("Templates", [], False),
    ],
)
def test_a_folder_called_templates_that_holds_some_is_left_out(tmp_path: Path, folder: str, notes: list[str], found: bool) -> None:
    make(tmp_path, {f"{folder}/{number}.md": text for number, text in enumerate(notes)})
    assert config_of(tmp_path).templates == ((folder,) if found else ())


def test_the_readwise_folder_is_found(tmp_path: Path) -> None:
    make(tmp_path, {"readwise/Books/B.md": EXPORT, "Notes/a.md": "mine"})
    assert config_of(tmp_path).readwise_folders == ("readwise",)
    make(tmp_path, {".obsidian/plugins/readwise-official/data.json": '{"readwiseDir": "/Library/Readwise/", "token": "secret"}'})
    assert config_of(tmp_path).readwise_folders == ("Library/Readwise", "readwise")
    make(tmp_path, {"Library/Readwise/Old Readwise/B.md": EXPORT})
    assert config_of(tmp_path).readwise_folders == ("Library/Readwise", "readwise")
    assert config_of(tmp_path, readwise_folder="Exports").readwise_folders == ("Exports",)


def test_a_folder_of_that_name_without_exports_is_the_persons(tmp_path: Path) -> None:
    make(tmp_path, {"Readwise/How I use it.md": "I like Readwise."})
    assert config_of(tmp_path).readwise_folders == ()
    assert looks_like_export(EXPORT)
    assert not looks_like_export("see https://readwise.io/open/1")


@pytest.mark.parametrize(
    ("name", "notes", "found"),
    [
        ("3 Resources/Highlights/Readwise/Articles/a.md", [EXPORT], "3 Resources/Highlights/Readwise"),
        ("refs/readwise-highlights/a.md", [EXPORT, EXPORT, "mine", "mine"], "refs/readwise-highlights"),
        ("refs/readwise-highlights/a.md", [EXPORT, "mine", "mine"], ""),
        ("From Readwise/a.md", ["> quoted ([View Highlight](https://read.readwise.io/read/01a))\n\nand said so"], ""),
        ("a/b/c/d/Readwise/a.md", [EXPORT], ""),
        (".trash/Readwise/a.md", [EXPORT], ""),
        ("Readwise/Articles/a.md", ["* Full Title: A\n* Category: #articles\n"], "Readwise"),
    ],
)
def test_the_readwise_folder_may_lie_deeper_and_be_called_more(tmp_path: Path, name: str, notes: list[str], found: str) -> None:
    make(tmp_path, {name.replace("a.md", f"{number}.md"): text for number, text in enumerate(notes)} | {"Notes/Readwise.md": EXPORT})
    assert config_of(tmp_path).readwise_folders == ((found,) if found else ())


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        (["Ex/"], ["A.md", "Extra.md", "n/Ex/c.md"]),
        (["/\\.old\\.md$/"], ["A.md", "Ex/a.md", "Extra.md", "n/Ex/c.md"]),
        (["A.md", "/^n/"], ["Ex/a.md", "Ex/b.old.md", "Extra.md"]),
        (["/(/", 3, "", "/", "n/Ex/"], ["A.md", "Ex/a.md", "Ex/b.old.md", "Extra.md"]),
        ("Ex/", ["A.md", "Ex/a.md", "Ex/b.old.md", "Extra.md", "n/Ex/c.md"]),
    ],
)
def test_what_obsidian_excludes_is_left_out(tmp_path: Path, filters: object, left: list[str]) -> None:
    files = {"A.md": "", "Ex/a.md": "", "Ex/b.old.md": "", "Extra.md": "", "n/Ex/c.md": ""}
    make(tmp_path, {**files, ".obsidian/app.json": json.dumps({"userIgnoreFilters": filters})})
    config = config_of(tmp_path)
    assert [note.path for note in iterate_notes(tmp_path, config)] == left
    assert [warning for warning in config.warnings if "'/(/'" in warning] == list(config.warnings)
    assert bool(config.warnings) == ("/(/" in filters)  # type: ignore[operator]


def test_a_missing_vault_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        read_config(Settings(home=tmp_path))
    with pytest.raises(NotFound):
        read_config(Settings(home=tmp_path, vault=tmp_path / "gone"))


def test_only_the_persons_notes_are_listed(tmp_path: Path) -> None:
    outside = make(tmp_path / "outside", {"secret.md": "not ours"})
    vault = make(
        tmp_path / "vault",
        {
            "b.md": "", "a/B.MD": "", "a/z.txt": "", ".obsidian/x.md": "", ".trash/y.md": "", ".hidden.md": "", "Readwise/r.md": "",
            "Templates/t.md": "", "a/draft-1.md": "", "Readwise notes.md": "",
        },
    )  # fmt: skip
    (vault / "link").symlink_to(outside)
    (vault / "link.md").symlink_to(outside / "secret.md")
    (vault / "loop").symlink_to(vault)
    config = VaultConfig(readwise_folders=("Readwise",))
    found = [note.path for note in iterate_notes(vault, config, exclude=("Templates/", "a/draft-*.md"))]
    assert found == ["Readwise notes.md", "a/B.MD", "b.md"]


def test_names_are_in_one_normal_form(tmp_path: Path) -> None:
    make(tmp_path, {"Cafe\u0301/e\u0301.md": "x"})
    note = next(iterate_notes(tmp_path, VaultConfig()))
    assert note.path == "Caf\u00e9/\u00e9.md"
    assert note.file.read_text() == "x"
    assert locate(tmp_path, note.path).read_text() == "x"
    assert not locate(tmp_path, "Caf\u00e9/new.md").exists()


def test_previews_and_pictures_look_through_no_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are asked for at every keystroke, and a large vault has thousands."""
    app = {"attachmentFolderPath": "Kept", "strictLineBreaks": True}
    root = make(tmp_path, {".obsidian/app.json": json.dumps(app), "Kept/x.png": "", "Notes/A.md": "", "Notes/x.png.md": ""})
    settings, index = Settings(home=tmp_path, vault=root), build_index(root)
    config = read_config(settings)
    assert read_writing(settings) == Writing("Kept", strict_line_breaks=True)
    assert (config.attachment_folder, config.strict_line_breaks) == ("Kept", True)

    def no_looking(folder: Path) -> Iterator[tuple[str, Path]]:
        raise AssertionError(folder)

    monkeypatch.setattr("notewright.vault.config._folders", no_looking)
    assert "<br>" not in preview_text(settings, "One\ntwo", note_path="Notes/A.md", index=index).html
    assert picture(settings, "x.png", note_path="Notes/A.md") == (root / "Kept" / "x.png", "image/png")
