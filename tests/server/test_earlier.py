"""A batch that was judged before is shown again as it stands, whoever judged it; and why it has fewer drafts than were asked for."""

from __future__ import annotations

from fastapi.testclient import TestClient

from notewright.overview import status
from served import ScriptedEngines
from small_world import ScriptedEngine, World

NOTE = "Notes/Rivers.md"
WISH = {"source": "rivers", "chapter": "Beginnings", "n": 3, "stream": False}


def test_what_counts_of_a_batch_is_told(client: TestClient, world: World) -> None:
    batch = client.post("/api/drafts", json=WISH).json()
    one, two, three = (draft["id"] for draft in batch["drafts"])
    asked = lambda: client.get(f"/api/batches/{batch['id']}/judged").json()  # noqa: E731
    nothing = {"batch_id": batch["id"], "order": [], "rejected": [], "accepted": {}, "edits": {}}
    assert asked() == nothing
    client.post(f"/api/batches/{batch['id']}/ranking", json={"order": [[two], [one]], "rejected": [three]})
    assert asked() == nothing | {"order": [[two], [one]], "rejected": [three]}
    shown = client.post(f"/api/drafts/{two}/accept/preview", json={"into": NOTE}).json()
    assert client.post(f"/api/drafts/{two}/accept", json={"into": NOTE, "expected_hash": shown["before_hash"]}).status_code == 200
    assert asked()["accepted"] == {two: NOTE}
    rows = client.get("/api/batches", params={"source_id": batch["source_id"]}).json()["batches"]
    assert [(row["id"], row["ranked"], row["accepted"]) for row in rows] == [(batch["id"], True, True)]
    client.post("/api/undo", json={})
    assert asked()["accepted"] == {}
    assert client.get("/api/batches/batch-99/judged").status_code == 404


def test_what_was_prepared_ahead_is_earlier_only_once_it_was_seen_or_judged(client: TestClient, world: World) -> None:
    asked, two, three = (client.post("/api/drafts", json=WISH | more).json() for more in ({}, {"ahead": True}, {"ahead": True}))

    def listed(**query: object) -> dict[str, bool]:
        page = client.get("/api/batches", params={"chapter": "Beginnings"} | query).json()
        assert page["total"] == len(page["batches"])
        return {row["id"]: row["unseen"] for row in page["batches"]}

    chapter = lambda: client.get(f"/api/sources/{asked['source_id']}").json()["chapters"][0]  # noqa: E731
    assert (listed(), chapter()["batches"]) == ({asked["id"]: False}, 1)
    assert listed(unseen=True) == {three["id"]: True, two["id"]: True, asked["id"]: False}
    assert status(world.library, settings=world.settings).next == f"notewright rank {asked['id']}"
    assert client.post(f"/api/batches/{two['id']}/seen").status_code == 204
    assert (listed(), chapter()["batches"]) == ({two["id"]: False, asked["id"]: False}, 2)
    client.post("/api/decisions", json={"decision": "reject", "draft_id": three["drafts"][0]["id"]})
    assert list(listed()) == [three["id"], two["id"], asked["id"]]
    assert client.post("/api/batches/batch-99/seen").status_code == 404


def test_why_there_are_fewer_is_told_then_and_later(client: TestClient, engines: ScriptedEngines) -> None:
    engines.writer = ScriptedEngine(lambda _, seed: "- The greedy words.\n" if seed < 0 else "- Drawn words, and quite a few of them.\n")
    batch = client.post("/api/drafts", json=WISH | {"written": 3, "examples": 0}).json()
    assert len(batch["drafts"]) == 2
    assert batch["fewer"] == "2 of 3: of 4 written, 2 were the same text as another."
    assert client.get(f"/api/batches/{batch['id']}").json()["fewer"] == batch["fewer"]
    assert client.post("/api/drafts", json=WISH | {"n": 2}).json()["fewer"] == ""


def test_an_empty_ranking_takes_back_what_was_said(client: TestClient, world: World) -> None:
    batch = client.post("/api/drafts", json=WISH).json()
    one, two, three = (draft["id"] for draft in batch["drafts"])
    rank = lambda **more: client.post(f"/api/batches/{batch['id']}/ranking", json={"order": []} | more)  # noqa: E731
    asked = lambda: client.get(f"/api/batches/{batch['id']}/judged").json()  # noqa: E731
    nothing = asked()
    assert (rank().status_code, rank().json()) == (200, None)
    rank(order=[[one], [two]])
    client.post("/api/decisions", json={"decision": "reject", "draft_id": three})
    taken = rank(seconds=3.5).json()
    assert (taken["kind"], len(taken["payload"]["events"])) == ("undo", 2)
    assert asked() == nothing
    assert client.get("/api/batches").json()["batches"][0]["ranked"] is False
    assert client.get("/api/status").json()["counts"]["rankings"] == 0
    assert rank(order=[[two]]).json()["kind"] == "ranking"
    assert asked()["order"] == [[two]]
    assert rank(comment="why").status_code == rank(aspects={one: []}).status_code == 422  # half of a ranking is none
    assert client.post("/api/batches/batch-99/ranking", json={"order": []}).status_code == 404
