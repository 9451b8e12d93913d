"""notewright serve"""

from __future__ import annotations

import argparse
import errno
import logging
import socket
import sys
import threading
import time
from types import FrameType
from typing import TYPE_CHECKING

from ..errors import Unavailable
from ..library import Library
from ..settings import load_settings, silence_telemetry

if TYPE_CHECKING:
    import uvicorn

PORT = 8765


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="where to listen (default: this machine only)")
    parser.add_argument("--port", type=_port, default=PORT, metavar="N", help=f"default {PORT}; 0 takes a free one")
    parser.add_argument("--name", action="append", default=[], metavar="HOSTNAME", help="a further name it is asked by; may be repeated")
    parser.add_argument("--open", action="store_true", help="open the studio in the browser")
    parser.add_argument("--cold", action="store_true", help="load the model at the first draft, not at once")
    parser.set_defaults(handler=serve)


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port from 0 to 65535")
    return int(text)


def serve(options: argparse.Namespace) -> int:
    silence_telemetry()
    import uvicorn

    from ..server import create_app

    settings = load_settings()
    Library.create(settings.home).close()
    app = create_app(settings, hosts=options.name)
    context = app.state.context

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            context.hub.stop()  # open streams end, so that the server need not wait for them
            super().handle_exit(sig, frame)

    # Kept alive for longer than clients and proxies do (httpx 5 s, nginx 60 s): else one may ask in the moment of our hanging up.
    config = uvicorn.Config(
        app, host=options.host, port=options.port, log_level="warning", access_log=False, timeout_graceful_shutdown=5,
        forwarded_allow_ips="127.0.0.1,::1", server_header=False, limit_concurrency=1000, use_colors=False,
        timeout_keep_alive=90,
    )  # fmt: skip
    listening = listen(config)
    address = _address(options.host, listening.getsockname()[1])
    link = f"{address}/login?token={context.token}"
    print(f"notewright serves {settings.home}\n\n  {link}\n\nThe link logs this browser in. Stop with Ctrl-C.", flush=True)
    if options.host not in ("127.0.0.1", "localhost", "::1"):
        print(BEYOND, file=sys.stderr, flush=True)
    if not options.cold:
        context.warm()
    if options.open:
        threading.Thread(target=_open, args=(f"{address}/login?token={context.new_pass()}",), daemon=True).start()
    try:
        Server(config).run(sockets=[listening])
    except KeyboardInterrupt:
        print("\nStopped.")
    return 0


def listen(config: uvicorn.Config) -> socket.socket:
    """The socket, bound and open for connections; raises Unavailable where that is not possible."""
    printed = logging.getLogger("uvicorn.error")
    printed.disabled = True  # what it would print is said below
    try:
        listening = config.bind_socket()
        listening.listen(config.backlog)  # who reads the link before the application is ready waits, and is not refused
    except (SystemExit, OSError) as stopped:
        cause = stopped.__context__ if isinstance(stopped, SystemExit) else stopped
        if isinstance(cause, socket.gaierror) or getattr(cause, "errno", 0) == errno.EADDRNOTAVAIL:
            hint = "Leave --host out for this machine only, or give one of its own addresses (0.0.0.0: all of them)."
            raise Unavailable(f"{config.host} is no address of this machine.", hint) from None
        hint = "Choose another with --port, or stop the other server."
        raise Unavailable(f"Port {config.port} of {config.host} is taken, or not allowed.", hint) from None
    finally:
        printed.disabled = False
    # Connections inherit it. asyncio sets it for sockets that it binds itself only; without it an answer's second half waits 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


BEYOND = """Others in your network can reach this server; without the token they get nothing. But what travels is readable on the way:
put a TLS proxy (Caddy, nginx) before it, and name its host with --name. docs/serving.md has both, ready to copy."""


def _address(host: str, port: int) -> str:
    name = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _open(link: str) -> None:
    import webbrowser

    time.sleep(0.5)
    webbrowser.open(link)
