import os
import socket
import subprocess
import sys
import threading

import pytest

from latentmap.distributed import Workers, ray_connection
from latentmap.errors import ClusterError, SettingError


def test_without_ray_one_sentence_tells_what_to_install(monkeypatch, run, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    told = run("fit", "digits", "-o", tmp_path / "m.safetensors", "--workers", 2, code=2)
    assert "workers: expected Ray to be installed, found none; pip install latentmap[ray]" in (
        told.stderr
    )
    assert not list(tmp_path.iterdir())


def test_importing_latentmap_and_its_help_starts_no_ray():
    code = "import sys, latentmap.cli, latentmap.distributed; assert 'ray' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("address", ["nowhere", "host:", ":6379", "host:many"])
def test_an_address_that_is_none(address):
    pytest.importorskip("ray", reason="the extra ray is not installed")
    with pytest.raises(SettingError, match="ray: expected 'auto' or an address such as 'head:"):
        ray_connection.connect(address)


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_an_address_where_nothing_answers(scheme):
    pytest.importorskip("ray", reason="the extra ray is not installed")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # but not listening
        address = f"{scheme}127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ClusterError, match="but nothing answers there"):
            ray_connection.connect(address)


@pytest.mark.parametrize("answer", [b"HTTP/1.0 400 Bad request\r\n\r\n", b""])
def test_an_address_where_something_else_answers(answer):
    pytest.importorskip("ray", reason="the extra ray is not installed")
    with socket.create_server(("127.0.0.1", 0)) as other:

        def reply():
            caller, _ = other.accept()
            with caller:
                caller.recv(100)
                caller.sendall(answer)

        replying = threading.Thread(target=reply)
        replying.start()
        with pytest.raises(ClusterError, match="but something else answers there"):
            ray_connection.connect(f"127.0.0.1:{other.getsockname()[1]}")
        replying.join()


@pytest.mark.parametrize("address", ["ünï..x:6379", "host:99999"])
def test_an_address_that_no_machine_can_have(address):
    pytest.importorskip("ray", reason="the extra ray is not installed")
    with pytest.raises(ClusterError, match="but nothing answers there"):
        ray_connection.connect(address)


@pytest.mark.parametrize("count", [0, -1, 2.5, True, "two"])
def test_a_count_of_workers_that_is_none(count):
    with pytest.raises(SettingError, match="workers: expected an integer above 0"):
        Workers(count).__enter__()


@pytest.mark.parametrize("seconds", [-1, "long", float("nan")])
def test_seconds_that_are_none(seconds):
    with pytest.raises(SettingError, match="seconds: expected a number from 0 up"):
        Workers(1, seconds=seconds).__enter__()


@pytest.mark.parametrize("make", [lambda path: "nosuch://x/y", lambda path: path / "file" / "x"])
def test_a_storage_that_is_none(make, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SettingError, match="storage: expected a folder or URL for checkpoints"):
        Workers(1, storage=make(tmp_path)).__enter__()


def test_more_workers_than_cores_are_refused_before_any_work(run, tmp_path):
    told = run("fit", "digits", "-o", tmp_path / "m.safetensors", "--workers", 5000, code=2)
    cores = len(os.sched_getaffinity(0))
    assert f"expected at most {cores}, as many as this machine has processor cores" in told.stderr
    assert "Reading" not in told.stderr


def test_options_for_workers_want_workers(run, tmp_path):
    told = run("fit", "digits", "-o", tmp_path / "m.safetensors", "--ray", "auto", code=2)
    assert "--ray: expected --workers with it, found none" in told.stderr
    assert "Reading" not in told.stderr
    run("fit", "digits", "-o", tmp_path / "m.safetensors", "--workers", 0, code=2)


@pytest.mark.parametrize(
    ("cores", "workers", "each"), [([2], 2, 1), ([8], 3, 2), ([4, 4], 3, 2), ([3, 3], 3, 1)]
)
def test_cores_are_shared_out_as_they_lie_on_machines(monkeypatch, cores, workers, each):
    nodes = [{"Alive": True, "Resources": {"CPU": float(count)}} for count in cores]
    nodes.append({"Alive": False, "Resources": {"CPU": 99.0}})
    monkeypatch.setattr(ray_connection, "_nodes", lambda: [node for node in nodes if node["Alive"]])
    assert ray_connection.cores_each(workers) == each
    with pytest.raises(SettingError, match=f"at most {sum(cores)}, .*, found 50"):
        ray_connection.cores_each(50)


def test_another_engine_is_told_before_anything_starts(monkeypatch):
    from latentmap.backend import start

    monkeypatch.setattr(start().backend, "backend", lambda: "torch")
    with pytest.raises(
        SettingError, match=r"workers: expected Keras on JAX, .* found it on 'torch'"
    ):
        Workers(2).__enter__()
