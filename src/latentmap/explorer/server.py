"""HTTP server of the explorer.

By default, only this machine can connect, and the server accepts only requests of its own page.
Python's HTTP server suffices for one user. Each connection has a thread and stays open, so that a
response takes milliseconds. The size of a body is checked before it is read.
"""

import contextlib
import errno
import json
import secrets
import socket
import sys
import time
import traceback
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

from latentmap.errors import LatentmapError, SettingError
from latentmap.explorer.page import Page
from latentmap.explorer.request_policy import RequestPolicy, is_local
from latentmap.explorer.routes import Response, Router
from latentmap.explorer.scene import Scene
from latentmap.number_checks import format_value

_IDLE_SECONDS = 60.0
_DRAIN_SECONDS, _DRAIN_BYTES = 2.0, 256 * 2**20
_SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # Other sites must not receive the URL, which may contain a token.
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Server:
    """HTTP server of a scene.

    Parameters
    ----------
    scene : Scene
    host : str
        The address to listen on. If other machines can reach it, requests need the token of `url`.
    port : int
        0 chooses a free port.
    page : Page, optional
    label : str, optional
        The label column of tables that are dropped on the page.

    Attributes
    ----------
    url : str
        The link to the page.
    token : str or None

    Raises
    ------
    SettingError
        If the port is in use, or the address does not belong to this machine.

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
        self._listener = _listen(host, port)
        self._listener.router = Router(scene, page, label)
        self._listener.policy = RequestPolicy(host, self._listener.server_port, self.token)

    @property
    def url(self) -> str:
        """The link to the page, with the token if it is needed."""
        policy = self._listener.policy
        if policy.host in ("0.0.0.0", "::"):
            policy = RequestPolicy(socket.gethostname(), policy.port)
        return f"http://{policy.authority}/" + (f"?token={self.token}" if self.token else "")

    def serve(self) -> None:
        """Respond to requests until `stop` is called or the user presses Ctrl-C."""
        self._listener.serve_forever(poll_interval=0.2)

    def stop(self) -> None:
        """Stop `serve`, which runs in another thread."""
        self._listener.shutdown()

    def close(self) -> None:
        """Release the port."""
        self._listener.server_close()


def check_address(host: str, port: int) -> None:
    """Raise SettingError if a server cannot listen on an address; call it before long work.

    Examples
    --------
    >>> check_address("127.0.0.1", 0)
    >>> check_address("203.0.113.7", 0)
    Traceback (most recent call last):
        ...
    latentmap.errors.SettingError: --host: expected an address of this machine, found '203.0.113.7'
    """
    _listen(host, port).server_close()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    router: Router
    policy: RequestPolicy

    def __init__(self, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Print a traceback, except for an error of the connection."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def server_bind(self) -> None:
        """Bind without a reverse lookup of the host name, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]


def _listen(host: str, port: int) -> _Listener:
    try:
        if not host:  # An empty host would listen on all addresses.
            raise OSError
        return _Listener(host, port)
    except (OSError, OverflowError, TypeError, UnicodeError) as error:
        raise SettingError(_listen_error(host, port, error)) from None


def _listen_error(host: str, port: int, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return f"--port: expected a free port, found {port} in use (0 chooses a free one)"
    if number in (errno.EACCES, errno.EPERM):
        return f"--port: expected a port that you are permitted to use, found {port}"
    if isinstance(error, OverflowError | TypeError):
        return f"--port: expected a number from 0 to 65535, found {format_value(port)}"
    return f"--host: expected an address of this machine, found {host!r}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "latentmap", ""
    disable_nagle_algorithm = True
    wbufsize = -1  # Headers and body are sent together.
    timeout = _IDLE_SECONDS
    server: _Listener

    def log_message(self, *values: object) -> None:
        """Print nothing, because each pointer movement sends a request."""

    def do_GET(self) -> None:
        """Respond to a GET or POST request."""
        refusal = self.server.policy.refusal(self.command, self.path, self.headers)
        if refusal is not None:
            return self._send_error(HTTPStatus.FORBIDDEN, refusal)
        route = self.server.router.find(self.command, self.path)
        if route is None:
            return self._send_error(
                HTTPStatus.NOT_FOUND, "expected a path of the page, found another path or method"
            )
        body = self._read_body(route.max_bytes)
        if body is None:
            return None
        try:
            response = route.respond(body)
        except LookupError as error:
            return self._send_error(HTTPStatus.NOT_FOUND, str(error))
        except LatentmapError as error:
            return self._send_error(HTTPStatus.BAD_REQUEST, " ".join(str(error).split()))
        except Exception:
            traceback.print_exc()
            text = "internal error; see the traceback on the console"
            return self._send_error(HTTPStatus.INTERNAL_SERVER_ERROR, text)
        return self._send(HTTPStatus.OK, response)

    do_POST = do_GET  # noqa: N815 (http.server calls methods by these names)

    def _read_body(self, max_bytes: int) -> bytes | None:
        """Return the body, or respond with an error if its length is missing or too large."""
        header = self.headers.get("Content-Length", "0" if self.command == "GET" else "")
        if "Transfer-Encoding" in self.headers or not (header.isascii() and header.isdigit()):
            text = f"Content-Length: expected a number of bytes, found {header!r}"
            self._send_error(HTTPStatus.LENGTH_REQUIRED, text)
            return None
        length = int(header[:20])
        if length > max_bytes:
            text = f"expected at most {max_bytes:,} bytes, found {length:,}"
            self._send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)
            return None
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return None
        return body

    def _send_error(self, status: HTTPStatus, text: str) -> None:
        """Send an error and close the connection, so that an unread body is not parsed."""
        self.close_connection = True
        body = json.dumps({"error": text}).encode()
        self._send(status, Response(body, "application/json"))
        self.wfile.flush()
        self._drain()

    def _drain(self) -> None:
        """Read the rest of the request, because an earlier close would discard the response."""
        deadline, remaining_bytes = time.monotonic() + _DRAIN_SECONDS, _DRAIN_BYTES
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_DRAIN_SECONDS)
            while remaining_bytes > 0 and time.monotonic() < deadline:
                count = len(self.connection.recv(2**16))
                remaining_bytes -= count or remaining_bytes

    def _send(self, status: HTTPStatus, response: Response) -> None:
        self.send_response(status)
        headers = {"Content-Type": response.content_type, **_SECURITY_HEADERS, **response.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        parts = [response.body] if isinstance(response.body, bytes) else response.body
        if isinstance(parts, list):
            self.send_header("Content-Length", str(len(parts[0])))
        else:
            self.close_connection = True
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        for part in parts:
            self.wfile.write(part)
