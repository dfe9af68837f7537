"""Small fitted scenes: a map of images, a table (three components), images (one component)."""

from __future__ import annotations

import http.client
import json
import threading
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest

from latentmap import AutoEncoder, LatentMap, VariationalAutoEncoder
from latentmap.data import ArraySource, Table, load_dataset
from latentmap.explorer import Scene, Server
from latentmap.explorer.page import Page

MALICIOUS_TEXT = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="session")
def digits():
    """500 digits, 8×8 floats from 0 to 16."""
    return load_dataset("digits").subset(np.arange(500))


@pytest.fixture(scope="session")
def map_scene(digits):
    return Scene(LatentMap(epochs=3, random_state=0).fit(digits), digits, "digits.safetensors")


@pytest.fixture(scope="session")
def wine():
    """A table with HTML in the names of labels and columns."""
    wine = load_dataset("wine")
    names = [MALICIOUS_TEXT, "</script>", *wine.feature_names[2:]]
    labels = np.array([MALICIOUS_TEXT, "b", "c"])[np.unique(wine.labels, return_inverse=True)[1]]
    return ArraySource(wine[:], feature_names=names, labels=labels, name="wine.csv")


@pytest.fixture(scope="session")
def wide_scene(wine):
    model = VariationalAutoEncoder(3, scaling="columns", epochs=3, random_state=0).fit(wine)
    return Scene(model, wine, "wine.safetensors")


@pytest.fixture(scope="session")
def people():
    """A table of three groups with columns of all kinds, and gaps."""
    rng, n = np.random.default_rng(0), 240
    group = rng.integers(0, 3, n)
    days = pd.to_timedelta(400 * group + rng.integers(0, 300, n), "D")
    notes = np.array(["late again and again today", "fast and friendly delivery here", "ok"])
    frame = pd.DataFrame(
        {
            "name": [f"{MALICIOUS_TEXT} {i:03}" for i in range(n)],
            "age": rng.normal(25 + 20 * group, 5).round(),
            "country": np.array(["France", MALICIOUS_TEXT, "Spain"])[group],
            "member": rng.random(n) < 0.2 + 0.3 * group,
            "joined": pd.Timestamp("2020-01-01") + days,
            "visits": rng.poisson(2 + 3 * group),
            "spend": np.exp(rng.normal(2 + group, 0.5)).round(2),
            "note": notes[group],
        }
    )
    for column in ("age", "country", "joined"):
        frame.loc[rng.random(n) < 0.1, column] = None
    return frame


@pytest.fixture(scope="session")
def mixed_scene(people):
    table = Table(people, roles={"note": "text"}, units={"spend": "€"}, name="people.csv")
    return Scene(AutoEncoder(2, epochs=20, random_state=0).fit(table), table, "people")


@pytest.fixture(scope="session")
def line_scene():
    """Colour images of 4×6 bytes and increasing brightness, encoded with one component."""
    rng = np.random.default_rng(0)
    shade = np.linspace(30, 220, 200)[:, None, None, None]
    rows = np.clip(shade + rng.normal(0, 9, (200, 4, 6, 3)), 0, 255).astype(np.uint8)
    source = ArraySource(rows, name="shades")
    return Scene(AutoEncoder(1, network="linear", random_state=0).fit(source), source, "shades")


@pytest.fixture(scope="session")
def page(tmp_path_factory):
    """A minimal page: a style sheet and two modules."""
    folder = tmp_path_factory.mktemp("page")
    markers = [f"<!-- {name} -->" for name in ("policy", "style", "data", "script")]
    (folder / "explorer.html").write_text("<!doctype html>" + "\n".join(markers))
    (folder / "explorer.css").write_text("h1 { color: teal }")
    (folder / "one.js").write_text("export const one = 1;\n")
    (folder / "main.js").write_text('import { one } from "./one.js";\nconst two = one + 1;\n')
    return Page(folder)


class Client:
    """A persistent connection to a server."""

    def __init__(self, server):
        self.server, self.address = server, urlsplit(server.url).netloc
        self.connection = http.client.HTTPConnection(self.address, timeout=20)

    def __call__(self, method, target, body=None, **headers):
        all_headers = {"X-Latentmap": "1"} if method == "POST" else {}
        all_headers |= {name.replace("_", "-"): value for name, value in headers.items()}
        all_headers = {name: value for name, value in all_headers.items() if value is not None}
        self.connection.request(method, target, body, all_headers)
        response = self.connection.getresponse()
        response.body = response.read()
        return response

    def json(self, method, target, body=None, status=200):
        response = self(method, target, body)
        assert response.status == status, response.body
        return json.loads(response.body)


@pytest.fixture(scope="session")
def serve(page):
    """Serve a scene until the end of the session."""
    clients = []

    def serve(scene, **options):
        server = Server(scene, page=page, **options)
        threading.Thread(target=server.serve, daemon=True).start()
        clients.append(Client(server))
        return clients[-1]

    yield serve
    for client in clients:
        client.connection.close()
        client.server.stop()
        client.server.close()


@pytest.fixture(scope="session")
def client(serve, map_scene):
    return serve(map_scene)
