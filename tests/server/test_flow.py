"""The main path over HTTP: find a chapter without a note, draft, rank, accept, undo."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from notewright.records import Highlight, Source
from notewright.server import create_app
from notewright.text import content_hash
from small_world import World, highlight_id, numbered

NOTE = "Notes/Looms.md"


def events(client: TestClient, body: dict) -> list[tuple[str, dict]]:
    with client.stream("POST", "/api/drafts", json=body) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"].startswith("text/event-stream")
        return list(parse(response.iter_lines()))


def parse(lines: Iterator[str]) -> Iterator[tuple[str, dict]]:
    kind = ""
    for line in lines:
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))


def test_with_one_key_a_judgement_is_recorded_once(client: TestClient, world: World) -> None:
    chapter = client.get("/api/queue").json()["chapters"][0]
    batch = events(client, {"source": chapter["source_id"], "chapter": chapter["chapter"], "n": 2, "seed": 7})[-1][1]
    first, second = (item["id"] for item in batch["drafts"])
    for number, (path, body) in enumerate([
        (f"batches/{batch['id']}/ranking", {"order": [[first], [second]]}),
        ("decisions", {"decision": "reject", "draft_id": first}),
        ("comments", {"draft_id": first, "text": "Shorter."}),
        (f"drafts/{first}/edits", {"final_text": "Other words."}),
    ]):  # fmt: skip
        key = {"Idempotency-Key": f"key-{number}"}
        told = [client.post(f"/api/{path}", json=body, headers=headers).json()["id"] for headers in (key, key, {}, {})]
        assert [told.index(one) for one in told] == [0, 0, 2, 3]
    refused = client.post("/api/comments", json={"draft_id": first, "text": "Longer."}, headers=key)
    assert (refused.status_code, refused.json()["message"].partition(":")[0]) == (409, "This was not recorded")
    assert refused.json()["hint"].startswith("Look at what counts now; to have it otherwise, say it once more")


def test_from_the_queue_to_the_note_and_back(client: TestClient, world: World) -> None:
    queue = client.get("/api/queue").json()
    assert queue["total"] == 2
    first = queue["chapters"][0]
    assert (first["source_title"], first["chapter"], first["highlights"]) == ("A Book of Rivers", "Beginnings", 3)
    told = events(client, {"source": first["source_id"], "chapter": first["chapter"], "seed": 7})
    assert [kind for kind, _ in told][:1] == ["started"] or told[0][0] == "queued"
    batch = told[-1][1]
    assert told[-1][0] == "done"
    texts: dict[int, str] = {}
    for kind, data in told:
        if kind == "text":
            texts[data["candidate"]] = ("" if data["replace"] else texts.get(data["candidate"], "")) + data["text"]
    assert {item["sampling"]["written"]: item["text"] for item in batch["drafts"]}.items() <= texts.items()
    assert texts[0] == numbered((), -1)
    ids = [item["id"] for item in batch["drafts"]]
    ranked = client.post(f"/api/batches/{batch['id']}/ranking", json={"order": [[ids[1]], [ids[0], ids[2]]], "seconds": 2.5})
    assert ranked.json()["payload"]["order"] == [[ids[1]], [ids[0], ids[2]]]
    before = (world.vault / NOTE).read_bytes()
    shown = client.post(f"/api/drafts/{ids[1]}/accept/preview", json={"into": NOTE, "under": "Troubles"}).json()
    assert (world.vault / NOTE).read_bytes() == before
    done = client.post(f"/api/drafts/{ids[1]}/accept", json={"into": NOTE, "under": "Troubles", "expected_hash": shown["before_hash"]})
    assert done.status_code == 200, done.text
    assert done.json()["diff"] == shown["diff"]
    assert (world.vault / NOTE).read_bytes() != before
    assert client.get("/api/queue").json()["total"] == 1
    refused = client.post("/api/undo", json={"expected": ranked.json()["id"]})
    assert (refused.status_code, "Something else was done" in refused.json()["message"]) == (409, True)
    assert client.get("/api/queue").json()["total"] == 1
    taken = client.post("/api/undo", json={"expected": done.json()["events"][-1]["id"]}).json()
    assert (taken["payload"]["how"], taken["before"]) == ("restored", [])
    assert (world.vault / NOTE).read_bytes() == before
    assert client.get("/api/queue").json()["total"] == 2


def test_a_source_with_its_chapters_and_highlights(client: TestClient) -> None:
    page = client.get("/api/sources", params={"q": "looms ada"}).json()
    assert (page["total"], page["sources"][0]["highlights"], page["sources"][0]["noted"]) == (1, 6, 4)
    detail = client.get(f"/api/sources/{page['sources'][0]['id']}").json()
    assert [item["chapter"] for item in detail["chapters"]] == ["Beginnings", "Troubles"]
    first = detail["highlights"][0]
    assert (first["id"], first["annotation"], first["location_label"]) == (highlight_id("looms", 0, 0), "Mark this", "p. 1")
    assert len(first["pair_ids"]) == 1
    assert [item["is_discard"] for item in detail["highlights"]].count(True) == 2


def test_markdown_is_shown_as_obsidian_shows_it_and_runs_nothing(client: TestClient, world: World) -> None:
    (world.vault / "pic.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    markdown = "## Title\n- **bold** [[Looms]] [[Nowhere]]\n\n![[pic.png]]\n\n<script>alert(1)</script><img src=x onerror=alert(1)>"
    html = client.post("/api/preview", json={"markdown": markdown, "note_path": "Notes/Rivers.md"}).json()["html"]
    assert "<strong>bold</strong>" in html
    assert "<script" not in html
    assert "onerror" not in html
    address = html.partition('<img src="')[2].partition('"')[0]
    picture = client.get(address.replace("&amp;", "&"))
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")
    assert "sandbox" in picture.headers["content-security-policy"]


def test_pictures_are_found_as_obsidian_finds_them_and_never_outside(client: TestClient, world: World, tmp_path: Path) -> None:
    for place in ("Assets/deep/one.svg", "Notes/two.png", ".hidden/three.png"):
        (world.vault / place).parent.mkdir(parents=True, exist_ok=True)
        (world.vault / place).write_bytes(b"<svg/>")
    (tmp_path / "secret.png").write_bytes(b"secret")
    (world.vault / "link.png").symlink_to(tmp_path / "secret.png")
    (world.vault / "inward.png").symlink_to(world.vault / ".hidden/three.png")

    def ask(path: str) -> int:
        return client.get("/api/attachments", params={"path": path, "note_path": "Notes/Rivers.md"}).status_code

    for path in ("one.svg", "deep/one.svg", "Assets/deep/one.svg", "two.png", "Notes/two.png"):
        assert ask(path) == 200, path
    for path in ("other/one.svg", "three.png", "link.png", "inward.png"):
        assert ask(path) == 404, path
    for path in (".hidden/three.png", "../secret.png", "Notes/Looms.md"):
        assert ask(path) == 422, path


def test_notes_and_headings_for_the_accept_dialog(client: TestClient, world: World) -> None:
    page = client.get("/api/notes", params={"source_id": "readwise:b-looms"}).json()
    assert (page["total"], page["notes"][0]["path"], page["notes"][0]["pairs"]) == (11, "Notes/Looms.md", 2)
    assert [note["path"] for note in client.get("/api/notes", params={"q": "notes moss"}).json()["notes"]] == ["Notes/Moss.md"]
    note = client.get("/api/note", params={"path": "Notes/Looms"}).json()
    assert [heading["title"] for heading in note["headings"]] == ["Looms", "Beginnings", "Troubles"]
    assert note["content_hash"] == content_hash((world.vault / "Notes/Looms.md").read_bytes())
    assert client.get("/api/note", params={"path": "Notes/None"}).json()["exists"] is False


def test_a_pair_is_shown_with_its_reasons_and_decided(client: TestClient, world: World) -> None:
    first = client.get("/api/pairs", params={"status": "proposed", "limit": 1}).json()["pairs"][0]
    detail = client.get(f"/api/pairs/{first['id']}").json()
    assert len(detail["highlights"]) == 2
    assert detail["why"]
    assert client.post(f"/api/pairs/{first['id']}/decision", json={"status": "rejected"}).json()["pair"]["status"] == "rejected"
    assert world.library.pairs.get(first["id"]).status == "rejected"


@pytest.mark.parametrize("status", ["proposed", "accepted", "rejected"])
def test_the_same_decision_sent_again_is_no_second_event(client: TestClient, world: World, status: str) -> None:
    first = client.get("/api/pairs", params={"status": "proposed", "limit": 1}).json()["pairs"][0]
    other = "rejected" if status == "accepted" else "accepted"
    for said in (other, status, status, status):
        assert client.post(f"/api/pairs/{first['id']}/decision", json={"status": said}).json()["pair"]["status"] == said
    assert [event.payload["status"] for event in world.library.pairs.history(first["id"])] == [other, status]


def test_a_split_sent_again_is_no_second_event(client: TestClient, world: World) -> None:
    first = client.get("/api/pairs", params={"status": "proposed", "limit": 1}).json()["pairs"][0]
    keep = {"highlight_ids": [first["links"][0]["highlight_id"]]}
    answers = [client.post(f"/api/pairs/{first['id']}/split", json=keep).json() for _ in range(2)]
    assert [answer.pop("events") for answer in answers] == [[world.library.events.last()], []]
    assert answers[0] == answers[1]
    assert len(world.library.pairs.history(first["id"])) == 1


def test_a_pair_shows_which_words_are_which_highlights(client: TestClient) -> None:
    first = client.get("/api/pairs", params={"limit": 1}).json()["pairs"][0]
    detail = client.get(f"/api/pairs/{first['id']}").json()
    text, told = detail["pair"]["passage_text"], {item["id"]: item["text"] for item in detail["highlights"]}
    rests = [(span, rest) for span in detail["spans"] for rest in span["rests"]]
    assert {rest["highlight_id"] for _, rest in rests} == told.keys()
    for span, rest in rests:
        for piece in rest["alignments"]:
            assert span["start"] <= piece["start"] < piece["end"] <= span["end"]
            assert (
                text[piece["start"] : piece["end"]].lower()
                == told[rest["highlight_id"]][piece["highlight_start"] : piece["highlight_end"]].lower()
            )


def test_a_decision_that_is_taken_back_is_an_undo_and_no_action_of_its_own(client: TestClient, world: World) -> None:
    one, other = client.get("/api/pairs", params={"source_id": "readwise:b-looms"}).json()["pairs"]
    third = next(item for item in client.get("/api/pairs").json()["pairs"] if item["source_id"] != one["source_id"])
    status = lambda pair: client.get(f"/api/pairs/{pair['id']}").json()["pair"]  # noqa: E731
    keep = {"highlight_ids": [one["links"][1]["highlight_id"]]}
    client.post(f"/api/pairs/{third['id']}/decision", json={"status": "rejected"})
    split = client.post(f"/api/pairs/{one['id']}/split", json=keep).json()
    merged = client.post(f"/api/pairs/{one['id']}/merge", json={"pair_id": other["id"]}).json()
    assert (len(split["events"]), len(merged["events"])) == (1, 2)
    assert "(merged by you: another pair has its highlights now)" in client.get(f"/api/pairs/{other['id']}").json()["why"]
    for _ in range(2):  # told twice, it counts once
        assert client.post("/api/pairs/restore", json={"events": merged["events"]}).status_code == 204
        assert (status(one), status(other)) == (split["pair"], other)
    assert len(world.library.events.all("undo")) == 1
    client.post("/api/pairs/restore", json={"events": split["events"]})
    assert status(one) == one
    assert client.post("/api/undo", json={}).json()["kind"] == "undo"
    assert status(third) == third, "what was done last of all that still counted"
    refused = client.post("/api/pairs/restore", json={"events": [999]})
    assert (refused.status_code, "999" in refused.json()["message"]) == (404, True)


def test_a_pair_that_nothing_finds_is_named(client: TestClient, world: World) -> None:
    one = client.get("/api/pairs", params={"source_id": "readwise:b-looms"}).json()["pairs"][0]
    world.library.pairs.propose([])
    passages = client.get("/api/passages", params={"note_path": one["note_path"]}).json()["passages"]
    told = next(item for item in passages if item["text"] == one["passage_text"])
    assert (told["headings"], told["pair_ids"]) == (one["headings"], [])
    ids = [link["highlight_id"] for link in one["links"]]
    wish = {"note_path": one["note_path"], "passage_id": told["id"], "source_id": one["source_id"], "highlight_ids": ids}
    named = client.post("/api/pairs", json=wish).json()
    assert (named["pair"]["status"], named["pair"]["method"], len(named["events"])) == ("accepted", "hand", 1)
    assert [item["id"] for item in named["highlights"]] == ids
    assert client.post("/api/pairs", json=wish).json()["events"] == [], "it was so already"
    passages = client.get("/api/passages", params={"note_path": one["note_path"]}).json()["passages"]
    assert [item["pair_ids"] for item in passages if item["id"] == told["id"]] == [[named["pair"]["id"]]]
    client.post("/api/pairs/restore", json={"events": named["events"]})
    assert client.get("/api/pairs").json()["pairs"][0]["status"] == "proposed"
    for change, code in (({"passage_id": "gone"}, 404), ({"note_path": "No.md"}, 404), ({"highlight_ids": ["gone"]}, 422)):
        refused = client.post("/api/pairs", json=wish | change)
        assert (refused.status_code, bool(refused.json()["hint"])) == (code, True)


def test_pairs_are_split_and_merged_and_both_are_undecided_again(client: TestClient) -> None:
    one, other = client.get("/api/pairs", params={"source_id": "readwise:b-looms"}).json()["pairs"]
    keep = [one["links"][1]["highlight_id"]]
    split = client.post(f"/api/pairs/{one['id']}/split", json={"highlight_ids": keep}).json()
    assert (split["pair"]["status"], [item["id"] for item in split["highlights"]]) == ("accepted", keep)
    merged = client.post(f"/api/pairs/{one['id']}/merge", json={"pair_id": other["id"]}).json()
    assert [link["highlight_id"] for link in merged["pair"]["links"]] == keep + [link["highlight_id"] for link in other["links"]]
    assert client.get(f"/api/pairs/{other['id']}").json()["pair"]["status"] == "rejected"
    for pair in (one, other):
        assert client.post(f"/api/pairs/{pair['id']}/decision", json={"status": "proposed"}).json()["pair"] == pair
    waiting = client.get("/api/pairs/review", params={"limit": 3}).json()
    assert (len(waiting["pairs"]), waiting["total"]) == (3, client.get("/api/pairs").json()["total"])


@pytest.mark.parametrize(
    ("route", "body", "status", "told"),
    [
        ("split", {"highlight_ids": []}, 422, "without highlights"),
        ("split", {"highlight_ids": ["readwise:none"]}, 422, "does not have readwise:none"),
        ("merge", {"pair_id": "pair-1"}, 422, "not two pairs"),
        ("merge", {"pair_id": "pair-0"}, 404, "pair-0"),
    ],
)
def test_what_cannot_be_split_or_merged_is_refused(client: TestClient, route: str, body: object, status: int, told: str) -> None:
    answer = client.post(f"/api/pairs/pair-1/{route}", json=body)
    assert (answer.status_code, told in answer.json()["message"]) == (status, True)
    assert client.get("/api/pairs/pair-1").json()["pair"]["status"] == "proposed"


def test_provenance_and_diff(client: TestClient) -> None:
    detail = client.get("/api/sources/readwise:b-looms").json()
    first = detail["highlights"][0]
    text = f"{first['text']} And a sentence of my own about nothing at all."
    spans = client.post("/api/provenance", json={"text": text, "highlight_ids": [item["id"] for item in detail["highlights"]]}).json()
    assert [bool(span["rests"]) for span in spans] == [True, False]
    assert spans[0]["rests"][0]["highlight_id"] == first["id"]
    diff = client.post("/api/diff", json={"before": "one two", "after": "one three"}).json()
    assert [(piece["op"], piece["text"]) for piece in diff["pieces"]] == [("=", "one "), ("-", "two"), ("+", "three")]


def test_all_of_a_book_with_many_highlights_is_named_and_traced(client: TestClient, world: World) -> None:
    many = tuple(Highlight(f"Fact number {at} about lighthouses.", location=at, location_type="page") for at in range(700))
    world.library.sources.upsert([Source("Lighthouses", highlights=many)], origin="markdown", complete=True)
    book = next(item for item in world.library.sources.all() if item.title == "Lighthouses")
    ids = [item.id for item in world.library.sources.highlights(book.id)]
    passage = client.get("/api/passages", params={"note_path": NOTE}).json()["passages"][0]
    wish = {"note_path": NOTE, "passage_id": passage["id"], "source_id": book.id, "highlight_ids": ids}
    named = client.post("/api/pairs", json=wish)
    assert (named.status_code, len(named.json()["highlights"])) == (200, 700)
    spans = client.post("/api/provenance", json={"text": "Fact number 612 about lighthouses.", "highlight_ids": ids}).json()
    assert spans[0]["rests"][0]["highlight_id"] == ids[612]


def test_the_studio_is_served_from_its_folder_with_its_own_routes(world: World, tmp_path: Path) -> None:
    built = tmp_path / "studio"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<title>studio</title>")
    (built / "assets" / "app.js").write_text("1")
    (tmp_path / "secret.txt").write_text("secret")
    with TestClient(create_app(world.settings, studio=built), base_url="http://127.0.0.1") as opened:
        assert [opened.get(path).text for path in ("/", "/queue", "/models/model-1")] == ["<title>studio</title>"] * 3
        assert "immutable" in opened.get("/assets/app.js").headers["cache-control"]
        assert opened.get("/assets/none.js").status_code == 404
        assert "secret" not in opened.get("/..%2fsecret.txt").text
    with TestClient(create_app(world.settings, studio=tmp_path / "none"), base_url="http://127.0.0.1") as unbuilt:
        assert "make studio" in unbuilt.get("/").text
