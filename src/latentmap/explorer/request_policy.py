"""Policy that accepts requests only from the page of this server.

Any page in a browser can send requests to 127.0.0.1, and a foreign host name can be made to resolve
to it (DNS rebinding). The Host header must therefore name this server, an Origin header must equal
it, and POST requests need a header that another page cannot set. On an address that other machines
can reach, every request must also contain a token.
"""

import ipaddress
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from urllib.parse import parse_qs, urlsplit

_ALL_ADDRESSES = ("0.0.0.0", "::", "")
_HTTP_PORT = 80


@dataclass(frozen=True)
class RequestPolicy:
    """Conditions that a request must meet; without a token, only this machine can connect."""

    host: str
    port: int
    token: str | None = None

    def refusal(self, method: str, target: str, headers: Mapping[str, str] | Message) -> str | None:
        """Return an error message if the request must be refused, else None."""
        fields = {name.lower(): value for name, value in headers.items()}
        if not self._is_own_host(fields.get("host", "")):
            host = repr(fields.get("host", ""))
            return f"Host: expected {self.authority} or localhost:{self.port}, found {host}"
        if "origin" in fields and fields["origin"].partition("://")[2] != fields["host"]:
            return f"Origin: expected http://{fields['host']}, found {fields['origin']!r}"
        is_page = target.partition("?")[0] == "/"
        if fields.get("sec-fetch-site", "none") not in ("same-origin", "none") and not is_page:
            return "Sec-Fetch-Site: expected same-origin, found a request of another page"
        if method == "POST" and fields.get("x-latentmap") != "1":
            return f"X-Latentmap: expected 1, found {fields.get('x-latentmap', 'no header')}"
        if not self._has_token(target, is_page, fields):
            return "token: expected the token of the printed link, found none or another"
        return None

    @property
    def authority(self) -> str:
        """Host and port, as in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def _is_own_host(self, header: str) -> bool:
        try:
            parts = urlsplit(f"//{header}")
            name, port = parts.hostname or "", parts.port or _HTTP_PORT
        except ValueError:
            return False
        if port != self.port or parts.username is not None or parts.path:
            return False
        own_names = {self.host.lower(), "localhost", "127.0.0.1"}
        if name in own_names or (name == "::1" and ":" in self.host):
            return True
        # A website can let its host name resolve to this machine, but not an IP address.
        own_name = _is_ip_address(name) or name == socket.gethostname().lower()
        return self.host in _ALL_ADDRESSES and own_name

    def _has_token(self, target: str, is_page: bool, headers: Mapping[str, str]) -> bool:
        # The modules of the page are public, and an import statement cannot send a token.
        if self.token is None or target.startswith("/page/"):
            return True
        token = headers.get("x-token", "")
        if is_page and not token:
            token = parse_qs(urlsplit(target).query).get("token", [""])[0]
        return secrets.compare_digest(token.encode(), self.token.encode())


def _is_ip_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_local(host: str) -> bool:
    """Return whether an address can be reached from this machine only."""
    return host == "localhost" or (_is_ip_address(host) and ipaddress.ip_address(host).is_loopback)
