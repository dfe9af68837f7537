"""The way to a Ray cluster: one that is there already, or this machine's cores as one.

Ray speaks much; here it keeps silent. What it cannot do is told in one sentence.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import warnings
from typing import Any

from latentmap.errors import ClusterError, SettingError

__all__ = [
    "check_own_cores",
    "connect",
    "cores_each",
    "disconnect",
    "machines",
    "nearby",
    "reason_of",
]

_SETTINGS = {
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",
    "RAY_TRAIN_METRICS_ENABLED": "0",
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "300",
    "RAY_USAGE_STATS_ENABLED": "0",
}
"""Nothing is sent to Ray's makers; a dead worker is noticed at once, a slow one waited for."""
_SECONDS = 5.0
"""A cluster that does not take a connection in this time is not there."""
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_SETTINGS_FRAME = 4
"""What every server of Ray's, since it speaks HTTP/2, answers to that greeting (RFC 9113, 3.4)."""


def connect(address: str | None, workers: int = 1) -> bool:
    """Join the cluster at an address, or make one of this machine; tell whether it is our own.

    Parameters
    ----------
    address : str or None
        ``"host:port"``, ``"ray://host:port"``, ``"auto"`` for the cluster that this machine is part
        of; None for a cluster of this machine alone, ended by `disconnect`.

    Returns
    -------
    bool
        False where Ray was connected before: then it stays so.

    Raises
    ------
    ClusterError
        If Ray is not installed, or nothing answers at the address.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    ray = _ray()
    if ray.is_initialized():
        _check_same(address)
        return False
    if address is None:
        check_own_cores(workers)
    else:
        _check_address(address)
    own: dict[str, Any] = {"address": address}
    if address is None:
        own = {"address": "local", "num_cpus": _own_cores(), "include_dashboard": False}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ray.init(**own, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises whatever its many parts raise
        where = "on this machine" if address is None else f"at {address!r}"
        about = "" if isinstance(error, ConnectionError) else f" ({reason_of(error)})"
        raise ClusterError(f"ray: expected a cluster {where}, found none{about}") from None
    _silence(True)
    return True


def disconnect() -> None:
    """Leave the cluster, and end it where it was made by `connect`."""
    _ray().shutdown()
    _silence(False)


def nearby() -> dict[str, Any]:
    """Give the options of an actor or a task that shall live as long as this machine does."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = _ray().get_runtime_context().get_node_id()
    return {"num_cpus": 0, "scheduling_strategy": NodeAffinitySchedulingStrategy(here, soft=True)}


def reason_of(error: BaseException) -> str:
    """Give the last line of what Ray says of an error; the others tell of its parts."""
    lines = [line.strip() for line in str(error).split("\n") if line.strip()]
    return lines[-1] if lines else type(error).__name__


def cores_each(workers: int) -> int:
    """Tell how many processor cores each of so many workers can have.

    Raises
    ------
    SettingError
        If there are more workers than cores in the cluster.
    """
    cores = [int(node["Resources"].get("CPU", 0)) for node in _nodes()]
    for each in range(max(cores, default=0), 0, -1):
        if sum(found // each for found in cores) >= workers:
            return each
    raise _too_many(workers, sum(cores), "the cluster")


def check_own_cores(workers: int) -> None:
    """Refuse more workers than this machine has processor cores, before any work.

    Raises
    ------
    SettingError
    """
    if workers > _own_cores():
        raise _too_many(workers, _own_cores(), "this machine")


def _too_many(workers: int, cores: int, where: str) -> SettingError:
    return SettingError(
        f"workers: expected at most {cores}, as many as {where} has processor cores, "
        f"found {workers}"
    )


def machines() -> int:
    """Tell how many machines the cluster has."""
    return len({node["NodeManagerAddress"] for node in _nodes()})


def _silence(wanted: bool) -> None:
    """Keep news of dead workers, which Ray prints whatever it was told, off standard output.

    There it would stand among what a verb was asked for; there is no setting for it.
    """
    with contextlib.suppress(ImportError):
        from ray._private import worker

        if wanted:
            _loud.append(worker.print_to_stdstream)
            worker.print_to_stdstream = _drop
        elif _loud:
            worker.print_to_stdstream = _loud.pop()


_loud: list[Any] = []


def _drop(*_: Any, **__: Any) -> None:
    pass


def _nodes() -> list[dict[str, Any]]:
    return [node for node in _ray().nodes() if node["Alive"]]


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise ClusterError(
            "workers: expected Ray to be installed, found none; pip install latentmap[ray]"
        ) from None
    return ray


def _own_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _check_address(address: str) -> None:
    """Knock: Ray itself would try for half a minute."""
    if address == "auto":
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        raise SettingError(
            f"ray: expected 'auto' or an address such as 'head:6379', found {address!r}"
        )
    found = "nothing answers there"
    # UnicodeError, OverflowError: a name or a port that cannot be one
    with contextlib.suppress(OSError, UnicodeError, OverflowError):
        with socket.create_connection((host, int(port)), _SECONDS) as connection:
            if os.environ.get("RAY_USE_TLS") or _greets(connection):
                return
        found = "something else answers there"
    raise ClusterError(f"ray: expected a cluster at {address!r}, but {found}")


def _greets(connection: socket.socket) -> bool:
    with contextlib.suppress(OSError):
        connection.sendall(_GREETING)
        answer = connection.recv(9)
        return len(answer) > 3 and answer[3] == _SETTINGS_FRAME
    return False


def _check_same(address: str | None) -> None:
    """Refuse an address where the process is in a cluster already, at another one."""
    if address in (None, "auto"):
        return
    here = _ray().get_runtime_context().gcs_address
    if address != here:
        raise SettingError(f"ray: expected the cluster that is connected, {here}, found {address}")
