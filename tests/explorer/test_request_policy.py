from __future__ import annotations

import socket

import pytest

from latentmap.explorer.request_policy import RequestPolicy, is_local

LOCAL = RequestPolicy("127.0.0.1", 8571)
OPEN = RequestPolicy("0.0.0.0", 8571, "secret")


@pytest.mark.parametrize("host", ["127.0.0.1:8571", "localhost:8571", "LOCALHOST:8571"])
def test_own_host_names_are_accepted(host):
    assert LOCAL.refusal("GET", "/", {"Host": host}) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:8571",
        "127.0.0.1:8572",
        "127.0.0.1",
        "localhost",
        "",
        "127.0.0.1.evil.example:8571",
        "127.0.0.1:8571@evil.example",
        "evil.example@127.0.0.1:8571",
        "127.0.0.1:8571/x",
        "[::1]:8571",
        "127.0.0.1:port",
    ],
)
def test_other_host_names_are_refused(host):
    assert LOCAL.refusal("GET", "/", {"Host": host}).startswith("Host: expected 127.0.0.1:8571")


def test_a_request_without_a_host_is_refused():
    assert LOCAL.refusal("GET", "/", {}) is not None


@pytest.mark.parametrize(
    ("origin", "accepted"),
    [
        ("http://127.0.0.1:8571", True),
        ("http://127.0.0.1:8572", False),
        ("https://evil.example", False),
        ("null", False),
        ("http://[", False),
    ],
)
def test_an_origin_must_be_the_server_itself(origin, accepted):
    headers = {"host": "127.0.0.1:8571", "origin": origin, "x-latentmap": "1"}
    assert (LOCAL.refusal("POST", "/decode", headers) is None) == accepted


def test_a_post_needs_a_custom_header():
    headers = {"Host": "localhost:8571"}
    assert "X-Latentmap" in LOCAL.refusal("POST", "/decode", headers)
    assert LOCAL.refusal("POST", "/decode", {**headers, "X-Latentmap": "1"}) is None


def test_another_page_may_link_to_the_page_but_not_request_data():
    headers = {"Host": "localhost:8571", "Sec-Fetch-Site": "cross-site"}
    assert LOCAL.refusal("GET", "/", headers) is None
    assert LOCAL.refusal("GET", "/data/points", headers) is not None
    same_origin = {**headers, "Sec-Fetch-Site": "same-origin"}
    assert LOCAL.refusal("GET", "/data/points", same_origin) is None


@pytest.mark.parametrize(
    ("target", "headers", "accepted"),
    [
        ("/?token=secret", {}, True),
        ("/", {}, False),
        ("/?token=secreT", {}, False),
        ("/?token=", {}, False),
        ("/?token=geheim%C3%9F", {}, False),
        ("/data/points?token=secret", {}, False),
        ("/data/points", {"X-Token": "secret"}, True),
        ("/data/points", {"X-Token": "secret2"}, False),
        ("/page/main.js", {}, True),
    ],
)
def test_every_request_needs_the_token(target, headers, accepted):
    headers = {"Host": "10.0.0.7:8571", **headers}
    assert (OPEN.refusal("GET", target, headers) is None) == accepted


def test_all_addresses_accept_ip_addresses_and_the_own_host_name():
    token = {"X-Token": "secret"}
    for host in ("10.0.0.7", "[fe80::1]", socket.gethostname(), "localhost"):
        assert OPEN.refusal("GET", "/data/points", {"Host": f"{host}:8571", **token}) is None
    assert OPEN.refusal("GET", "/data/points", {"Host": "evil.example:8571", **token})


def test_ipv6_addresses_are_in_brackets():
    policy = RequestPolicy("::1", 80)
    assert policy.authority == "[::1]:80"
    assert policy.refusal("GET", "/", {"Host": "[::1]"}) is None


def test_local_addresses():
    assert is_local("127.0.0.5")
    assert not is_local("192.168.0.1")
    assert not is_local("example.org")
