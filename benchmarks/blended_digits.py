"""Generate any number of digit images for benchmarks by blending pairs of MNIST images.

Each image is a blend of two shifted images of the same digit, so the images are all different and
distributed like real digits. Images blended from unseen rows of MNIST are unseen as well. Row i of
a seed does not depend on the number of rows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from latentmap.data import open_data

BLOCK_ROWS = 10_000
MAX_SHIFT = 2
MAX_IMAGE_FILES = 1_000_000


def generate_blends(
    rows: int, part: str = "mnist", seed: int = 0
) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield blocks of images, uint8 of shape (n, 28, 28), and their labels, uint8.

    Each image is w · a + (1 − w) · b, where a and b are images of the same digit, each shifted by
    up to two pixels in each direction, and w is uniform from .5 to 1.
    """
    source = open_data(part)
    labels = np.asarray(source.labels, np.uint8)
    images = np.pad(source[:], ((0, 0), (MAX_SHIFT, MAX_SHIFT), (MAX_SHIFT, MAX_SHIFT)))
    order = np.argsort(labels, kind="stable")
    ends = np.cumsum(np.bincount(labels, minlength=10))
    for number, start in enumerate(range(0, rows, BLOCK_ROWS)):
        rng = np.random.default_rng([seed, number])
        first = rng.integers(0, len(images), BLOCK_ROWS)
        digits = labels[first]
        counts = np.diff(ends, prepend=0)[digits]
        second = order[ends[digits] - 1 - (rng.random(BLOCK_ROWS) * counts).astype(int)]
        weight = rng.integers(128, 257, (BLOCK_ROWS, 1, 1), dtype=np.uint16)
        blends = weight * _shifted(images[first], rng)
        blends += (256 - weight) * _shifted(images[second], rng)
        length = min(BLOCK_ROWS, rows - start)
        yield (blends >> 8).astype(np.uint8)[:length], digits[:length]


def _shifted(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Crop each padded image at a random shift; images with the same shift are cropped together."""
    crops = np.empty((len(images), 28, 28), np.uint16)
    width = 2 * MAX_SHIFT + 1
    shifts = rng.integers(0, width**2, len(images))
    for shift in range(width**2):
        down, right = divmod(shift, width)
        selected = shifts == shift
        crops[selected] = images[selected, down : down + 28, right : right + 28]
    return crops


def write_npy(path: Path, rows: int, part: str = "mnist", seed: int = 0) -> None:
    """Write images of shape (rows, 28, 28) to a .npy file, without labels."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (rows, 28, 28)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for images, _ in generate_blends(rows, part, seed):
            file.write(images.data)


def write_parquet(folder: Path, rows: int, part: str = "mnist", seed: int = 0) -> None:
    """Write images to a folder of Parquet files with 784 columns and a label."""
    import pyarrow as pa
    from pyarrow import parquet

    folder.mkdir()
    names = [*(f"p{i}" for i in range(784)), "label"]
    for number, (images, labels) in enumerate(generate_blends(rows, part, seed)):
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
    """Write images as PNG files into one folder for each digit.

    Rows after the first million are hard links to these files: reading them takes as long, and they
    need no disk space.
    """
    from PIL import Image

    def image_path(number: int, label: int) -> str:
        return f"{folder}/{label}/{number}.png"

    for label in range(10):
        (folder / f"{label}").mkdir(parents=True)
    n_files, labels_of_files = min(rows, MAX_IMAGE_FILES), []
    for images, labels in generate_blends(n_files, part, seed):
        for image, label in zip(images, labels.tolist(), strict=True):
            Image.fromarray(image).save(image_path(len(labels_of_files), label))
            labels_of_files.append(label)
    for number in range(n_files, rows):
        original = number % n_files
        label = labels_of_files[original]
        os.link(image_path(original, label), image_path(number, label))
