from __future__ import annotations

import base64
import http.client
import json
import re
import signal
import socket
import time
from urllib.parse import urlsplit

import numpy as np
import pytest

from latentmap import explorer, load_model
from latentmap.data import open_data


def read_scene(path):
    text = path.read_text(encoding="utf-8")
    return json.loads(text.split('id="scene">')[1].split("</script>")[0])


@pytest.fixture
def serve(process):
    """Return a function that starts the verb in a new process and waits for its link."""

    def serve(*arguments):
        run = process("explore", *arguments, "--no-browser")
        words = []
        while not words or "Exploring" not in words[-1]:
            words.append(run.stderr.readline())
            assert words[-1], "".join(words)
        return run, re.search(r"http://\S+", words[-1])[0], "".join(words)

    return serve


def send_request(url, target="/", method="GET", body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(url).port, timeout=30)
    connection.request(method, target, body, {"X-Latentmap": "1", **headers})
    response = connection.getresponse()
    try:
        return response.status, response.read()
    finally:
        connection.close()


def test_a_page_is_served_until_ctrl_c(serve, digits_model):
    run, url, _ = serve(digits_model, "digits:unseen")
    assert urlsplit(url).hostname == "127.0.0.1"
    status, page = send_request(url)
    assert status == 200
    assert b'"title":"digits.safetensors"' in page
    rows, model = open_data("digits:unseen"), load_model(digits_model)
    positions = model.transform(rows[:3]).astype("<f4")
    _, response = send_request(url, "/decode", "POST", positions.tobytes())
    expected = np.rint(np.clip(model.inverse_transform(positions) / 16 * 255, 0, 255))
    images = json.loads(response)["rows"]
    decoded = np.frombuffer(b"".join(map(base64.b64decode, images)), np.uint8).reshape(3, 8, 8)
    assert np.abs(decoded - expected).max() <= 1
    run.send_signal(signal.SIGINT)
    assert run.wait(20) == 0
    assert run.stderr.read() == ""
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", urlsplit(url).port), timeout=5)


def test_ctrl_c_does_not_wait_for_a_computation(serve, digits_model):
    run, url, _ = serve(digits_model, "digits")
    connection = socket.create_connection(("127.0.0.1", urlsplit(url).port))
    host = urlsplit(url).netloc
    connection.sendall(f"GET /colors/4 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    time.sleep(0.3)
    run.send_signal(signal.SIGINT)
    assert run.wait(20) == 0
    connection.close()
    assert "Traceback" not in run.stderr.read()


def test_other_addresses_need_a_token_and_print_a_warning(serve, digits_model):
    _, url, words = serve(digits_model, "digits:unseen", "--host", "0.0.0.0")
    assert "Warning: anyone who has this link" in words
    token = url.split("?token=")[1]
    assert send_request(url)[0] == 403
    assert send_request(url, f"/?token={token}")[0] == 200
    assert send_request(url, "/data/points", **{"X-Token": token})[0] == 200


def test_a_file_is_written(run, digits_model, tmp_path):
    path = tmp_path / "map.html"
    result = run("explore", digits_model, "digits:unseen", "--export", path)
    assert f"Wrote {path}: 359 rows" in result.stderr
    output = read_scene(path)
    assert (output["mode"], output["n"], output["dataset"]) == ("file", 359, "digits:unseen")
    assert output["color_scales"][0]["name"] == "label"
    assert [path.name for path in tmp_path.iterdir()] == ["map.html"]


def test_a_table_uses_the_label_column_of_the_fit(run, wine_model, wine_csv, tmp_path):
    run("explore", wine_model, wine_csv, "--export", tmp_path / "wine.html")
    output = read_scene(tmp_path / "wine.html")
    assert output["color_scales"][0]["categories"] == ["class_0", "class_1", "class_2"]
    assert output["n_components"] == 3
    assert len(output["row"]["columns"]) == 13


def test_sparse_rows_are_explored(run, words_npz, tmp_path):
    model = tmp_path / "words.safetensors"
    run("fit", words_npz, "-o", model, "--recipe", "dense", "-n", 2, "--epochs", 1)
    run("explore", model, words_npz, "--export", tmp_path / "words.html")
    assert len(read_scene(tmp_path / "words.html")["row"]["columns"]) == 256


def test_a_sample_of_many_rows_is_shown_and_reported(run, digits_model, tmp_path, monkeypatch):
    monkeypatch.setattr("latentmap.explorer.scene.MAX_ROWS", 100)
    result = run("explore", digits_model, "digits", "--export", tmp_path / "a.html")
    assert "Showing a random sample of 100 of 1,438 rows" in result.stderr
    output = read_scene(tmp_path / "a.html")
    assert (output["n"], output["total"]) == (100, 1438)
    assert "100 of 1,438 rows" in output["title"]


def test_a_port_in_use_is_reported(run, digits_model):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = run(
            "explore", digits_model, "digits:unseen", "--no-browser", "--port", port, code=2
        )
    assert result.stderr.splitlines()[-1] == (
        f"error: --port: expected a free port, found {port} in use (0 chooses a free one)"
    )


def test_the_browser_is_opened_at_the_link(run, digits_model, monkeypatch):
    opened = []
    monkeypatch.setattr("latentmap.cli.explore._open_browser", opened.append)

    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(explorer.Server, "serve", interrupted)
    run("explore", digits_model, "digits:unseen")
    run("explore", digits_model, "digits:unseen", "--no-browser")
    assert len(opened) == 1
    assert opened[0].startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["digits", "--export", "a.txt"],
            "a.txt: expected one of the suffixes .html, .htm, found '.txt'",
        ),
        (["digits", "--export", "no/a.html"], "does not exist"),
        (["wine", "--export", "a.html"], "X has 13 features"),
        (["nothing", "--export", "a.html"], "unknown data set 'nothing'"),
        (["digits", "--label", "kind"], "label 'kind': expected data with columns, found digits"),
        (["digits", "--host", "203.0.113.7"], "--host: expected an address of this machine"),
        (["digits", "--port", "70000"], "Invalid value for '--port'"),
    ],
)
def test_invalid_arguments_are_reported(run, digits_model, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    result = run("explore", digits_model, *arguments, code=2)
    assert words in result.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []
