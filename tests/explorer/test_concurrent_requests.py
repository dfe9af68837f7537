"""Responses to requests of several threads equal the responses to one request after another."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from latentmap.explorer import Scene
from latentmap.explorer.routes import Router

N_THREADS = 8
ROWS = np.arange(40, dtype="<u4").tobytes()


def list_requests(scene):
    """Return requests of all kinds except uploads, as (method, path, body)."""
    names = ["points", "areas", "parts", "areas-names", "parts-names", "density"]
    paths = ["/", *(f"/data/{name}" for name in names)]
    paths += [f"/colors/{i}" for i in range(len(scene.color_scales))]
    paths += [f"/{kind}/{row}" for kind in ("row", "similar") for row in (0, 17)]
    points = scene.plane.points[:3].astype("<f4").tobytes()
    rows = "/thumbnails" if scene.columns is None else "/rows"
    posts = [("POST", rows, ROWS), ("POST", "/decode", points)]
    return [("GET", path, b"") for path in paths] + posts


def respond(router, request):
    method, path, body = request
    return router.find(method, path).respond(body).body


def assert_equal(body, expected, path):
    if path.startswith("/row/"):  # It contains the scores that earlier requests have computed.
        details, expected_details = json.loads(body), json.loads(expected)
        for name, value in details.items():
            other = expected_details[name]
            other = pytest.approx(other, rel=1e-4) if isinstance(other, float) else other
            assert value == other, name
    else:
        # The page also states which scores earlier requests have computed.
        pattern = rb'"is_computed":(true|false)'
        assert re.sub(pattern, b"", body) == re.sub(pattern, b"", expected), path


@pytest.mark.parametrize("name", ["map_scene", "mixed_scene"])
def test_eight_threads_receive_the_responses_of_one(name, request):
    scene = request.getfixturevalue(name)
    requests = list_requests(scene)
    routers = [Router(Scene(scene.estimator, scene.rows, scene.title)) for _ in range(2)]
    for expected_request in requests:  # All scores are computed.
        respond(routers[0], expected_request)
    expected = [respond(routers[0], expected_request) for expected_request in requests]

    def respond_in_random_order(seed):
        order = np.random.default_rng(seed).permutation(len(requests))
        return [(i, respond(routers[1], requests[i])) for i in order]

    with ThreadPoolExecutor(N_THREADS) as pool:
        results = list(pool.map(respond_in_random_order, range(N_THREADS)))
    assert len(results) == N_THREADS
    for i, body in (response for responses in results for response in responses):
        assert_equal(body, expected[i], requests[i][1])
