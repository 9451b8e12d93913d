"""What Obsidian did by itself and tells afterwards: an insertion, and what became of it. Told twice, it counts once."""

from __future__ import annotations

from fastapi.testclient import TestClient

from small_world import World

NOTE = "Notes/Looms.md"


def insert(client: TestClient, world: World) -> tuple[str, dict, bytes]:
    """What the plugin does: preview, write the span itself, tell."""
    source = client.get("/api/queue").json()["chapters"][0]
    wish = {"source": source["source_id"], "chapter": source["chapter"], "seed": 7, "stream": False}
    draft = client.post("/api/drafts", json=wish).json()["drafts"][0]["id"]
    shown = client.post(f"/api/drafts/{draft}/accept/preview", json={"into": NOTE}).json()
    path = world.vault / NOTE
    before = path.read_bytes()
    path.write_bytes(before[: shown["start"]] + shown["inserted"].encode() + before[shown["start"] :])
    return draft, {"note_path": NOTE, "start": shown["start"], "inserted": shown["inserted"]}, before


def test_an_insertion_told_twice_counts_once_and_can_be_undone(client: TestClient, world: World) -> None:
    draft, made, before = insert(client, world)
    first = client.post(f"/api/drafts/{draft}/insertions", json=made)
    assert first.status_code == 200, first.text
    assert client.post(f"/api/drafts/{draft}/insertions", json=made).json()["events"][-1]["id"] == first.json()["events"][-1]["id"]
    kinds = [action["event"]["kind"] for action in client.get("/api/history").json()]
    assert kinds.count("insertion") == 1
    client.post("/api/undo", json={})
    assert (world.vault / NOTE).read_bytes() == before


def test_a_note_that_does_not_hold_the_text_is_refused(client: TestClient, world: World) -> None:
    draft, made, before = insert(client, world)
    (world.vault / NOTE).write_bytes(before)
    assert client.post(f"/api/drafts/{draft}/insertions", json=made).status_code == 409
    assert client.post("/api/drafts/draft-999/insertions", json=made).status_code == 404


def test_later_edits_are_stored_once(client: TestClient, world: World) -> None:
    draft, made, _ = insert(client, world)
    client.post(f"/api/drafts/{draft}/insertions", json=made)
    text = made["inserted"].strip()
    change = {"before": text, "after": text + "\n- My own line.", "note_path": NOTE}
    stored = client.post(f"/api/drafts/{draft}/later-edits", json=change).json()
    assert stored["kind"] == "edit"
    assert stored["payload"]["via"] == "plugin"
    assert client.post(f"/api/drafts/{draft}/later-edits", json=change).json() is None
