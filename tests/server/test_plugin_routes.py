"""What Obsidian did by itself and tells afterwards: an insertion, and what became of it. Told twice, it counts once."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from notewright.server.schemas import MOST_UNDONE
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


def test_what_is_in_no_note_has_no_later_edits(client: TestClient, world: World) -> None:
    draft, made, _ = insert(client, world)
    change = {"before": "a", "after": "b", "note_path": NOTE}
    refused = client.post(f"/api/drafts/{draft}/later-edits", json=change)
    assert refused.status_code == 422
    assert f"{draft} is in no note" in refused.json()["message"]
    assert client.post("/api/drafts/draft-999/later-edits", json=change).status_code == 404
    client.post(f"/api/drafts/{draft}/insertions", json=made)
    client.post("/api/undo", json={})
    assert client.post(f"/api/drafts/{draft}/later-edits", json=change).status_code == 422
    assert "edit" not in [action["event"]["kind"] for action in client.get("/api/history").json()]


def drafted(client: TestClient) -> str:
    chapter = client.get("/api/queue").json()["chapters"][0]
    wish = {"source": chapter["source_id"], "chapter": chapter["chapter"], "seed": 7, "stream": False}
    return str(client.post("/api/drafts", json=wish).json()["drafts"][0]["id"])


def test_a_server_without_the_vault_previews_and_records_what_obsidian_holds(client: TestClient, world: World) -> None:
    shutil.move(world.vault, world.vault.with_name("far away"))
    draft = drafted(client)
    text = "# Far\n\n## One\n\nMine.\n\n## Two\n"
    place = {"into": "Elsewhere/Far.md", "under": "One", "seen": {"text": text}}
    shown = client.post(f"/api/drafts/{draft}/accept/preview", json=place).json()
    after = text[: shown["start"]] + shown["inserted"] + text[shown["start"] :]
    assert after.index("Mine.") < shown["start"] < after.index("## Two")
    made = {"note_path": "Elsewhere/Far.md", "start": shown["start"], "inserted": shown["inserted"]}
    assert client.post(f"/api/drafts/{draft}/insertions", json=made).status_code == 409
    told = client.post(f"/api/drafts/{draft}/insertions", json=made | {"seen": after})
    assert told.status_code == 200, told.text
    again = client.post(f"/api/drafts/{draft}/insertions", json=made | {"seen": after + "\nmore"})
    assert again.json()["events"][-1]["id"] == told.json()["events"][-1]["id"]
    passage = shown["inserted"].encode()[slice(*shown["passage"])].decode()
    change = {"before": passage, "after": passage + " Really.", "note_path": "Elsewhere/Far.md"}
    assert client.post(f"/api/drafts/{draft}/later-edits", json=change).json()["payload"]["final_text"].endswith("Really.")
    refused = client.post("/api/undo", json={})
    assert refused.status_code == 409
    assert "--keep-note" in refused.json()["hint"]
    assert client.post("/api/undo", json={"keep_note": True}).json()["payload"]["how"] == "kept"


@pytest.mark.parametrize("path", ["../out.md", ".obsidian/x.md", "a/con.md", "what?.md", "", "/etc/x.md"])
def test_places_outside_are_refused_without_the_vault_too(client: TestClient, world: World, path: str) -> None:
    draft = drafted(client)
    shown = client.post(f"/api/drafts/{draft}/accept/preview", json={"into": path, "seen": {"text": None}})
    assert shown.status_code == 422


def test_a_template_frames_a_new_note_and_only_the_draft_is_followed(client: TestClient, world: World) -> None:
    folder = world.settings.home / "templates"
    folder.mkdir()
    (folder / "Book.md").write_text("---\nby: {{ source.author | yaml }}\n---\n# {{title}}\n\n{{draft}}\n\n## Later\n")
    assert client.get("/api/templates").json() == [{"name": "Book", "origin": "home"}]
    draft = drafted(client)
    place = {"into": "Notes/New.md", "template": "Book", "seen": {"text": None}}
    shown = client.post(f"/api/drafts/{draft}/accept/preview", json=place).json()
    assert shown["created"]
    assert shown["inserted"].startswith('---\nby: "Ada Reader"\n---\n# New\n\n')
    (world.vault / "Notes/New.md").write_text(shown["inserted"])
    made = {name: shown[name] for name in ("note_path", "start", "inserted", "created", "passage")}
    assert client.post(f"/api/drafts/{draft}/insertions", json=made).status_code == 200
    text = client.get(f"/api/drafts/{draft}").json()["text"].strip()
    assert client.post(f"/api/drafts/{draft}/later-edits", json={"before": text, "after": text, "note_path": "Notes/New.md"}).json() is None


def test_the_server_knows_whether_obsidian_is_there(client: TestClient, world: World) -> None:
    assert client.get("/api/status").json()["editors"] == []
    assert client.post("/api/editors/one", json={"vault": "vault", "open": [NOTE]}).json() == {"orders": []}
    assert client.get("/api/status").json()["editors"] == ["vault"]
    client.delete("/api/editors/one")
    assert client.get("/api/status").json()["editors"] == []


def test_accepting_in_the_studio_lets_obsidian_write_the_note_that_is_open_there(client: TestClient, world: World) -> None:
    draft = drafted(client)
    shown = client.post(f"/api/drafts/{draft}/accept/preview", json={"into": NOTE}).json()
    path, before = world.vault / NOTE, (world.vault / NOTE).read_bytes()
    client.post("/api/editors/one", json={"vault": "vault", "open": [NOTE]})
    wish = {"into": NOTE, "expected_hash": shown["before_hash"], "seconds": 3}
    with ThreadPoolExecutor() as pool:
        accepting = pool.submit(client.post, f"/api/drafts/{draft}/accept", json=wish)
        order = client.post("/api/editors/one", json={"vault": "vault", "open": [NOTE], "wait": 20}).json()["orders"][0]
        assert order["before_hash"] == shown["before_hash"]
        assert client.post(f"/api/orders/{order['id']}", json={"state": "taken"}).json() == {"granted": True}
        assert client.post(f"/api/orders/{order['id']}", json={"state": "taken"}).json() == {"granted": False}
        assert path.read_bytes() == before, "only Obsidian writes"
        path.write_bytes(before[: order["start"]] + order["inserted"].encode() + before[order["start"] :])
        made = {name: order[name] for name in ("note_path", "start", "inserted", "passage", "final_text", "seconds")}
        told = client.post(f"/api/drafts/{draft}/insertions", json=made | {"order": order["id"]})
        answer = accepting.result(20)
    assert answer.status_code == 200, answer.text
    assert answer.json()["after_hash"] == told.json()["after_hash"]
    assert [event["kind"] for event in answer.json()["events"]] == ["decision", "insertion"]
    kinds = [action["event"]["kind"] for action in client.get("/api/history").json()]
    assert kinds.count("insertion") == kinds.count("decision") == 1


def test_several_things_are_taken_back_at_once(client: TestClient, world: World) -> None:
    draft = drafted(client)
    for seconds in range(3):
        client.post("/api/decisions", json={"decision": "reject", "draft_id": draft, "seconds": seconds})
    done = client.post("/api/undo", json={"number": 2}).json()
    assert len(done["before"]) == 1
    done = client.post("/api/undo", json={"number": MOST_UNDONE}).json()
    assert done["before"] == []
    assert client.post("/api/undo", json={"number": 2}).status_code == 404
    assert client.post("/api/undo", json={"number": 0}).status_code == 422
    both = client.post("/api/undo", json={"number": 2, "expected": 1})
    assert (both.status_code, both.json()["hint"]) == (422, "Leave out expected or number.")
    refused = client.post("/api/undo", json={"number": MOST_UNDONE + 1})
    assert refused.status_code == 422
    assert refused.json()["problems"] == ["number: Input should be less than or equal to 20"]
