"""Mutations of files, and the readers that must refuse them or return finite results.

``test_mutations.py`` runs this file in other processes, which may crash::

    python tests/mutations.py FOLDER                      write a valid file of each kind
    python tests/mutations.py FOLDER COUNT KIND ...       read COUNT mutated files of each kind
"""

import copy
import faulthandler
import io
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from scipy import sparse

from latentmap import AutoEncoder, LatentMap, load_model
from latentmap.analysis import SearchIndex
from latentmap.analysis.codec_file import CodeFile
from latentmap.analysis.compression import compress
from latentmap.analysis.model_description import describe_model
from latentmap.array_files import read_arrays, write_arrays
from latentmap.data import open_data
from latentmap.errors import LatentmapError
from latentmap.networks.dense import DenseNetwork

HOSTILE_VALUES = [
    *(None, True, 0, -1, 1, 3, 10**6, 2**31, 2**62, 0.0, -1.5, 1e-300, 1e300, -1e300, 1e38),
    *("", "x", "../../x", "\x00", [], [1], ["a"], {}, {"a": 1}, [[1]]),
]
HOSTILE_NUMBERS = [0, -1, 1e-38, 1e-45, 1e30, -1e38, 3e38, np.nan, np.inf, 1e5, -1e5]
HOSTILE_FACTORS = [1e-30, 1e30, -1, 1e10, 0, 1e-10, 1e18]
HOSTILE_INTEGERS = [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 1, 0x10000]

ROWS = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
TABLE = pd.DataFrame(
    {
        "size": np.where(np.arange(60) == 7, np.nan, ROWS[:, 0]),
        "count": np.arange(60) % 7,
        "kind": np.array(["red", "green", "blue"])[np.arange(60) % 3],
        "day": pd.date_range("2020-01-01", periods=60),
        "cost": np.exp(3 * ROWS[:, 1]),
    }
)


# -- files -----------------------------------------------------------------------------------------


def write_files(folder: Path) -> None:
    """Write one small valid file of each kind."""
    network = DenseNetwork(hidden=(3,))
    model = AutoEncoder(2, network=network, epochs=1, random_state=0).fit(ROWS)
    model.save(folder / "rows.safetensors")
    AutoEncoder(2, network=network, epochs=1).fit(TABLE).save(folder / "table.safetensors")
    LatentMap(network=network, epochs=1, random_state=0).fit(ROWS).save(folder / "map.safetensors")
    labels, names = np.array(["a", "b"])[np.arange(60) % 2], [f"{i}.png" for i in range(60)]
    SearchIndex(model.transform(ROWS), labels, names).save(folder / "index.safetensors")
    compress(model, ROWS, folder / "rows.codes")
    np.save(folder / "rows.npy", ROWS)
    np.savez(folder / "rows.npz", X=ROWS, y=np.arange(60))
    sparse.save_npz(folder / "sparse.npz", sparse.csr_array(np.maximum(ROWS, 0)))
    TABLE.to_csv(folder / "table.csv", index=False)
    TABLE.to_csv(folder / "table.csv.gz", index=False)
    TABLE.to_parquet(folder / "table.parquet")
    TABLE.assign(kind=TABLE["kind"].astype("category")).to_parquet(folder / "kinds.parquet")
    TABLE.to_excel(folder / "table.xlsx", index=False)
    images = folder / "images"
    images.mkdir()
    Image.fromarray((ROWS * 40 + 128).clip(0, 255).astype(np.uint8)).save(images / "image.png")


READERS: dict[str, Callable[[Path], Any]] = {
    "rows.safetensors": lambda path: describe_model(path),
    "index.safetensors": lambda path: use_index(path),
    "rows.codes": lambda path: use_codes(path),
    "images/image.png": lambda path: use_data(path.parent),
}
EDITED = {
    "rows.safetensors": ("model", lambda path: use_model(path, ROWS[:5])),
    "table.safetensors": ("model", lambda path: use_model(path, TABLE[:5])),
    "map.safetensors": ("model", lambda path: use_model(path, ROWS[:5])),
    "index.safetensors": ("index", lambda path: use_index(path)),
}


# -- use of files ----------------------------------------------------------------------------------


def use_data(path: Path) -> None:
    source = open_data(path)
    source[:2]
    for _ in source.batches(16):
        pass


def use_index(path: Path) -> None:
    index = SearchIndex.load(path)
    check_finite(index.search(index.codes[:3], 1).distances)
    if index.labels is not None:
        np.unique(index.labels)


def use_codes(path: Path) -> None:
    for codes in CodeFile(path).codes():
        check_finite(codes)


def use_model(path: Path, rows: Any) -> None:
    """Call the methods of a model, each of which may refuse its input."""
    describe_model(path)
    model = load_model(path)
    codes = np.zeros((2, 2), np.float32)
    calls: list[Callable[[], Any]] = [
        lambda: model.transform(rows),
        lambda: model.reconstruction_error(rows),
        lambda: model.inverse_transform(codes),
        lambda: model.sample(2),
    ]
    if isinstance(rows, pd.DataFrame):
        calls.append(lambda: model.impute(rows))
    if isinstance(model, LatentMap):
        calls += [lambda: model.confidence(rows), lambda: model.density(codes)]
    for call in calls:
        try:
            check_finite(call())
        except LatentmapError:
            continue


def check_finite(result: Any) -> None:
    if isinstance(result, pd.DataFrame):
        result = result.select_dtypes("number")
    assert np.isfinite(np.asarray(result, float)).all(), "the result is not finite"


# -- mutations -------------------------------------------------------------------------------------


def mutate_bytes(content: bytes, rng: np.random.Generator) -> bytes:
    """Return a file with a few changed, removed, inserted or repeated bytes."""
    data = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        i, length = int(rng.integers(len(data))), int(rng.integers(1, 9))
        match rng.integers(6):
            case 0:
                data[i] ^= 1 << int(rng.integers(8))
            case 1:
                data[i] = int(rng.integers(256))
            case 2:
                value = HOSTILE_INTEGERS[rng.integers(len(HOSTILE_INTEGERS))]
                data[i : i + 4] = value.to_bytes(4, "little")
            case 3:
                del data[i : i + length]
            case 4:
                data[i:i] = rng.bytes(length)
            case _:
                data[i:i] = data[: i + length][-64:]
        data = data or bytearray(b"\0")
    return bytes(data[: rng.integers(len(data)) + 1] if rng.random() < 0.1 else data)


def mutate_member(content: bytes, rng: np.random.Generator) -> bytes:
    """Return a zip archive with a changed member, whose checksum is right."""
    source, changed = zipfile.ZipFile(io.BytesIO(content)), io.BytesIO()
    names = source.namelist()
    chosen = names[rng.integers(len(names))]
    with zipfile.ZipFile(changed, "w") as archive:
        for name in names:
            member = source.read(name)
            archive.writestr(name, mutate_bytes(member, rng) if name == chosen else member)
    return changed.getvalue()


def mutate_description(description: Any, rng: np.random.Generator) -> Any:
    """Return a description with one value replaced or removed, at a random depth."""
    parent = changed = copy.deepcopy(description)
    while True:
        keys = list(parent) if isinstance(parent, dict) else list(range(len(parent)))
        if not keys:
            return changed
        key = keys[rng.integers(len(keys))]
        if isinstance(parent[key], dict | list) and len(parent[key]) and rng.random() < 0.8:
            parent = parent[key]
            continue
        if isinstance(parent[key], int | float) and rng.random() < 0.5:
            factor = HOSTILE_FACTORS[rng.integers(len(HOSTILE_FACTORS))]
            parent[key] = parent[key] * factor
        elif rng.random() < 0.1:
            del parent[key]
        else:
            parent[key] = HOSTILE_VALUES[rng.integers(len(HOSTILE_VALUES))]
        return changed


def mutate_arrays(arrays: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return arrays of which one is removed, or has other values, another shape or type."""
    name = sorted(arrays)[rng.integers(len(arrays))]
    array, others = arrays[name].copy(), {k: v for k, v in arrays.items() if k != name}
    number = HOSTILE_NUMBERS[rng.integers(len(HOSTILE_NUMBERS))]
    match rng.integers(7):
        case 0:
            return others
        case 1 if array.size and array.dtype.kind == "f":
            array.flat[rng.integers(array.size)] = number
        case 2 if array.dtype.kind == "f":
            array[...] = number
        case 3:
            factor = float(HOSTILE_FACTORS[rng.integers(len(HOSTILE_FACTORS))])
            array = (array * factor).astype(array.dtype)
        case 4:
            array = array[:-1] if array.ndim else array[None]
        case 5:
            array = array.astype([np.int32, np.float64, np.float16, bool][rng.integers(4)])
        case _:
            array = np.ascontiguousarray(array.T)
    return {**others, name: array}


# -- runs ------------------------------------------------------------------------------------------


def run_bytes(folder: Path, name: str, seeds: range, scratch: Path) -> list[str]:
    """Read a file with mutated bytes for each seed; return the failures.

    Most changes of a zip archive are those of a member, because a checksum reveals others.
    """
    use = READERS.get(name, use_data)
    content, failures = (folder / name).read_bytes(), []
    target = scratch / name  # An image has a folder of its own, which is read.
    target.parent.mkdir(exist_ok=True)
    for seed in seeds:
        rng = np.random.default_rng(seed)
        is_archive = name.endswith(("npz", "xlsx")) and rng.random() < 0.7
        target.write_bytes((mutate_member if is_archive else mutate_bytes)(content, rng))
        failures += find_failure(use, target, f"{name}, seed {seed}")
    return failures


def run_edited(folder: Path, name: str, seeds: range, scratch: Path) -> list[str]:
    """Read a file with a changed description or array and a right checksum for each seed."""
    file_kind, use = EDITED[name]
    description, arrays = read_arrays(folder / name, file_kind, 10**6)
    failures, target = [], scratch / f"edited-{name}"
    for seed in seeds:
        rng = np.random.default_rng(seed)
        edited_description, edited_arrays = description, arrays
        if rng.random() < 0.5:
            edited_description = mutate_description(description, rng)
        else:
            edited_arrays = mutate_arrays(arrays, rng)
        try:
            write_arrays(target, file_kind, edited_description, edited_arrays)
        except ValueError:  # JSON cannot store the value.
            continue
        failures += find_failure(use, target, f"edited {name}, seed {seed}")
    return failures


def find_failure(use: Callable[[Path], None], path: Path, name: str) -> list[str]:
    """Return a description of an error that is not one sentence of latentmap."""
    try:
        use(path)
    except LatentmapError as error:
        return [] if "\n" not in str(error) else [f"{name}: several lines: {error}"]
    except BaseException as error:
        return [f"{name}: {type(error).__name__}: {error}"]
    return []


def main(folder: Path, count: int, names: list[str]) -> bool:
    """Print each kind before its files are read, and the failures; return whether there are any."""
    faulthandler.enable()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    scratch = Path(tempfile.mkdtemp(dir=folder))  # The last file is kept after a crash.
    failures: list[str] = []
    for name in names:
        print(f"{scratch}: {name}", flush=True)
        if name in EDITED:
            failures += run_edited(folder, name, range(count), scratch)
        else:
            failures += run_bytes(folder, name.removeprefix("bytes of "), range(count), scratch)
    print("\n".join(failures))
    return bool(failures)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        sys.exit(write_files(Path(sys.argv[1])))
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
