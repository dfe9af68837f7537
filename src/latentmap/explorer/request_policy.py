"""Who may ask: only the page that this server gave out.

Any page in a browser can send requests to 127.0.0.1, and a name of its own can be made to lead
there (DNS rebinding). So the Host must be one that this server goes by, an Origin must be the
server itself, and what changes or costs anything needs a header that another page cannot set.
Beyond this machine every request carries a token as well.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from urllib.parse import parse_qs, urlsplit

__all__ = ["Guard", "is_local"]

_EVERYWHERE = ("0.0.0.0", "::", "")
_HTTP_PORT = 80


@dataclass(frozen=True)
class Guard:
    """What a request must look like to be answered.

    Attributes
    ----------
    host : str
        The address that was asked for.
    port : int
    token : str or None
        What every request must carry; none where only this machine can ask.

    Examples
    --------
    >>> guard = Guard("127.0.0.1", 8571)
    >>> guard.refusal("GET", "/", {"Host": "127.0.0.1:8571"}) is None
    True
    >>> guard.refusal("GET", "/", {"Host": "evil.example:8571"})
    'Host: expected 127.0.0.1:8571 or localhost:8571'
    """

    host: str
    port: int
    token: str | None = None

    def refusal(self, method: str, target: str, headers: Mapping[str, str] | Message) -> str | None:
        """Tell why a request is refused, or None where it is not.

        Parameters
        ----------
        method, target : str
            Of the request's first line.
        headers : mapping
            With names in any case, as ``http.client.HTTPMessage``.

        Returns
        -------
        str or None
            One sentence.
        """
        known = {name.lower(): value for name, value in headers.items()}
        if not self._is_host(known.get("host", "")):
            return f"Host: expected {self.authority} or localhost:{self.port}"
        if "origin" in known and known["origin"].partition("://")[2] != known["host"]:
            return "Origin: expected this server's own page"
        page = target.partition("?")[0] == "/"
        if known.get("sec-fetch-site", "none") not in ("same-origin", "none") and not page:
            return "expected this server's own page to ask"
        if method == "POST" and known.get("x-latentmap") != "1":
            return "X-Latentmap: expected 1"
        return None if self._has_token(target, page, known) else "expected the token of the link"

    @property
    def authority(self) -> str:
        """Host and port, as an address has them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def _is_host(self, given: str) -> bool:
        try:
            parts = urlsplit(f"//{given}")
            name, port = parts.hostname or "", parts.port or _HTTP_PORT
        except ValueError:
            return False
        if port != self.port or parts.username is not None or parts.path:
            return False
        if name in {
            self.host.lower(),
            "localhost",
            "127.0.0.1",
            *(["::1"] if ":" in self.host else []),
        }:
            return True
        # A number cannot be made to lead elsewhere, as a name can.
        return self.host in _EVERYWHERE and (
            _is_number(name) or name == socket.gethostname().lower()
        )

    def _has_token(self, target: str, page: bool, headers: Mapping[str, str]) -> bool:
        # The modules of the page are public, and an import statement cannot send a token.
        if self.token is None or target.startswith("/page/"):
            return True
        given = headers.get("x-token", "")
        if page and not given:
            given = parse_qs(urlsplit(target).query).get("token", [""])[0]
        return secrets.compare_digest(given.encode(), self.token.encode())


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_local(host: str) -> bool:
    """Tell whether only this machine can reach an address.

    Examples
    --------
    >>> is_local("127.0.0.1"), is_local("::1"), is_local("localhost"), is_local("0.0.0.0")
    (True, True, True, False)
    """
    return host == "localhost" or (_is_number(host) and ipaddress.ip_address(host).is_loopback)
