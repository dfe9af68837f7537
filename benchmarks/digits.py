"""Digits in any number, for benchmarks: each one is two real ones of a kind, shifted and blended.

So they are no noise, and no two are alike; they lie where digits lie, and one that was made of
MNIST's unseen rows is unseen. Row i of a seed is the same whatever the number of rows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from latentmap.data import open_data

BLOCK = 10_000
MOST_SHIFT = 2
MOST_FILES = 1_000_000


def blended(rows: int, part: str = "mnist", seed: int = 0) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield blocks of images, uint8 of shape (n, 28, 28), and their labels, uint8.

    Each image is w · a + (1 − w) · b, where a and b are images of one digit, each shifted by up to
    two pixels each way, and w is uniform from .5 to 1.
    """
    source = open_data(part)
    labels = np.asarray(source.labels, np.uint8)
    images = np.pad(source[:], ((0, 0), (MOST_SHIFT, MOST_SHIFT), (MOST_SHIFT, MOST_SHIFT)))
    order = np.argsort(labels, kind="stable")
    ends = np.cumsum(np.bincount(labels, minlength=10))
    for number, start in enumerate(range(0, rows, BLOCK)):
        rng = np.random.default_rng([seed, number])
        first = rng.integers(0, len(images), BLOCK)
        kind = labels[first]
        counts = np.diff(ends, prepend=0)[kind]
        second = order[ends[kind] - 1 - (rng.random(BLOCK) * counts).astype(int)]
        weight = rng.integers(128, 257, (BLOCK, 1, 1), dtype=np.uint16)
        mixed = weight * _shifted(images[first], rng)
        mixed += (256 - weight) * _shifted(images[second], rng)
        some = slice(0, min(BLOCK, rows - start))
        yield (mixed >> 8).astype(np.uint8)[some], kind[some]


def _shifted(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cut a window out of each padded image, all of a block by the same two shifts in turn."""
    out = np.empty((len(images), 28, 28), np.uint16)
    places = rng.integers(0, (2 * MOST_SHIFT + 1) ** 2, len(images))
    for place in range((2 * MOST_SHIFT + 1) ** 2):
        down, right = divmod(place, 2 * MOST_SHIFT + 1)
        here = places == place
        out[here] = images[here, down : down + 28, right : right + 28]
    return out


def write_npy(path: Path, rows: int, part: str = "mnist", seed: int = 0) -> None:
    """Write so many of them to a .npy file, (n, 28, 28), without labels."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (rows, 28, 28)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for images, _ in blended(rows, part, seed):
            file.write(images.data)


def write_parquet(folder: Path, rows: int, part: str = "mnist", seed: int = 0) -> None:
    """Write so many of them to a folder of Parquet files of 784 columns and a label."""
    import pyarrow as pa
    from pyarrow import parquet

    folder.mkdir()
    names = [*(f"p{i}" for i in range(784)), "label"]
    for number, (images, labels) in enumerate(blended(rows, part, seed)):
        if number % 10 == 0:
            writer = parquet.ParquetWriter(
                folder / f"part-{number // 10:05}.parquet",
                pa.schema([(name, pa.uint8()) for name in names]),
            )
        columns = [*np.ascontiguousarray(images.reshape(len(images), -1).T), labels]
        writer.write_table(pa.table(dict(zip(names, map(pa.array, columns), strict=True))))
        if number % 10 == 9:
            writer.close()
    writer.close()


def write_images(folder: Path, rows: int, part: str = "mnist", seed: int = 0) -> None:
    """Write so many of them as PNG files, in a folder for each digit.

    After the first million, rows are further names of these files: whoever reads them has as much
    to do, and the disk holds them.
    """
    from PIL import Image

    def place(number: int, label: int) -> str:
        return f"{folder}/{label}/{number}.png"

    for label in range(10):
        (folder / f"{label}").mkdir(parents=True)
    files, written = min(rows, MOST_FILES), []
    for images, labels in blended(files, part, seed):
        for image, label in zip(images, labels.tolist(), strict=True):
            Image.fromarray(image).save(place(len(written), label))
            written.append(label)
    for number in range(files, rows):
        like = number % files
        os.link(place(like, written[like]), place(number, written[like]))
