"""Readwise's export interface, played by a real HTTP server on loopback."""

from __future__ import annotations

import json
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "secret-token-123"


class FakeReadwise:
    """Books with highlights, answered two a page, as the real service does; `script` holds answers to give first."""

    def __init__(self) -> None:
        self.books: dict[int, dict[str, Any]] = {}
        self.requests: list[dict[str, str]] = []
        self.script: list[tuple[int, dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def put(self, book: int, highlight: int, text: str, updated: str, **more: Any) -> None:
        known = self.books.setdefault(
            book, {"user_book_id": book, "title": f"Book {book}", "author": "A", "category": "books", "source": "kindle", "highlights": {}}
        )
        known["highlights"][highlight] = {
            "id": highlight, "text": text, "location": highlight, "location_type": "page", "note": "", "color": "", "tags": [],
            "highlighted_at": "2024-01-01T00:00:00Z", "updated_at": updated, "is_deleted": False, **more,
        }  # fmt: skip

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.requests.append({"path": parts.path, **query})
        if self.script:
            status, headers, body = self.script.pop(0)
        elif request.headers.get("Authorization") != f"Token {TOKEN}":
            status, headers, body = 401, {}, b'{"detail":"Invalid token."}'
        else:
            status, headers, body = 200, {}, json.dumps(self.page(query)).encode()
        (request.send_response_only if "Date" in headers else request.send_response)(status)  # the second dates the answer itself
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    def page(self, query: dict[str, str]) -> dict[str, Any]:
        ids = {int(item) for item in query["ids"].split(",")} if "ids" in query else None
        since = datetime.fromisoformat(query.get("updatedAfter", "2000-01-01T00:00:00Z"))
        found = []
        for number, book in self.books.items():
            highlights = [
                item
                for item in book["highlights"].values()
                if datetime.fromisoformat(item["updated_at"]) > since and (query.get("includeDeleted") == "true" or not item["is_deleted"])
            ]
            if (ids is None or number in ids) and highlights:
                found.append({**book, "highlights": highlights})
        start = int(query.get("pageCursor", 0))
        return {"count": len(found), "nextPageCursor": start + 2 if start + 2 < len(found) else None, "results": found[start : start + 2]}
