"""The main path over HTTP: find a chapter without a note, draft, rank, accept, undo."""

from __future__ import annotations

import json
from collections.abc import Iterator

from fastapi.testclient import TestClient

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
    assert {item["sampling"]["written"]: item["text"] for item in batch["drafts"]} == texts
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
    assert client.post("/api/undo", json={}).json()["payload"]["how"] == "restored"
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
