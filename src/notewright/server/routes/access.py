"""Logging in, and the health check that needs no login."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from ... import __version__
from ..context import Here
from ..gate import cookie_name, same, session
from ..problems import make_router
from ..schemas import Health

API = 1
YEAR = 365 * 24 * 3600
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Log in · notewright</title><meta name="color-scheme" content="light dark"><link rel="icon" href="/icon.svg" type="image/svg+xml">
<style>
:root {{ color-scheme: light; --paper: #fdfdfb; --raised: #fff; --ink: #1d1f21; --soft: #5b6066; --edge: #858b92; --accent: #1a5fb4;
  --on-accent: #fff; --bad: #a3261f }}
@media (prefers-color-scheme: dark) {{ :root {{ color-scheme: dark; --paper: #17191c; --raised: #1f2226; --ink: #e6e6e3; --soft: #a2a8ae;
  --edge: #747b83; --accent: #82b4f5; --on-accent: #10151b; --bad: #f2a09a }} }}
* {{ box-sizing: border-box }}
body {{ margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif }}
main {{ max-width: 27rem; margin: min(15vh, 8rem) auto 2rem; padding: 0 1rem }}
h1 {{ margin: 0 0 .6rem; font-size: 1.6rem; font-weight: 600 }}
p {{ margin: 0 0 1.2rem; color: var(--soft) }}
p[role=alert] {{ color: var(--bad) }}
label {{ display: block; margin-bottom: .3rem; font-weight: 550 }}
input, button {{ display: block; width: 100%; min-height: 2.75rem; padding: .4rem .8rem; border: 1px solid var(--edge); border-radius: 8px;
  font: inherit; color: inherit; background: var(--raised) }}
input:-webkit-autofill {{ -webkit-text-fill-color: var(--ink); box-shadow: inset 0 0 0 4rem var(--raised); caret-color: var(--ink) }}
button {{ margin-top: .8rem; border-color: var(--accent); background: var(--accent); color: var(--on-accent); font-weight: 550;
  cursor: pointer }}
:focus-visible {{ outline: 2px solid var(--accent); outline-offset: 2px }}
</style>
<main><h1>notewright</h1>
<p{role}>{words}</p>
<form method="post" action="/login"><label for="token">Link or token</label>
<input id="token" name="token" type="password" autocomplete="off" autocapitalize="off" spellcheck="false" required autofocus>
<button>Log in</button></form></main></html>
"""
ASKED = "Paste the link that notewright serve printed in its terminal, or the token at its end."
WRONG = "That is not this server's token. It is the end of the link that notewright serve printed."
ORIGIN = {"referrer-policy": "same-origin"}  # under "no-referrer" browsers send a form with `Origin: null`, which the gate refuses
router = make_router("access", "")


@router.get("/api/health", operation_id="health")
def health(here: Here) -> Health:
    """Is this notewright, and which? Needs no token."""
    return Health(name="notewright", version=__version__, api=API, boot=here.boot)


@router.get("/login", include_in_schema=False)
def open_link(request: Request, here: Here, token: Annotated[str, Query(max_length=500)] = "") -> Response:
    return _enter(request, here, token) if token else HTMLResponse(PAGE.format(words=ASKED, role=""), headers=ORIGIN)


@router.post("/login", include_in_schema=False)
def log_in(request: Request, here: Here, token: Annotated[str, Form(max_length=500)] = "") -> Response:
    return _enter(request, here, token.rpartition("token=")[2])  # people paste the whole link


@router.post("/api/logout", operation_id="logout", status_code=204)
def log_out(request: Request) -> Response:
    """Forget this browser's login."""
    response = Response(status_code=204)
    response.delete_cookie(cookie_name(request.headers.get("host", "")), path="/", samesite="strict", httponly=True)
    return response


def _enter(request: Request, here: Here, token: str) -> Response:
    if not same(token.strip(), here.token) and not here.take_pass(token.strip()):
        return HTMLResponse(PAGE.format(words=WRONG, role=' role="alert"'), 401, headers=ORIGIN)
    response = RedirectResponse("/", 303)
    response.set_cookie(
        cookie_name(request.headers.get("host", "")), session(here.token), max_age=YEAR, path="/", secure=request.url.scheme == "https",
        httponly=True, samesite="strict",
    )  # fmt: skip
    return response
