"""Named data sets, each with a part to fit and a part of unseen rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latentmap.data.idx import read_idx
from latentmap.data.sources import ArraySource, Source
from latentmap.data.table_options import TableOptions
from latentmap.errors import FileError, UnknownNameError

if TYPE_CHECKING:
    from sklearn.utils import Bunch

_PARTS = ("fit", "unseen")
_MNIST = Path(__file__).parent / "mnist"
_PENGUINS = Path(__file__).parent / "penguins" / "penguins.csv"
_IDX_FILES = {
    "fit": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "unseen": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}
_FASHION_URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
_FASHION_SHA256 = {
    _IDX_FILES["fit"][0]: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    _IDX_FILES["fit"][1]: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    _IDX_FILES["unseen"][0]: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    _IDX_FILES["unseen"][1]: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}


@dataclass(frozen=True)
class Dataset:
    """Description of a named data set; ``load`` returns its part ``"fit"`` or ``"unseen"``."""

    name: str
    description: str
    licence: str
    n_fit: int
    n_unseen: int
    load: Callable[[str], Source]


def list_datasets() -> dict[str, Dataset]:
    """Return the named data sets by name, without reading any.

    Examples
    --------
    >>> list_datasets()["mnist"].n_fit
    60000
    """
    return dict(_DATASETS)


def load_dataset(name: str, part: str = "fit") -> Source:
    """Load one part of a named data set.

    Parameters
    ----------
    name : str
        One of `list_datasets`.
    part : {"fit", "unseen"}
        The rows to fit, or rows for evaluation.

    Returns
    -------
    Source

    Raises
    ------
    UnknownNameError
        If there is no such data set or part.
    FileError
        If it cannot be downloaded.

    Examples
    --------
    >>> wine = load_dataset("wine")
    >>> len(wine), wine.feature_names[0], str(wine.labels[0])
    (142, 'alcohol', 'class_0')
    """
    if name not in _DATASETS:
        raise UnknownNameError("data set", name, _DATASETS)
    if part not in _PARTS:
        raise UnknownNameError("part", part, _PARTS)
    source = _DATASETS[name].load(part)
    source.name = name if part == "fit" else f"{name}:{part}"
    return source


def _load_mnist(part: str) -> Source:
    return _idx_pair(*(_MNIST / file for file in _IDX_FILES[part]))


def _load_fashion_mnist(part: str) -> Source:
    files = _IDX_FILES[part]
    paths = [fetch("fashion-mnist", _FASHION_URL + f, _FASHION_SHA256[f]) for f in files]
    return _idx_pair(*paths)


def _idx_pair(images: Path, labels: Path) -> Source:
    return ArraySource(read_idx(images), labels=read_idx(labels).astype(np.int64))


def _load_digits(part: str) -> Source:
    digits = _sklearn_bunch("digits")
    return _part(ArraySource(digits.images, labels=digits.target), part)


def _load_wine(part: str) -> Source:
    return _part(_table_source(_sklearn_bunch("wine")), part)


def _load_breast_cancer(part: str) -> Source:
    return _part(_table_source(_sklearn_bunch("breast_cancer")), part)


def _load_penguins(part: str) -> Source:
    from latentmap.data.table_files import open_text_table

    return _part(open_text_table(_PENGUINS, "species", TableOptions()), part)


def _sklearn_bunch(name: str) -> Bunch:
    from sklearn import datasets

    return getattr(datasets, f"load_{name}")()


def _table_source(bunch: Bunch) -> Source:
    names = [str(name) for name in bunch.feature_names]
    return ArraySource(bunch.data, feature_names=names, labels=bunch.target_names[bunch.target])


def _part(source: Source, part: str) -> Source:
    return source.split(0.2, seed=0)[_PARTS.index(part)].load()


_DATASETS = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            "mnist", "handwritten digits, 28×28 grey", "CC BY-SA 3.0", 60_000, 10_000, _load_mnist
        ),
        Dataset(
            "fashion-mnist",
            "articles of clothing, 28×28 grey, downloaded on first use",
            "MIT",
            60_000,
            10_000,
            _load_fashion_mnist,
        ),
        Dataset("digits", "handwritten digits, 8×8 grey", "CC BY 4.0", 1438, 359, _load_digits),
        Dataset("wine", "chemistry of Italian wines, 13 numbers", "CC BY 4.0", 142, 36, _load_wine),
        Dataset(
            "breast_cancer",
            "cell nuclei of breast tumours, 30 numbers",
            "CC BY 4.0",
            455,
            114,
            _load_breast_cancer,
        ),
        Dataset(
            "penguins",
            "penguins of three species: 4 measurements, island, sex, year; with missing values",
            "CC0 1.0",
            275,
            69,
            _load_penguins,
        ),
    )
}


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
