"""Nothing that a note or a highlight says can run in a preview, ask for something over the network, or take over the page."""

from __future__ import annotations

import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from notewright.vault.render import render
from notewright.vault.sanitise import sanitise
from walks import CHROMIUM, FLAGS, needs_chromium
from xss_vectors import VECTORS

HARMLESS_SCHEMES = ("http:", "https:", "mailto:", "obsidian:", "zotero:", "kindle:", "#")


class Finder(HTMLParser):
    """Collects what a harmless fragment may not have."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in (
            "script",
            "style",
            "iframe",
            "object",
            "embed",
            "svg",
            "math",
            "form",
            "link",
            "meta",
            "base",
            "button",
            "template",
            "video",
        ):
            self.found.append(tag)
        for name, value in attrs:
            text = "".join((value or "").split()).lower()
            if name.startswith("on") or name in ("srcset", "srcdoc", "formaction", "action", "background", "xlink:href", "name"):
                self.found.append(f"{tag} {name}")
            if name == "id" and not text.startswith("fn"):
                self.found.append(f"{tag} id={text}")
            if name == "src":
                self.found.append(f"{tag} src={text}")
            if name == "href" and ":" in text and not text.startswith(HARMLESS_SCHEMES):
                self.found.append(f"{tag} href={text}")
            if name == "style" and ("url" in text or "expression" in text or "position" in text or "\\" in text):
                self.found.append(f"{tag} style={text}")


def dangers(html: str) -> list[str]:
    finder = Finder()
    finder.feed(html)
    finder.close()
    return finder.found


def test_there_are_enough_vectors() -> None:
    assert len(set(VECTORS)) >= 130


def test_the_finder_finds() -> None:
    assert all(
        dangers(html) for html in ("<b onclick=x>", "<script>", "<a href='java\nscript:x'>", "<img src=x>", "<p style='background:url(x)'>")
    )


@pytest.mark.parametrize("vector", VECTORS, ids=range(len(VECTORS)))
def test_every_vector_renders_harmless(vector: str) -> None:
    for text in (vector, f"> [!note]\n> {vector}", f"- a **{vector}** b", f"text {vector} text"):
        assert dangers(render(text).html) == [], text


def test_own_pictures_stay_and_others_go() -> None:
    html = '<img src="/files/a.png" alt="x"><img src="/files/b.png"><img src="data:image/png;base64,AAAA">'
    html += '<img src="data:image/svg+xml;base64,AAAA">'
    assert sanitise(html, own_sources={"/files/a.png"}).count("src=") == 2
    assert "src" not in sanitise('<img src="https://e.org/x.png">')
    assert "src" in sanitise('<img src="https://e.org/x.png">', remote_images=True)


def test_useful_html_stays() -> None:
    kept = '<details open=""><summary>s</summary><kbd>K</kbd><span style="color:red">x</span></details>'
    assert sanitise(kept) == kept


@pytest.mark.parametrize("colour", ["#ABF7F7A6", "gold", "rgba(240, 200, 0, 0.2)", "hsl(60 100% 50% / 40%)"])
def test_a_highlighters_colour_stays(colour: str) -> None:
    assert colour in render(f'<mark style="background: {colour};">x</mark>').html.replace("&quot;", '"')


@pytest.mark.parametrize(
    "value", ["src('//e.org/x')", "linear-gradient(red, blue)", "red, cross-fade('//e.org/x')", "#fff element(#a)", "'//e.org'"]
)
def test_a_background_is_a_colour_and_nothing_else(value: str) -> None:
    assert "background" not in render(f'<mark style="color: red; background: {value}; opacity: 1">x</mark>').html


@pytest.mark.browser
def test_nothing_runs_in_a_browser(tmp_path: Path) -> None:
    """All vectors on one page each way, without any policy to protect it: no script runs, and nothing changes the page's title."""
    needs_chromium()
    control = "<img src=x onerror='window.ran=1'>"
    for name, body, expected in (
        ("control", control, "ran"),
        ("previews", "\n".join(f"<section>{render(vector).html}</section>" for vector in VECTORS), "quiet"),
    ):
        page = tmp_path / f"{name}.html"
        watch = "<script>setTimeout(() => {document.title = window.ran ? 'ran' : 'quiet'}, 1500)</script>"
        page.write_text(f"<!doctype html><meta charset=utf-8><title>before</title>{body}{watch}", encoding="utf-8")
        command = [CHROMIUM, "--headless", *FLAGS.split(), f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=4000"]
        done = subprocess.run([*command, "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=120, check=True)
        assert f"<title>{expected}</title>" in done.stdout, name


@pytest.mark.parametrize("href", ["fi&#9;le:///etc/passwd", "da&#10;ta:text/html,x", "&#1;data:text/html,x"])
def test_a_scheme_is_seen_through_what_browsers_pass_over(href: str) -> None:
    assert "href" not in render(f'<a href="{href}">x</a>').html
