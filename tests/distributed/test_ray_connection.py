import os
import socket
import subprocess
import sys
import threading

import pytest

from latentmap.distributed import Workers, ray_connection
from latentmap.errors import ClusterError, SettingError


def test_without_ray_the_error_names_the_extra_to_install(monkeypatch, run, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    result = run("fit", "digits", "-o", tmp_path / "m.safetensors", "--workers", 2, code=2)
    assert "workers: Ray is not installed; run pip install latentmap[ray]" in (result.stderr)
    assert not list(tmp_path.iterdir())


def test_importing_latentmap_does_not_import_ray():
    code = "import sys, latentmap.cli, latentmap.distributed; assert 'ray' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("address", ["nowhere", "host:", ":6379", "host:many"])
def test_an_invalid_address(address):
    pytest.importorskip("ray", reason="the extra ray is not installed")
    error = "ray: expected 'auto' or an address such as 'head:"
    with pytest.raises(SettingError, match=error), ray_connection.connect(address):
        pass


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_an_address_where_nothing_answers(scheme):
    pytest.importorskip("ray", reason="the extra ray is not installed")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # but not listening
        address = f"{scheme}127.0.0.1:{silent.getsockname()[1]}"
        error = "but no server answers there"
        with pytest.raises(ClusterError, match=error), ray_connection.connect(address):
            pass


@pytest.mark.parametrize("answer", [b"HTTP/1.0 400 Bad request\r\n\r\n", b""])
def test_an_address_where_something_else_answers(answer):
    pytest.importorskip("ray", reason="the extra ray is not installed")
    with socket.create_server(("127.0.0.1", 0)) as other:

        def reply():
            caller, _ = other.accept()
            with caller:
                caller.recv(100)
                caller.sendall(answer)

        thread = threading.Thread(target=reply)
        thread.start()
        address, error = f"127.0.0.1:{other.getsockname()[1]}", "but another server answers there"
        with pytest.raises(ClusterError, match=error), ray_connection.connect(address):
            pass
        thread.join()


@pytest.mark.parametrize("address", ["ünï..x:6379", "host:99999"])
def test_an_impossible_address(address):
    pytest.importorskip("ray", reason="the extra ray is not installed")
    error = "but no server answers there"
    with pytest.raises(ClusterError, match=error), ray_connection.connect(address):
        pass


@pytest.mark.parametrize("count", [0, -1, 2.5, True, "two"])
def test_an_invalid_number_of_workers(count):
    with pytest.raises(SettingError, match="workers: expected an integer of at least 1"):
        Workers(count).__enter__()


@pytest.mark.parametrize("seconds", [-1, "long", float("nan")])
def test_an_invalid_checkpoint_interval(seconds):
    with pytest.raises(SettingError, match="checkpoint_seconds: expected a number of at least 0"):
        Workers(1, checkpoint_seconds=seconds).__enter__()


@pytest.mark.parametrize("make", [lambda path: "nosuch://x/y", lambda path: path / "file" / "x"])
def test_an_invalid_storage(make, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SettingError, match="storage: expected a folder or URL for checkpoints"):
        Workers(1, storage=make(tmp_path)).__enter__()


def test_more_workers_than_cores_are_refused_before_any_work(run, tmp_path):
    result = run("fit", "digits", "-o", tmp_path / "m.safetensors", "--workers", 5000, code=2)
    cores = len(os.sched_getaffinity(0))
    assert (
        f"expected at most {cores}, the number of processor cores of this machine" in result.stderr
    )
    assert "Reading" not in result.stderr


def test_options_for_workers_require_workers(run, tmp_path):
    result = run("fit", "digits", "-o", tmp_path / "m.safetensors", "--ray", "auto", code=2)
    assert "--ray: has no effect without --workers" in result.stderr
    assert "Reading" not in result.stderr
    run("fit", "digits", "-o", tmp_path / "m.safetensors", "--workers", 0, code=2)


@pytest.mark.parametrize(
    ("cores", "n_workers", "share"), [([2], 2, 1), ([8], 3, 2), ([4, 4], 3, 2), ([3, 3], 3, 1)]
)
def test_a_worker_has_cores_of_one_machine_only(monkeypatch, cores, n_workers, share):
    nodes = [{"Alive": True, "Resources": {"CPU": float(count)}} for count in cores]
    nodes.append({"Alive": False, "Resources": {"CPU": 99.0}})
    monkeypatch.setattr(ray_connection, "_nodes", lambda: [node for node in nodes if node["Alive"]])
    assert ray_connection.cores_per_worker(n_workers) == share
    with pytest.raises(SettingError, match=f"at most {sum(cores)}, .*, found 50"):
        ray_connection.cores_per_worker(50)


def test_another_engine_than_jax_is_rejected_first(monkeypatch):
    from latentmap.backend import start_engine

    monkeypatch.setattr(start_engine().backend, "backend", lambda: "torch")
    with pytest.raises(SettingError, match=r"workers: expected Keras on JAX, .* found 'torch'"):
        Workers(2).__enter__()
