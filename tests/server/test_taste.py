"""Corrections, trust and rules over HTTP."""

from __future__ import annotations

from fastapi.testclient import TestClient

WISH = {"source": "A Book of Rivers", "chapter": "Beginnings", "stream": False}


def test_a_comment_proposes_a_rule_that_is_confirmed_edited_and_removed(client: TestClient) -> None:
    draft = client.post("/api/drafts", json=WISH).json()["drafts"][0]["id"]
    assert client.post("/api/comments", json={"draft_id": draft, "text": "Callouts for definitions, please!"}).status_code == 200
    proposed = client.get("/api/rules").json()["proposed"]
    assert proposed
    name = proposed[0]["name"]
    page = client.post(f"/api/rules/{name}/confirm").json()
    assert [rule["name"] for rule in page["confirmed"]] == [name]
    assert page["confirmed"][0]["acts"]
    changed = client.put(f"/api/rules/{name}", json={"text": "Keep it short"}).json()["confirmed"]
    assert [(rule["name"], rule["text"]) for rule in changed] == [("keep-it-short", "Keep it short")]
    assert client.delete(f"/api/rules/{name}").status_code == 404
    left = client.delete("/api/rules/keep-it-short").json()
    assert left["confirmed"] == []
    assert name not in [rule["name"] for rule in left["proposed"]]
    assert client.post(f"/api/rules/{name}/confirm").status_code == 404


def test_a_rule_in_own_words(client: TestClient) -> None:
    page = client.post("/api/rules", json={"text": "Callouts for definitions"}).json()
    assert page["confirmed"][0]["text"] == "Callouts for definitions"
    assert client.post("/api/rules", json={"text": "  "}).status_code == 422


def test_a_correction_is_an_event_and_can_be_undone(client: TestClient) -> None:
    from notewright.reward import FEATURES

    event = client.post("/api/taste/corrections", json={"feature": FEATURES[0].name, "prefer": "less"}).json()
    assert (event["kind"], event["subject"]) == ("belief", FEATURES[0].name)
    assert client.post("/api/taste/corrections", json={"feature": "none", "prefer": "less"}).status_code == 422
    assert client.post("/api/taste/corrections", json={"feature": FEATURES[0].name, "prefer": "about"}).status_code == 422


def test_without_choices_nothing_is_trusted(client: TestClient) -> None:
    rewards = client.get("/api/trust").json()["rewards"]
    assert rewards
    assert {item["level"] for item in rewards} == {"nothing"}
    assert all(item["why"] for item in rewards)


def test_beliefs_are_told_in_sentences(client: TestClient) -> None:
    page = client.get("/api/taste").json()
    assert page["beliefs"]
    assert all(item["sentence"] for item in page["beliefs"])


def test_what_came_of_it_is_a_page(client: TestClient) -> None:
    drafts = client.post("/api/drafts", json=WISH).json()["drafts"]
    assert client.post("/api/decisions", json={"draft_id": drafts[0]["id"], "decision": "accept"}).status_code == 200
    answer = client.get("/api/report", params={"writing": 30})
    assert answer.headers["content-type"].startswith("text/html")
    assert "you took 1 draft, 1 of them without a change" in answer.text
    assert "you write 30 words a minute" in answer.text
    assert client.get("/api/report", params={"writing": 0}).status_code == 422
