"""Download files with a checksum to the cache folder."""

from pathlib import Path

from latentmap.errors import FileError


def fetch(name: str, url: str, sha256: str) -> Path:
    """Return the path of a cached file of a data set, which is downloaded on first use."""
    import pooch

    cache = Path(pooch.os_cache("latentmap")) / name
    try:
        file_name = url.rpartition("/")[2]
        return Path(pooch.retrieve(url, f"sha256:{sha256}", fname=file_name, path=cache))
    except ValueError as error:
        raise FileError(
            f"{name}: expected a file of SHA-256 {sha256} at {url}, found a different file"
        ) from error
    except OSError as error:  # All errors of the package requests are OSErrors.
        raise FileError(
            f"{name}: cannot be downloaded from {url} ({_reason(error)}); "
            "the network is needed for the first use of a data set"
        ) from error


def _reason(error: OSError) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answered {response.status_code}"
    return error.strerror or type(error).__name__
