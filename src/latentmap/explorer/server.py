"""The explorer's server: this machine only, unless asked otherwise, and only for its own page.

Python's own HTTP server is enough for one reader: a thread each connection, kept open, so that a
pointer's question is answered in milliseconds. Bodies are measured before they are read.
"""

from __future__ import annotations

import contextlib
import errno
import json
import secrets
import socket
import sys
import time
import traceback
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from latentmap.errors import LatentmapError, SettingError
from latentmap.explorer.page import Page
from latentmap.explorer.request_policy import Guard, is_local
from latentmap.explorer.routes import Answer, Answers
from latentmap.explorer.scene import Scene

__all__ = ["Server", "check_address"]

_IDLE = 60.0  # seconds after which a silent connection is closed
_LINGER, _LINGER_BYTES = 2.0, 256 * 2**20
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # the link may hold the token
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Server:
    """Serves a scene until it is closed.

    Parameters
    ----------
    scene : Scene
    host : str
        The address to listen at; any but this machine's own needs the token of `url`.
    port : int
        0 takes one that is free.
    page : Page, optional
    label : str, optional
        The column that holds labels, in tables that are dropped on the page.

    Attributes
    ----------
    url : str
        The link to the page.
    token : str or None

    Raises
    ------
    SettingError
        If the port is in use, or the address is none of this machine's.

    Examples
    --------
    >>> import numpy as np
    >>> from latentmap import AutoEncoder
    >>> X = np.random.default_rng(0).normal(size=(60, 4))
    >>> scene = Scene(AutoEncoder(2, epochs=1, random_state=0).fit(X), X)
    >>> server = Server(scene)
    >>> server.url
    'http://127.0.0.1:.../'
    >>> server.close()
    """

    def __init__(
        self,
        scene: Scene,
        host: str = "127.0.0.1",
        port: int = 0,
        page: Page | None = None,
        label: str | None = None,
    ) -> None:
        self.token = None if is_local(host) else secrets.token_urlsafe(32)
        self._listener = _listener(host, port)
        self._listener.answers = Answers(scene, page, label)
        self._listener.guard = Guard(host, self._listener.server_port, self.token)

    @property
    def url(self) -> str:
        """The link to the page, with the token where one is needed."""
        guard = self._listener.guard
        if guard.host in ("0.0.0.0", "::"):
            guard = Guard(socket.gethostname(), guard.port)
        return f"http://{guard.authority}/" + (f"?token={self.token}" if self.token else "")

    def serve(self) -> None:
        """Answer until `stop` is called, or Ctrl-C ends it."""
        self._listener.serve_forever(poll_interval=0.2)

    def stop(self) -> None:
        """Let `serve` return, which runs in another thread."""
        self._listener.shutdown()

    def close(self) -> None:
        """Give the port back."""
        self._listener.server_close()


def check_address(host: str, port: int) -> None:
    """Refuse, before any work, an address that cannot be listened at.

    Raises
    ------
    SettingError
        As `Server`.

    Examples
    --------
    >>> check_address("127.0.0.1", 0)
    >>> check_address("203.0.113.7", 0)
    Traceback (most recent call last):
        ...
    latentmap.errors.SettingError: --host: expected an address of this machine, found '203.0.113.7'
    """
    _listener(host, port).server_close()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    answers: Answers
    guard: Guard

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a reader who went away; anything else is a defect."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def server_bind(self) -> None:
        """Bind, without looking up this machine's name, which can take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]


class _ListenerV6(_Listener):
    address_family = socket.AF_INET6


def _listener(host: str, port: int) -> _Listener:
    kind = _ListenerV6 if ":" in host else _Listener
    try:
        if not host:  # would be every address
            raise OSError
        return kind((host, port), _Handler)
    except (OSError, OverflowError, UnicodeError) as error:
        raise SettingError(_reason(host, port, error)) from None


def _reason(host: str, port: int, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return f"--port: expected a free port, found {port} in use (0 takes one that is free)"
    if number in (errno.EACCES, errno.EPERM):
        return f"--port: expected a port that you may use, found {port}"
    if isinstance(error, OverflowError):
        return f"--port: expected a number from 0 to 65535, found {port}"
    return f"--host: expected an address of this machine, found {host!r}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "latentmap", ""
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave in one piece
    timeout = _IDLE
    server: _Listener

    def do_GET(self) -> None:
        """Answer a question."""
        self._answer()

    def do_POST(self) -> None:
        """Answer a question that comes with something."""
        self._answer()

    def log_message(self, *values: Any) -> None:
        """Say nothing: nobody reads a line for every move of a pointer."""

    def _answer(self) -> None:
        refusal = self.server.guard.refusal(self.command, self.path, self.headers)
        if refusal is not None:
            return self._fail(HTTPStatus.FORBIDDEN, refusal)
        route = self.server.answers.route(self.command, self.path)
        if route is None:
            return self._fail(HTTPStatus.NOT_FOUND, "there is nothing at this address")
        body = self._body(route.most)
        if body is None:
            return None
        try:
            answer = route(body)
        except LookupError as error:
            return self._fail(HTTPStatus.NOT_FOUND, str(error))
        except LatentmapError as error:
            return self._fail(HTTPStatus.BAD_REQUEST, " ".join(str(error).split()))
        except Exception:
            traceback.print_exc()
            return self._fail(HTTPStatus.INTERNAL_SERVER_ERROR, "a defect; the console tells more")
        return self._send(HTTPStatus.OK, answer)

    def _body(self, most: int) -> bytes | None:
        """Read what was sent along, unless it is too much, or nobody said how much it is."""
        told = self.headers.get("Content-Length", "0" if self.command == "GET" else "")
        if "Transfer-Encoding" in self.headers or not (told.isascii() and told.isdigit()):
            self._fail(HTTPStatus.LENGTH_REQUIRED, "Content-Length: expected a number of bytes")
            return None
        length = int(told[:20])
        if length > most:
            text = f"expected at most {most:,} bytes, found {length:,}"
            self._fail(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)
            return None
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return None
        return body

    def _fail(self, status: HTTPStatus, text: str) -> None:
        """Tell in one sentence what is wrong, and part: what else was sent is not understood."""
        self.close_connection = True
        body = json.dumps({"error": text}).encode()
        self._send(status, Answer(body, "application/json"))
        self.wfile.flush()
        self._linger()

    def _linger(self) -> None:
        """Let the sentence arrive: closing over unread bytes would take it back."""
        until, left = time.monotonic() + _LINGER, _LINGER_BYTES
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_LINGER)
            while left > 0 and time.monotonic() < until:
                found = len(self.connection.recv(2**16))
                left -= found or left

    def _send(self, status: HTTPStatus, answer: Answer) -> None:
        whole = isinstance(answer.body, bytes)
        self.send_response(status)
        for name, value in {"Content-Type": answer.kind, **_SAFE, **answer.headers}.items():
            self.send_header(name, value)
        if whole:
            self.send_header("Content-Length", str(len(answer.body)))  # type: ignore[arg-type]
        if not whole or self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        for part in _parts(answer.body):
            self.wfile.write(part)


def _parts(body: bytes | Iterator[bytes]) -> Iterator[bytes]:
    return iter([body]) if isinstance(body, bytes) else body
