"""Logging in, and the health check that needs no login."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from ... import __version__
from ..context import Here
from ..gate import cookie_name, same, session
from ..schemas import Health

API = 1
YEAR = 365 * 24 * 3600
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>notewright</title>
<meta name="color-scheme" content="light dark">
<style>body {{ font: 1rem/1.5 system-ui; max-width: 30rem; margin: 15vh auto; padding: 0 1rem }} input, button {{ font: inherit }}</style>
<h1>notewright</h1>
<p>{words}</p>
<form method="post" action="/login"><label>Token <input name="token" type="password" autocomplete="off" autofocus></label>
<button>Log in</button></form></html>
"""
router = APIRouter(tags=["access"])


@router.get("/api/health", operation_id="health")
def health(here: Here) -> Health:
    """Is this notewright, and which? Needs no token."""
    return Health(name="notewright", version=__version__, api=API, boot=here.boot)


@router.get("/login", include_in_schema=False)
def open_link(request: Request, here: Here, token: Annotated[str, Query(max_length=500)] = "") -> Response:
    return (
        _enter(request, here, token)
        if token
        else HTMLResponse(PAGE.format(words="Paste the token from the link that notewright serve prints."))
    )


@router.post("/login", include_in_schema=False)
def log_in(request: Request, here: Here, token: Annotated[str, Form(max_length=500)] = "") -> Response:
    return _enter(request, here, token)


@router.post("/api/logout", operation_id="logout", status_code=204)
def log_out(request: Request) -> Response:
    """Forget this browser's login."""
    response = Response(status_code=204)
    response.delete_cookie(cookie_name(request.headers.get("host", "")), path="/", samesite="strict", httponly=True)
    return response


def _enter(request: Request, here: Here, token: str) -> Response:
    if not same(token.strip(), here.token) and not here.take_pass(token.strip()):
        return HTMLResponse(PAGE.format(words="That is not this server's token. It is part of the link that notewright serve prints."), 401)
    response = RedirectResponse("/", 303)
    response.set_cookie(
        cookie_name(request.headers.get("host", "")), session(here.token), max_age=YEAR, path="/", secure=request.url.scheme == "https",
        httponly=True, samesite="strict",
    )  # fmt: skip
    return response
