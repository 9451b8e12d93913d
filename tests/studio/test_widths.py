"""No page is wider than the screen, however long the words that people, websites and models give; the navigation is one line."""

from __future__ import annotations

import base64
import itertools
from typing import Any
from urllib.parse import urlencode

import pytest

import small_world
from notewright.importers.vault import import_vault
from notewright.library import Library
from notewright.library.database import now
from notewright.records import Highlight, Model, Source
from served import ScriptedEngines
from walks import Server, ask

pytestmark = pytest.mark.browser
LONG = "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft" * 2
TITLE = "On the long way of a title that a person gave to a chapter, and that no phone shows on one line"
SIZES = {"phone": {"width": 360, "height": 740}, "desktop": {"width": 1280, "height": 800}}
WIDER = """() => [...document.querySelectorAll('main *')].filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 1)
  .map((one) => one.outerHTML.slice(0, 120))"""

IN_SIGHT = """() => {
  const [here, all] = ['nav [aria-current]', 'nav'].map((name) => document.querySelector(name).getBoundingClientRect());
  return here.left >= all.left && here.right <= all.right + 1;
}"""


SHADES = """async (picture) => {
  const image = new Image();
  image.src = `data:image/png;base64,${picture}`;
  await image.decode();
  const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  return [...data].filter((_, at) => at % 4 === 0);
}"""


@pytest.fixture(scope="module")
def engines() -> ScriptedEngines:
    engines = ScriptedEngines()
    engines.writer = small_world.ScriptedEngine(lambda _, seed: f"## {LONG}\n- The words say {LONG} {'abcdefghij'[abs(seed) % 10]}.\n")
    return engines


@pytest.fixture(scope="module")
def server(small_server: Server) -> Server:
    """A source, its author, chapter, tags, highlights, note and rule, all with words that fit no phone; judged and trained."""
    vault = small_server.settings.need_vault()
    (vault / "Notes" / f"{LONG}.md").write_text(f"# {LONG}\n\n## {LONG}\n\n- {LONG} is slow, said the third gardener.\n", encoding="utf-8")
    said = Highlight(
        f"{LONG} is slow, said the third gardener.", location=1, chapter=LONG, annotation=LONG, tags=(LONG,), outside_ids=("readwise:7001",)
    )
    titled = Highlight("Long titles are read to their end.", location=1, chapter=TITLE, outside_ids=("readwise:7002",))
    essays = Source(f"Essays: {TITLE}", author="A. Writer", outside_ids=("readwise:b-titled",), highlights=(titled,))
    book = Source(LONG, author=LONG, tags=(LONG,), outside_ids=("readwise:b-long",), highlights=(said,))
    with Library.open(small_server.settings.home) as library:
        library.sources.upsert([book, essays], origin="csv", complete=False)
        import_vault(library, settings=small_server.settings)
        library.models.add(Model(library.models.new_id(), f"someone/{LONG}", "", "base", now()))
        library.events.append("comment", "draft-1", {"comment": f"please write {LONG} in bold"})
    ask(small_server, "/api/rules", {"text": f"bold {LONG}"})
    return small_server


@pytest.fixture(params=SIZES)
def sized(request: pytest.FixtureRequest, page: Any) -> Any:
    page.set_viewport_size(SIZES[request.param])
    return page


def fits(page: Any, where: str) -> None:
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), (where, page.evaluate(WIDER))


def test_long_titles_widen_no_page(sized: Any, server: Server) -> None:
    page = sized
    batch = ask(server, "/api/drafts", {"source": "readwise:b-long", "n": 2, "stream": False})
    assert LONG in batch["drafts"][0]["text"]
    address = urlencode({"source": batch["source_id"], "chapter": LONG, "batch": batch["id"]})
    page.goto(f"{server.address}/draft?{address}")
    page.locator(".card .reading > *").first.wait_for()
    assert page.get_by_role("heading", level=1).inner_text() == LONG
    fits(page, "draft")
    page.keyboard.press("c")
    page.get_by_label("Comment in your own words").wait_for()
    fits(page, "comment")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.get_by_role("option").first.wait_for()
    fits(page, "search")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    dialog = page.get_by_role("dialog")
    if dialog.get_by_role("button", name="Another note").or_(dialog.get_by_label("Search notes")).first.inner_text():
        dialog.get_by_role("button", name="Another note").click()
    dialog.get_by_label("Search notes").fill(LONG[:20])
    dialog.get_by_role("list", name="Notes").get_by_text(LONG).first.click()
    dialog.get_by_role("region", name="Change of the note").wait_for()
    fits(page, "accept")
    assert dialog.evaluate("(one) => one.scrollWidth <= one.clientWidth")
    page.keyboard.press("Escape")
    ask(server, "/api/drafts", {"source": "readwise:b-bread", "chapter": "Beginnings", "n": 2, "stream": False})
    for path, ready in {
        "queue": ".waiting >> nth=0", "taste": "[data-line^='rule:']", "models": "td >> nth=0", "pairs": "[aria-label=Passage]",
    }.items():  # fmt: skip
        page.goto(f"{server.address}/{path}")
        page.locator(ready).wait_for()
        fits(page, path)
        short = page.locator(".chip").filter(has_not_text=LONG)  # of one line, however narrow it is
        heights = {chip.inner_text(): (chip.bounding_box() or {"height": 0})["height"] for chip in short.all()}
        assert [words for words, height in heights.items() if height > 30] == [], path
    page.goto(f"{server.address}/library")
    page.get_by_role("list", name="Sources found").get_by_role("button").filter(has_text=LONG).click()
    page.get_by_role("list", name="Highlights").get_by_role("listitem").first.wait_for()
    fits(page, "library")


CUT = """(names) => names.filter((one) => one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight + 1)
  .map((one) => one.innerText)"""


@pytest.mark.parametrize(
    ("path", "line"), [("draft", ".waiting"), ("queue", ".waiting"), ("library", "[aria-label='Sources found'] button")]
)
def test_titles_that_wait_are_read_to_their_end_on_a_phone(page: Any, server: Server, path: str, line: str) -> None:
    page.set_viewport_size(SIZES["phone"])
    page.goto(f"{server.address}/{path}")
    row = page.locator(line).filter(has_text=TITLE).first
    row.wait_for()
    assert row.locator(".names > *").evaluate_all(CUT) == []
    fits(page, path)


def test_a_long_pair_is_decided_without_scrolling_to_its_end(page: Any, server: Server) -> None:
    page.set_viewport_size({"width": 390, "height": 700})

    def lengthen(route: Any) -> None:
        told = route.fetch().json()
        for pair in told["pairs"]:
            pair["passage_text"] += "\n\n- One more line of a passage that has no end." * 60
        route.fulfill(json=told)

    page.route("**/api/pairs/review?*", lengthen)
    page.goto(f"{server.address}/pairs")
    here = page.get_by_role("heading", level=1)
    page.get_by_role("region", name="Passage").wait_for()
    accept, reject = (page.get_by_role("button", name=name) for name in ("They belong together", "They do not"))
    assert page.get_by_role("region", name="Passage").bounding_box()["height"] > 1400
    inside = """(one) => {
      const { left, right, top, bottom } = one.getBoundingClientRect();
      const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
      return left >= 0 && right <= innerWidth && top >= 0 && bottom <= innerHeight && one.contains(hit);
    }"""
    assert [accept.evaluate(inside), reject.evaluate(inside)] == [True, True]
    page.mouse.wheel(0, 600)
    page.wait_for_function("() => scrollY > 500")
    before = here.inner_text()
    reject.click()
    page.locator(".notice").get_by_role("button", name="Undo").wait_for()
    page.wait_for_function("(before) => document.querySelector('h1').innerText !== before", arg=before)
    page.get_by_role("region", name="Passage").wait_for()
    page.wait_for_function("() => scrollY < 200")  # the next one begins at its beginning
    assert [accept.evaluate(inside), reject.evaluate(inside)] == [True, True], "the message does not cover them"
    page.keyboard.press("u")
    page.get_by_text("Taken back.").wait_for()
    page.wait_for_function("(before) => document.querySelector('h1').innerText === before", arg=before)


def test_navigation_takes_one_line_and_shows_where_one_is(page: Any, server: Server) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    for name in ("Draft", "Library"):
        page.goto(f"{server.address}/{name.lower()}")
        links = page.get_by_role("navigation").get_by_role("link")
        links.first.wait_for()
        places = [links.nth(number).bounding_box()["y"] for number in range(links.count())]
        assert len(places) == 6
        assert len(set(places)) == 1
        assert page.get_by_role("banner").bounding_box()["height"] < 60
        here = page.locator("nav [aria-current=page]")
        assert here.inner_text() == name
        page.wait_for_function(IN_SIGHT)
        fits(page, name)


@pytest.mark.parametrize("width", [360, 320])
def test_navigation_is_whole_on_a_phone_or_shows_that_there_is_more(page: Any, server: Server, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 640})
    page.goto(f"{server.address}/draft")
    nav = page.get_by_role("navigation")
    nav.get_by_role("link").first.wait_for()

    def edge() -> list[int]:
        """How dark the last pixels of the navigation are, above its words."""
        box = nav.bounding_box()
        picture = page.screenshot(clip={"x": box["x"] + box["width"] - 8, "y": box["y"] + box["height"] / 8, "width": 8, "height": 3})
        return page.evaluate(SHADES, base64.b64encode(picture).decode())

    cut = nav.evaluate("(one) => one.scrollWidth - one.clientWidth")
    if width == 360:
        assert cut == 0
    assert (max(edge()) - min(edge()) > 20) == (cut > 0)
    nav.evaluate("(one) => one.scrollTo(999, 0)")
    page.wait_for_timeout(200)
    assert max(edge()) - min(edge()) < 20, "there is no more"


@pytest.mark.parametrize(("path", "group", "width"), [("pairs", ".decide", 390), ("pairs", ".decide", 320), ("draft", ".bar .row", 1280)])
def test_buttons_that_belong_together_stand_in_one_line(page: Any, server: Server, path: str, group: str, width: int) -> None:
    """With the keys that they have."""
    page.set_viewport_size({"width": width, "height": 800})
    batch = ask(server, "/api/drafts", {"source": "readwise:b-bread", "chapter": "Beginnings", "n": 2, "stream": False})
    query = urlencode({"source": batch["source_id"], "chapter": batch["chapter"], "batch": batch["id"]}) if path == "draft" else ""
    page.goto(f"{server.address}/{path}?{query}")
    buttons = page.locator(f"{group} button")
    buttons.nth(1).wait_for()
    places = [button.bounding_box() for button in buttons.all()]
    assert len({round(place["y"]) for place in places}) == 1
    fits(page, path)
    if path == "draft":
        page.keyboard.press("1")
        page.locator(".bar b").wait_for()
        assert [button.bounding_box() for button in buttons.all()] == places, "however much is said before them"


def test_what_accepts_only_some_stands_beside_what_accepts_all(page: Any, server: Server) -> None:
    """Also where there is nothing to leave out, so that nothing moves from pair to pair."""
    page.goto(f"{server.address}/pairs")
    page.locator("mark").first.wait_for()
    names = [button.inner_text().split("\n")[0].strip() for button in page.locator(".deeds button").all()]
    assert names[:3] == ["They belong together", "Only those checked", "They do not"]
    only = page.get_by_role("button", name="Only those checked")
    assert only.is_disabled()
    page.keyboard.press("1")
    assert only.is_enabled()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 760, 801, 1280])
def test_no_number_of_the_library_stands_near_the_name_of_another(page: Any, server: Server, width: int, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{server.address}/library")
    page.get_by_label("Numbers").wait_for()
    words = page.evaluate("""() => [...document.querySelectorAll("[aria-label=Numbers] dt")].map((one) => {
      const range = document.createRange();
      range.selectNodeContents(one);
      const { left, right, top } = range.getBoundingClientRect();
      return [left, right, top];
    })""")
    gaps = [after[0] - before[1] for before, after in itertools.pairwise(words) if after[0] > before[0]]
    assert len(words) == 8
    assert min(gaps) >= 14
    fits(page, "library")


@pytest.mark.parametrize("size", SIZES)
def test_a_candidate_that_is_in_a_note_looks_like_the_others(page: Any, server: Server, size: str) -> None:
    """What is said of it takes no line of its own, however long its note is called."""
    page.set_viewport_size(SIZES[size])
    batch = ask(server, "/api/drafts", {"source": "readwise:b-bread", "chapter": "Beginnings", "n": 2, "stream": False})
    query = urlencode({"source": batch["source_id"], "chapter": batch["chapter"], "batch": batch["id"]})
    path = f"Notes/{LONG}.md"

    def accepted(route: Any) -> None:
        route.fulfill(json=route.fetch().json() | {"accepted": {batch["drafts"][0]["id"]: path}})

    page.route(f"**/api/batches/{batch['id']}/judged", accepted)
    page.goto(f"{server.address}/draft?{query}")
    page.locator(".card").get_by_title(path).wait_for()
    page.keyboard.press("1")
    page.locator(".card").get_by_text("place 1").wait_for()
    fits(page, "draft")
    assert {round(header.bounding_box()["height"]) for header in page.locator(".card header").all()} == {32}


def test_the_source_to_compare_by_says_what_it_takes_to_its_end(page: Any, server: Server) -> None:
    page.set_viewport_size({"width": 768, "height": 1024})
    page.goto(f"{server.address}/models")
    field = page.get_by_label("Source, by its title")
    field.wait_for()
    assert field.bounding_box()["width"] >= 300
    assert page.get_by_label("Judged batches after which it improves by itself").bounding_box()["width"] < 100
