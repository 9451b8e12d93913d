"""Who may ask. A pure ASGI layer around everything: Host, Origin, token or cookie, size limits, security headers.

A page on another site can send requests to a local server; so: the Host must be one of ours (DNS rebinding), an Origin must be ours or
Obsidian's (CSRF), and without the token nothing but the studio's own files, the login and the health check is answered.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import os
import secrets
import tempfile
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import Unavailable
from ..files import private

TOKEN_FILE = "server-token"
COOKIE = "notewright"
OBSIDIAN = ("app://obsidian.md", "capacitor://localhost", "http://localhost")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
MEGABYTE = 1_000_000
BODY_LIMIT = 2 * MEGABYTE
UPLOAD_LIMIT = 300 * MEGABYTE
UPLOADS = ("/api/import/upload",)
GUARDED = ("/api/", "/v1/")
OPEN = ("/api/health",)
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
}

# For a page that is made of the person's texts and opened by itself: it runs nothing, loads nothing, and is of no origin. What is
# sandboxed may not ask for a group of windows of its own.
SANDBOX = {
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
    ),
    "cross-origin-opener-policy": "unsafe-none",
}


def read_token(home: Path) -> str:
    """The server's token, made at first use and kept in a file that only its owner can read."""
    path = home / TOKEN_FILE
    try:
        if token := _kept(path):
            return token
        private(home)
        descriptor, part = tempfile.mkstemp(prefix=f".{TOKEN_FILE}.", dir=home)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(32) + "\n")
            try:
                os.link(part, path)  # of two first starts one is faster, and both must hold what stands there
            except OSError:
                if not _kept(path):  # what stands there is no token, or the file system has no hard links
                    os.replace(part, path)
        finally:
            Path(part).unlink(missing_ok=True)
        return _kept(path)
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(
            f"The server's token in {path} cannot be kept: {error}.", "Delete that file, or check its permissions."
        ) from error


def _kept(path: Path) -> str:
    """The token in a file, which from now on only its owner can read; empty where there is none."""
    if not path.exists():
        return ""
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    token = path.read_text(encoding="ascii").strip()
    return token if len(token) >= 32 else ""


def session(token: str) -> str:
    """What the studio's cookie holds: made from the token, so that it outlives a restart; the token cannot be read off it."""
    return hmac.new(token.encode(), b"studio session", hashlib.sha256).hexdigest()


def same(given: str, right: str) -> bool:
    """Equal, found out in constant time."""
    return hmac.compare_digest(given.encode("utf-8", errors="replace"), right.encode())


class Gate:
    """`hosts` are further names under which this server may be asked (a reverse proxy's, a machine's in the local network)."""

    def __init__(self, app: ASGIApp, *, token: str, hosts: Iterable[str] = ()) -> None:
        self.app, self.token, self.session = app, token, session(token)
        self.hosts = {name.lower() for name in (*LOOPBACK, *hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        origin = headers.get("origin", "")
        outside = origin in OBSIDIAN and not self._is_own(origin, headers)
        answer = _Answer(send, origin if outside else "", attachment=scope["path"].startswith("/api/attachments"))
        path, method = scope["path"], scope["method"]
        if not self._host_is_ours(headers.get("host", "")):
            await answer.refuse(
                path,
                403,
                "This server does not go by that name.",
                "Open it under the address that notewright serve printed, or name this one as well: notewright serve --name NAME",
            )
        elif origin and not outside and not self._is_own(origin, headers):
            await answer.refuse(path, 403, "Another site may not talk to this server.", "Use the studio, the Obsidian plugin, or a script.")
        elif method == "OPTIONS" and "access-control-request-method" in headers:
            await answer.preflight(headers)
        elif path.startswith(GUARDED) and path not in OPEN and (wrong := self._refusal(method, headers, outside)):
            await answer.refuse(path, *wrong)
        else:
            limit = UPLOAD_LIMIT if path in UPLOADS else BODY_LIMIT
            length = headers.get("content-length", "0")
            if length.isdigit() and int(length[:18]) > limit:
                await answer.refuse(path, 413, f"That is more than {limit // MEGABYTE} MB.", "Send less at once.")
                return
            await self.app(scope, _Limited(receive, limit), answer)

    def _host_is_ours(self, host: str) -> bool:
        name = _name(host)
        if name in self.hosts:
            return True
        try:
            ipaddress.ip_address(name)  # an attacker can bind a name to our address, but not make the browser call it by number
        except ValueError:
            return False
        return True

    def _is_own(self, origin: str, headers: dict[str, str]) -> bool:
        """From a page of this very server: same host and port; the scheme may differ behind a proxy that ends TLS."""
        return origin.partition("://")[2].lower() == headers.get("host", "").lower() and origin.startswith(("http://", "https://"))

    def _refusal(self, method: str, headers: dict[str, str], outside: bool) -> tuple[int, str, str] | None:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme:
            good = scheme.lower() == "bearer" and same(given.strip(), self.token)
            return None if good else (401, "That is not this server's token.", "Take it from the link that notewright serve prints.")
        if outside or not any(same(value, self.session) for value in _cookies(headers)):
            return 401, "Please log in.", "Open the link that notewright serve prints, or send its token: Authorization: Bearer TOKEN"
        if method not in ("GET", "HEAD") and "origin" not in headers:
            return 403, "A request with the studio's cookie must come from the studio.", "Scripts send: Authorization: Bearer TOKEN"
        return None


def _name(host: str) -> str:
    """The host without its port, lower case, without the brackets of IPv6."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def cookie_name(host: str) -> str:
    """One for each port: browsers send the cookies of one port to all ports of a host, and two servers must not log each other out."""
    try:
        return f"{COOKIE}-{urlsplit(f'//{host}').port or 80}"
    except ValueError:
        return COOKIE


def _cookies(headers: dict[str, str]) -> list[str]:
    """What the studio's cookie holds. Those of all other programs of this machine come with it, in whatever form: no parser that demands
    one may hide ours behind them."""
    pairs = [part.partition("=") for part in headers.get("cookie", "").split(";")]
    wanted = cookie_name(headers.get("host", ""))
    return [value.strip() for name, _, value in pairs if name.strip() == wanted]


class _Limited:
    """`receive` that stops a body which goes over the limit although its header did not say so."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self.receive, self.limit, self.left = receive, limit, limit

    async def __call__(self) -> Message:
        message = await self.receive()
        self.left -= len(message.get("body", b""))
        if self.left < 0:
            raise HTTPException(413, f"That is more than {self.limit // MEGABYTE} MB.")
        return message


class _Answer:
    """`send` with the security headers added, and CORS headers for an allowed outside origin."""

    def __init__(self, send: Send, origin: str, *, attachment: bool) -> None:
        self.send, self.origin, self.attachment = send, origin, attachment

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *self._extra(message.get("headers", ()))]}
        await self.send(message)

    def _extra(self, present: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        names = {name.lower() for name, _ in present}
        extra = dict(HEADERS)
        extra["cross-origin-resource-policy"] = "cross-origin" if self.origin else "same-origin"
        if self.attachment:  # an SVG opened by itself may hold scripts
            extra["content-security-policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        if self.origin:
            extra["access-control-allow-origin"] = self.origin
            extra["vary"] = "Origin"
            extra["access-control-expose-headers"] = "content-type"
        if b"cache-control" not in names:
            extra["cache-control"] = "no-store"
        return [(name.encode(), value.encode()) for name, value in extra.items() if name.encode() not in names]

    async def refuse(self, path: str, status: int, message: str, hint: str) -> None:
        body: object = {"message": message, "hint": hint, "problems": []}
        if path.startswith("/v1/"):
            body = {"error": {"message": f"{message} {hint}", "type": "invalid_request_error", "param": None, "code": None}}
        headers = [(b"content-type", b"application/json")]
        if status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        await self._whole(status, headers, json.dumps(body).encode())

    async def preflight(self, headers: dict[str, str]) -> None:
        """Answer a browser that asks beforehand; an origin that is not allowed never gets here."""
        given = [(b"access-control-allow-methods", b"GET, POST, PUT, DELETE"), (b"access-control-max-age", b"600")]
        given.append((b"access-control-allow-headers", b"authorization, content-type, idempotency-key, last-event-id"))
        if headers.get("access-control-request-private-network") == "true":
            given.append((b"access-control-allow-private-network", b"true"))
        await self._whole(204, given, b"")

    async def _whole(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        await self({"type": "http.response.start", "status": status, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
        await self({"type": "http.response.body", "body": body})
