"""Connect to a Ray cluster, or start one on this machine, and suppress the messages of Ray."""

import contextlib
import logging
import os
import socket
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from latentmap.errors import ClusterError, SettingError
from latentmap.progress import progress

# Ray sends no usage statistics, detects a dead worker at once, and tolerates a slow start.
_ENVIRONMENT = {
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",
    "RAY_TRAIN_METRICS_ENABLED": "0",
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "300",
    "RAY_USAGE_STATS_ENABLED": "0",
}
_CONNECT_SECONDS = 5.0
# An HTTP/2 server, such as that of Ray, answers this preface with a settings frame (RFC 9113, 3.4).
_HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_HTTP2_SETTINGS_FRAME = 4


@contextlib.contextmanager
def connect(address: str | None, n_workers: int = 1, verbose: bool = False) -> Iterator[None]:
    """Connect to a Ray cluster for the duration of the block; do nothing if Ray is connected.

    The address is ``"host:port"``, ``"ray://host:port"``, or ``"auto"`` for the cluster that this
    machine is part of. None starts a cluster on this machine that ends with the block. Raise
    ClusterError if Ray is not installed or no cluster answers at the address, and SettingError if
    the address is invalid or there are more workers than cores.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    ray = _import_ray()
    if ray.is_initialized():
        _check_connected_address(address)
        yield
        return
    _start(address, n_workers)
    with _without_worker_messages():
        try:
            yield
        finally:
            with progress("disconnecting from Ray", 1, verbose) as advance:
                ray.shutdown()
                advance(1)


def _start(address: str | None, n_workers: int) -> None:
    options: dict[str, Any] = {"address": address}
    if address is None:
        check_local_cores(n_workers)
        options = {"address": "local", "num_cpus": _local_cores(), "include_dashboard": False}
    else:
        _check_reachable(address)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _import_ray().init(**options, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises errors of many types without a common base.
        place = "on this machine" if address is None else f"at {address!r}"
        reason = "" if isinstance(error, ConnectionError) else f" ({summarize_error(error)})"
        raise ClusterError(f"ray: expected a cluster {place}, found none{reason}") from None


@contextlib.contextmanager
def _without_worker_messages() -> Iterator[None]:
    """Suppress the failures of workers that Ray prints; Ray has no setting for this."""
    from ray._private import worker

    print_function = worker.print_to_stdstream
    worker.print_to_stdstream = lambda *args, **kwargs: None
    try:
        yield
    finally:
        worker.print_to_stdstream = print_function


def local_node_options() -> dict[str, Any]:
    """Return Ray options that place an actor or a task on this machine, without using a core."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    node = _import_ray().get_runtime_context().get_node_id()
    return {"num_cpus": 0, "scheduling_strategy": NodeAffinitySchedulingStrategy(node, soft=True)}


def summarize_error(error: BaseException) -> str:
    """Return the last line of an error's text, which names the cause in errors of Ray."""
    lines = [line.strip() for line in str(error).split("\n") if line.strip()]
    return lines[-1] if lines else type(error).__name__


def cores_per_worker(n_workers: int) -> int:
    """Return the largest number of cores that every worker can have, at least one."""
    cores = [int(node["Resources"].get("CPU", 0)) for node in _nodes()]
    for share in range(max(cores, default=0), 0, -1):
        if sum(count // share for count in cores) >= n_workers:
            return share
    raise _worker_count_error(n_workers, sum(cores), "the cluster")


def check_local_cores(n_workers: int) -> None:
    """Raise SettingError if there are more workers than cores on this machine."""
    if n_workers > _local_cores():
        raise _worker_count_error(n_workers, _local_cores(), "this machine")


def count_machines() -> int:
    """Return the number of machines in the cluster."""
    return len({node["NodeManagerAddress"] for node in _nodes()})


def _worker_count_error(n_workers: int, cores: int, place: str) -> SettingError:
    return SettingError(
        f"workers: expected at most {cores}, the number of processor cores of {place}, "
        f"found {n_workers}"
    )


def _nodes() -> list[dict[str, Any]]:
    return [node for node in _import_ray().nodes() if node["Alive"]]


def _import_ray() -> ModuleType:
    try:
        import ray
    except ImportError:
        raise ClusterError(
            "workers: Ray is not installed; run pip install latentmap[ray]"
        ) from None
    return ray


def _local_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _check_reachable(address: str) -> None:
    """Raise an error if no Ray cluster answers; Ray itself would retry for 30 seconds."""
    if address == "auto":
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        raise SettingError(
            f"ray: expected 'auto' or an address such as 'head:6379', found {address!r}"
        )
    reason = "no server answers there"
    # UnicodeError and OverflowError are raised for invalid host names and ports.
    with contextlib.suppress(OSError, UnicodeError, OverflowError):
        with socket.create_connection((host, int(port)), _CONNECT_SECONDS) as connection:
            if os.environ.get("RAY_USE_TLS") or _is_http2_server(connection):
                return
        reason = "another server answers there"
    raise ClusterError(f"ray: expected a cluster at {address!r}, but {reason}")


def _is_http2_server(connection: socket.socket) -> bool:
    with contextlib.suppress(OSError):
        connection.sendall(_HTTP2_PREFACE)
        response = connection.recv(9)
        return len(response) > 3 and response[3] == _HTTP2_SETTINGS_FRAME
    return False


def _check_connected_address(address: str | None) -> None:
    """Raise SettingError if this process is connected to a cluster at another address."""
    if address in (None, "auto"):
        return
    current_address = _import_ray().get_runtime_context().gcs_address
    if address != current_address:
        raise SettingError(
            f"ray: expected {current_address}, the address of the connected cluster, "
            f"found {address}"
        )
