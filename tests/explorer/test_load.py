"""Many clients of the explorer, also while files are uploaded that unpack to gigabytes."""

import io
import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

CLIENTS = Path(__file__).parents[2] / "benchmarks" / "explorer_clients.py"


def start_clients(client, scene, n_clients, seconds):
    options = ["--rows", len(scene), "--clients", n_clients, "--seconds", seconds]
    command = [sys.executable, CLIENTS, client.address, *options]
    return subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)


def zeros():
    """Return a Parquet file of less than a megabyte that unpacks to 256 MB."""
    file = io.BytesIO()
    parquet.write_table(pa.table({"a": np.zeros(32_000_000)}), file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("n_clients", "seconds"), [(10, 2), pytest.param(100, 30, marks=pytest.mark.slow)]
)
def test_many_clients_get_responses_while_a_file_is_refused(n_clients, seconds, serve, map_scene):
    client = serve(map_scene)
    client.connection.timeout = 300  # A process of low priority reads the file.
    map_scene.warm_up()
    client("POST", "/decode", np.zeros(2, "<f4").tobytes())
    children = start_clients(client, map_scene, n_clients, seconds)
    responses = [client("POST", "/place/zeros.parquet", zeros()) for _ in range(2)]
    report = json.loads(children.communicate()[0])
    assert [response.status for response in responses] == [400, 400]
    assert b"zeros.parquet: expected" in responses[0].body
    assert report["errors"] == 0 and report["requests"] > n_clients


def test_threads_upload_files_one_after_another(serve, map_scene):
    client, statuses = serve(map_scene), []
    rows = io.BytesIO()
    np.save(rows, map_scene.rows[:3])

    def upload():
        connection = type(client)(client.server)
        connection.connection.timeout = 300
        statuses.append(connection("POST", "/place/rows.npy", rows.getvalue()).status)
        connection.connection.close()

    threads = [threading.Thread(target=upload) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 4
