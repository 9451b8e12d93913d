"""Errors, translated once: each kind of NotewrightError has its status code; an answer says what is wrong and what to do."""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from ..errors import Busy, Conflict, Invalid, MissingExtra, NotewrightError, NotFound, RunFailed, Unavailable
from .schemas import Problem

# Trouble outside (a disk, Readwise, another server) is 424, not 5xx: that would say that this server is broken, and clients would repeat.
STATUS: dict[type[NotewrightError], int] = {
    NotFound: 404, Conflict: 409, Invalid: 422, Busy: 423, Unavailable: 424, MissingExtra: 424, RunFailed: 424,
}  # fmt: skip
PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {"model": Problem, "description": words}
    for code, words in {
        400: "Not readable at all",
        401: "No token, or a wrong one",
        403: "Another host, or another site's page",
        404: "Not found",
        409: "Something changed meanwhile",
        413: "Too large",
        422: "Bad input; all problems are named",
        423: "Busy with something that excludes this",
        424: "Something outside does not work: disk, network, another server",
    }.items()
}
WORDS = {404: "There is nothing here.", 405: "That cannot be done here.", 413: "That is too much at once."}


def make_router(tag: str, prefix: str = "/api", responses: Mapping[int | str, dict[str, Any]] | None = None) -> APIRouter:
    """For one part of the API. What every route may answer stands here and not in the app, which takes the routes as they are."""
    told = {**PROBLEMS, **(responses or {})}
    return APIRouter(prefix=prefix, tags=[tag], responses=told, generate_unique_id_function=lambda route: route.name)


def problem_of(error: NotewrightError) -> tuple[int, Problem]:
    """Status code and body."""
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 422)
    return status, Problem(message=error.message, hint=error.hint, problems=list(getattr(error, "problems", ())))


def answer(request: Request, status: int, problem: Problem, **more: object) -> JSONResponse:
    """The problem as the caller expects it: ours, or OpenAI's under /v1."""
    if request.url.path.startswith("/v1/"):
        return JSONResponse(openai_error(status, problem), 400 if status == 422 else status)
    return JSONResponse({**problem.model_dump(), **more}, status)


def openai_error(status: int, problem: Problem) -> dict[str, dict[str, str | None]]:
    """The problem in OpenAI's form."""
    words = " ".join(filter(None, (problem.message, *problem.problems, problem.hint)))
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {"error": {"message": words, "type": kind, "param": None, "code": "model_not_found" if status == 404 else None}}


def _told(item: Mapping[str, Any]) -> str:
    """One of pydantic's findings: where, and what is wrong there."""
    if item["type"] == "json_invalid":
        return f"the body is not JSON, from character {item['loc'][-1]} on: {item['ctx']['error']}"
    return f"{'.'.join(str(part) for part in item['loc'][1:]) or item['loc'][0]}: {item['msg']}"


def _calls(request: Request) -> dict[str, list[str]]:
    """Methods by path of what there is under /v1."""
    calls: dict[str, list[str]] = {}
    for route in request.app.routes:
        if isinstance(route, APIRoute) and route.path_format.startswith("/v1/"):
            calls.setdefault(route.path_format, []).extend(sorted(route.methods or ()))
    return calls


def _no_such_call(request: Request) -> JSONResponse:
    """Clients try `/v1/completions` or `/v1/embeddings`: 404 tells them that it is not there, 405 would only be about the method."""
    calls = _calls(request)
    there = ", ".join(f"{method} {path}" for path, methods in calls.items() for method in methods)
    known = any(re.fullmatch(re.sub(r"\{[^}]*\}", ".+", path), request.url.path) for path in calls)
    words = WORDS[405] if known else f"There is no {request.url.path} here."
    body = openai_error(405, Problem(message=words, hint=f"There are: {there}.", problems=[]))
    return JSONResponse({"error": {**body["error"], "code": "method_not_supported" if known else "unknown_url"}}, 405 if known else 404)


def add_handlers(app: FastAPI) -> None:
    """The handler table."""

    @app.exception_handler(NotewrightError)
    def known(request: Request, error: NotewrightError) -> JSONResponse:
        return answer(request, *problem_of(error))

    @app.exception_handler(RequestValidationError)
    def unreadable(request: Request, error: RequestValidationError) -> JSONResponse:
        problems = [_told(item) for item in error.errors()]
        return answer(
            request, 422, Problem(message="That request cannot be understood.", hint="See /openapi.json.", problems=problems[:50])
        )

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> JSONResponse:
        if request.url.path.startswith("/v1/") and error.status_code in (404, 405):
            return _no_such_call(request)
        message = WORDS.get(error.status_code, str(error.detail))
        response = answer(request, error.status_code, Problem(message=message, hint="See /openapi.json for the routes.", problems=[]))
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    def bug(request: Request, error: Exception) -> JSONResponse:
        traceback.print_exception(error, file=sys.stderr)
        words = f"{type(error).__name__}: that is a bug in notewright, not your mistake."
        return answer(request, 500, Problem(message=words, hint="What the server printed helps to mend it.", problems=[]))
