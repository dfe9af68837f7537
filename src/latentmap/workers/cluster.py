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

__all__ = ["connect", "cores_each", "disconnect", "machines"]

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


def connect(address: str | None) -> bool:
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
        return False
    if address is not None:
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
        about = str(error).strip().split("\n")[0]
        raise ClusterError(f"ray: expected a cluster {where}, found none ({about})") from None
    _silence()
    return True


def disconnect() -> None:
    """Leave the cluster, and end it where it was made by `connect`."""
    _ray().shutdown()


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
    raise SettingError(
        f"workers: expected at most {sum(cores)}, as many as the cluster has processor cores, "
        f"found {workers}"
    )


def machines() -> int:
    """Tell how many machines the cluster has."""
    return len({node["NodeManagerAddress"] for node in _nodes()})


def _silence() -> None:
    """Keep news of dead workers, which Ray prints whatever it was told, off standard output.

    There it would stand among what a verb was asked for; there is no setting for it.
    """
    with contextlib.suppress(ImportError):
        from ray._private import worker

        worker.print_to_stdstream = _drop


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
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if address == "auto":
        return
    if not host or not port.isdecimal():
        raise SettingError(
            f"ray: expected 'auto' or an address such as 'head:6379', found {address!r}"
        )
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), _SECONDS):
        return
    raise ClusterError(f"ray: expected a cluster at {address!r}, but nothing answers there")
