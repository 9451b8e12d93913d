"""The login page in Chromium: by day, by night and on a phone, with the link or the token that `notewright serve` prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from walks import Server

from .helpers import serious

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(small_server: Server) -> Server:
    return small_server


@pytest.fixture(params=["light", "dark"])
def stranger(request: pytest.FixtureRequest, browser: Any) -> Iterator[Any]:
    """The page of somebody who is not logged in."""
    with browser.new_context(color_scheme=request.param, viewport={"width": 390, "height": 844}) as context:
        context.set_default_timeout(30_000)
        yield context.new_page()


@pytest.mark.parametrize("given", ["link", "token"])
def test_the_printed_link_and_its_token_log_in(stranger: Any, server: Server, given: str) -> None:
    stranger.goto(f"{server.address}/login")
    stranger.locator("input[name=token]:focus").wait_for()
    stranger.keyboard.type(server.link if given == "link" else server.link.rpartition("token=")[2])
    stranger.keyboard.press("Enter")
    stranger.get_by_role("navigation", name="Pages").wait_for()
    stranger.get_by_role("heading", name="Waiting for a note").wait_for()


def test_a_wrong_token_is_said_on_the_page_itself(stranger: Any, server: Server) -> None:
    stranger.goto(f"{server.address}/login")
    stranger.get_by_label("Link or token").fill("wrong")
    stranger.get_by_role("button", name="Log in").click()
    stranger.get_by_role("alert").get_by_text("That is not this server's token.").wait_for()
    stranger.get_by_label("Link or token").fill(server.link)
    stranger.get_by_role("button", name="Log in").click()
    stranger.get_by_role("navigation", name="Pages").wait_for()


def test_who_is_not_logged_in_is_led_there_and_back(stranger: Any, server: Server) -> None:
    stranger.goto(f"{server.address}/pairs?status=accepted")
    stranger.get_by_role("heading", name="You are not logged in").wait_for()
    assert serious(stranger) == []
    assert "Bearer" not in stranger.locator("body").inner_text()
    stranger.get_by_role("link", name="log in").click()
    stranger.get_by_label("Link or token").fill(server.link)
    stranger.keyboard.press("Enter")
    stranger.get_by_role("heading", level=1, name="Pairs").wait_for()
    assert stranger.url == f"{server.address}/pairs?status=accepted"


def test_a_page_opens_by_itself_when_another_tab_has_logged_in(stranger: Any, server: Server) -> None:
    stranger.goto(f"{server.address}/queue")
    stranger.get_by_role("heading", name="You are not logged in").wait_for()
    stranger.context.new_page().goto(server.link)
    stranger.locator(".waiting").first.wait_for()


def test_everybody_can_read_and_hit_what_is_on_it(stranger: Any, server: Server) -> None:
    for address in ("/login", "/login?token=wrong"):
        stranger.goto(server.address + address)
        assert serious(stranger) == []
        for width in (320, 390, 1280):
            stranger.set_viewport_size({"width": width, "height": 640})
            assert stranger.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        for name in ("input", "button"):
            assert stranger.locator(name).bounding_box()["height"] >= 44
