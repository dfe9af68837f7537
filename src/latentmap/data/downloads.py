"""Downloads: once, checked, then from the cache.

pooch writes beside, compares the SHA-256 and moves the file in, so a broken download is never
found in the cache.
"""

from __future__ import annotations

from pathlib import Path

from latentmap.errors import FileError

__all__ = ["fetch"]


def fetch(name: str, url: str, sha256: str) -> Path:
    """Give the local copy of a file, downloading it on first use.

    Parameters
    ----------
    name : str
        What it belongs to: the message begins with it, and its folder in the cache has this name.
    url : str
        Where the file is.
    sha256 : str
        Its checksum, in hexadecimal.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    FileError
        If the file cannot be reached, or is not the expected one.
    """
    import pooch

    cache = Path(pooch.os_cache("latentmap")) / name
    try:
        file_name = url.rpartition("/")[2]
        return Path(pooch.retrieve(url, f"sha256:{sha256}", fname=file_name, path=cache))
    except ValueError as error:
        raise FileError(
            f"{name}: expected a file of SHA-256 {sha256} at {url}, found another"
        ) from error
    except OSError as error:  # requests' errors are OSErrors, too
        raise FileError(
            f"{name}: cannot be fetched from {url} ({_reason(error)}); "
            "the network is needed when a data set is used for the first time"
        ) from error


def _reason(error: OSError) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answered {response.status_code}"
    return error.strerror or type(error).__name__
