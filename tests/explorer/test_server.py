from __future__ import annotations

import http.client
import socket
import statistics
import threading
import time

import numpy as np
import pytest

from latentmap.errors import SettingError
from latentmap.explorer import Server


def test_it_listens_on_this_machine_only(ask):
    assert ask.server.url.startswith("http://127.0.0.1:")
    assert ask.server.token is None
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.2", int(ask.address.split(":")[1])), timeout=5)


def test_another_host_is_another_name_and_refused(ask):
    answer = ask("GET", "/", Host="evil.example")
    assert answer.status == 403
    assert b"Host: expected 127.0.0.1" in answer.body


def test_another_origin_and_a_plain_form_are_refused(ask):
    spot = np.zeros(2, "<f4").tobytes()
    assert ask("POST", "/decode", spot).status == 200
    assert ask("POST", "/decode", spot, X_Latentmap=None).status == 403
    assert ask("POST", "/decode", spot, Origin="https://evil.example").status == 403
    assert ask("POST", "/decode", spot, Origin=f"http://{ask.address}").status == 200


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
def test_there_is_nothing_else(ask, method, target, status):
    assert ask(method, target).status == status


def test_every_answer_is_fenced_in(ask):
    for answer in (ask("GET", "/"), ask("GET", "/data/points"), ask("GET", "/nothing")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Python" not in answer.headers["Server"]


def raw(ask, lines, body=b"", patience=10):
    """Send bytes as they are, and read until the server parts."""
    host, port = ask.address.split(":")
    with socket.create_connection((host, int(port)), timeout=patience) as connection:
        head = [*lines, f"Host: {ask.address}", "X-Latentmap: 1", "", ""]
        connection.sendall("\r\n".join(head).encode() + body)
        parts = []
        while part := connection.recv(2**16):
            parts.append(part)
        return b"".join(parts)


def test_a_length_above_the_limit_is_refused_unread(ask):
    told = raw(ask, ["POST /place?name=a.csv HTTP/1.1", "Content-Length: 99000000000"])
    assert told.startswith(b"HTTP/1.1 413")
    assert b"expected at most 33,554,432 bytes, found 99,000,000,000" in told


def test_the_sentence_arrives_though_all_was_sent(ask):
    answer = ask("POST", "/decode", bytes(20 * 2**20))
    assert answer.status == 413
    assert b"expected at most 8,192 bytes, found 20,971,520" in answer.body


@pytest.mark.parametrize(
    "header", [None, "Content-Length: -5", "Content-Length: 1e3", "Transfer-Encoding: chunked"]
)
def test_a_length_must_be_told(ask, header):
    told = raw(ask, ["POST /decode HTTP/1.1", *([header] if header else [])], b"0\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 411")


def test_what_follows_a_refused_body_is_no_request(ask):
    hidden = f"GET /data/points HTTP/1.1\r\nHost: {ask.address}\r\n\r\n".encode()
    told = raw(ask, ["POST /decode HTTP/1.1", "Transfer-Encoding: chunked"], hidden)
    assert told.count(b"HTTP/1.1") == 1


def test_a_connection_is_kept_and_answers_come_at_once(ask, map_scene):
    map_scene.decoder.warm_up()
    spots = map_scene.plane.points.astype("<f4")
    ask("POST", "/decode", spots[0].tobytes())
    before, seconds = ask.connection.sock, []
    for spot in spots[:30]:
        begun = time.perf_counter()
        ask("POST", "/decode", spot.tobytes())
        seconds.append(time.perf_counter() - begun)
    assert ask.connection.sock is before
    assert statistics.median(seconds) < 0.05


def test_many_may_ask_at_a_time(serve, map_scene):
    asker, spots = serve(map_scene), map_scene.plane.points[:40].astype("<f4")
    wanted = [asker("POST", "/decode", spot.tobytes()).body for spot in spots]
    found = {}

    def run(k):
        connection = type(asker)(asker.server)
        for i in range(k, 40, 4):
            found[i] = connection("POST", "/decode", spots[i].tobytes()).body
        connection.connection.close()

    threads = [threading.Thread(target=run, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[i] for i in range(40)] == wanted


def test_a_defect_is_told_in_a_sentence_and_the_rest_goes_on(serve, map_scene, monkeypatch, capsys):
    asker = serve(map_scene)
    monkeypatch.setattr(map_scene, "row_details", lambda number: 1 / 0)
    assert "internal error" in asker.json("GET", "/row/1", status=500)["error"]
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert asker("GET", "/data/points").status == 200


def test_nothing_is_said_of_every_request(ask, capsys):
    ask("GET", "/data/points")
    ask("GET", "/nothing")
    assert capsys.readouterr().err == ""


def test_beyond_this_machine_a_token_is_needed(serve, map_scene):
    asker = serve(map_scene, host="0.0.0.0")
    token, port = asker.server.token, asker.server.url.split(":")[2].split("/")[0]
    assert len(token) >= 40
    assert asker.server.url.endswith(f"/?token={token}")
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)

    def status(target, **headers):
        connection.request("GET", target, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status

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


def test_a_port_in_use_is_one_sentence(ask, map_scene, page):
    port = int(ask.address.split(":")[1])
    with pytest.raises(SettingError, match=f"expected a free port, found {port} in use"):
        Server(map_scene, port=port, page=page)


@pytest.mark.parametrize("host", ["203.0.113.7", "no such host", "999.1.1.1", ""])
def test_an_address_must_be_this_machines(map_scene, page, host):
    with pytest.raises(SettingError, match="--host: expected an address of this machine"):
        Server(map_scene, host, page=page)
