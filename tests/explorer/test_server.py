from __future__ import annotations

import http.client
import socket
import statistics
import threading
import time

import numpy as np
import pytest

from latentmap.errors import SettingError
from latentmap.explorer import Server, routes


def test_the_default_address_is_local(client):
    assert client.server.url.startswith("http://127.0.0.1:")
    assert client.server.token is None
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.2", int(client.address.split(":")[1])), timeout=5)


def test_a_foreign_host_name_is_refused(client):
    response = client("GET", "/", Host="evil.example")
    assert response.status == 403
    assert b"Host: expected 127.0.0.1" in response.body


def test_a_foreign_origin_and_a_missing_header_are_refused(client):
    point = np.zeros(2, "<f4").tobytes()
    assert client("POST", "/decode", point).status == 200
    assert client("POST", "/decode", point, X_Latentmap=None).status == 403
    assert client("POST", "/decode", point, Origin="https://evil.example").status == 403
    assert client("POST", "/decode", point, Origin=f"http://{client.address}").status == 200


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/../../etc/passwd", 404),
        ("GET", "/data/..%2f..%2fpyproject.toml", 404),
        ("GET", "/decode", 404),
        ("POST", "/row/1", 404),
        ("GET", "/row/1x", 404),
        ("GET", "//evil.example/", 404),
        ("PUT", "/", 501),
        ("DELETE", "/row/1", 501),
    ],
)
def test_unknown_paths_and_methods_are_refused(client, method, target, status):
    assert client(method, target).status == status


def test_every_response_has_security_headers(client):
    for response in (client("GET", "/"), client("GET", "/data/points"), client("GET", "/nothing")):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in response.headers
        assert "Python" not in response.headers["Server"]


def raw(client, lines, body=b"", timeout=10):
    """Send raw bytes, and return what the server sends until it closes the connection."""
    host, port = client.address.split(":")
    with socket.create_connection((host, int(port)), timeout=timeout) as connection:
        head = [*lines, f"Host: {client.address}", "X-Latentmap: 1", "", ""]
        connection.sendall("\r\n".join(head).encode() + body)
        parts = []
        while part := connection.recv(2**16):
            parts.append(part)
        return b"".join(parts)


def test_a_length_above_the_limit_is_refused_before_reading(client):
    result = raw(client, ["POST /place/a.csv HTTP/1.1", "Content-Length: 99000000000"])
    assert result.startswith(b"HTTP/1.1 413")
    assert b"expected at most 33,554,432 bytes, found 99,000,000,000" in result


def test_the_error_is_received_although_the_body_was_sent(client):
    response = client("POST", "/decode", bytes(20 * 2**20))
    assert response.status == 413
    assert b"expected at most 8,192 bytes, found 20,971,520" in response.body


@pytest.mark.parametrize(
    "header", [None, "Content-Length: -5", "Content-Length: 1e3", "Transfer-Encoding: chunked"]
)
def test_a_content_length_is_required(client, header):
    result = raw(client, ["POST /decode HTTP/1.1", *([header] if header else [])], b"0\r\n\r\n")
    assert result.startswith(b"HTTP/1.1 411")


def test_data_after_a_refused_body_is_not_a_request(client):
    hidden = f"GET /data/points HTTP/1.1\r\nHost: {client.address}\r\n\r\n".encode()
    result = raw(client, ["POST /decode HTTP/1.1", "Transfer-Encoding: chunked"], hidden)
    assert result.count(b"HTTP/1.1") == 1


def test_a_connection_is_reused_and_responses_are_fast(client, map_scene):
    map_scene.warm_up()
    points = map_scene.plane.points.astype("<f4")
    client("POST", "/decode", points[0].tobytes())
    before, seconds = client.connection.sock, []
    for point in points[:30]:
        start = time.perf_counter()
        client("POST", "/decode", point.tobytes())
        seconds.append(time.perf_counter() - start)
    assert client.connection.sock is before
    assert statistics.median(seconds) < 0.05


def test_concurrent_requests_are_answered(serve, map_scene):
    client, points = serve(map_scene), map_scene.plane.points[:40].astype("<f4")
    expected = [client("POST", "/decode", point.tobytes()).body for point in points]
    results = {}

    def run(k):
        connection = type(client)(client.server)
        for i in range(k, 40, 4):
            results[i] = connection("POST", "/decode", points[i].tobytes()).body
        connection.connection.close()

    threads = [threading.Thread(target=run, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [results[i] for i in range(40)] == expected


def test_an_internal_error_is_reported_and_the_server_continues(
    serve, map_scene, monkeypatch, capsys
):
    client = serve(map_scene)
    monkeypatch.setattr(routes, "describe_row", lambda *_: 1 / 0)
    assert "internal error" in client.json("GET", "/row/1", status=500)["error"]
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert client("GET", "/data/points").status == 200


def test_requests_are_not_logged(client, capsys):
    client("GET", "/data/points")
    client("GET", "/nothing")
    assert capsys.readouterr().err == ""


def test_other_addresses_need_a_token(serve, map_scene):
    client = serve(map_scene, host="0.0.0.0")
    token, port = client.server.token, client.server.url.split(":")[2].split("/")[0]
    assert len(token) >= 40
    assert client.server.url.endswith(f"/?token={token}")
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)

    def status(target, **headers):
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
        response.read()
        return response.status

    assert status("/") == 403
    assert status(f"/?token={token[:-1]}") == 403
    assert status(f"/?token={token}") == 200
    assert status("/data/points") == 403
    assert status(f"/data/points?token={token}") == 403
    assert status("/data/points", **{"X-Token": token}) == 200
    connection.close()


def test_tokens_differ(map_scene, page):
    servers = [Server(map_scene, "0.0.0.0", page=page) for _ in range(2)]
    for server in servers:
        server.close()
    assert servers[0].token != servers[1].token


def test_a_port_in_use_raises_an_error(client, map_scene, page):
    port = int(client.address.split(":")[1])
    with pytest.raises(SettingError, match=f"expected a free port, found {port} in use"):
        Server(map_scene, port=port, page=page)


@pytest.mark.parametrize("host", ["203.0.113.7", "no such host", "999.1.1.1", ""])
def test_an_address_must_belong_to_this_machine(map_scene, page, host):
    with pytest.raises(SettingError, match="--host: expected an address of this machine"):
        Server(map_scene, host, page=page)
