"""The server's previews: Obsidian's look, pictures by the server's own address, nothing that runs."""

from __future__ import annotations

import re

from fastapi.testclient import TestClient

from small_world import World


def test_previews_resolve_against_the_vault(client: TestClient, world: World) -> None:
    vault = world.settings.need_vault()
    (vault / "A picture & more.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (vault / "Known.md").write_text("# Known\nwords of it\n", encoding="utf-8")
    text = "> [!tip] T\n> ![[A picture & more.png|300]]\n\n![[Known]] [[Unknown]] <script>x</script>"
    html = client.post("/api/preview", json={"markdown": text, "note_path": "Somewhere.md"}).json()["html"]
    assert 'data-callout="tip"' in html
    assert "words of it" in html
    assert "is-unresolved" in html
    assert "script" not in html
    found = re.search(r'<img src="([^"]*)"', html)
    assert found
    assert client.get(found[1].replace("&amp;", "&")).status_code == 200
