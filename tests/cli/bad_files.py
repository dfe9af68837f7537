"""Files that the table of bad inputs names, and three small models."""

from pathlib import Path

import numpy as np
import pandas as pd

from latentmap import AutoEncoder, LatentMap

NUMBERS = np.random.default_rng(0).normal(size=(30, 3))
TABLE = pd.DataFrame({"a": np.arange(40.0), "b": np.arange(40) ** 2 % 7, "kind": ["x", "y"] * 20})


def write_bad_files(folder: Path) -> None:
    """Write good and bad files into a folder."""
    for name, rows in _arrays().items():
        np.save(folder / f"{name}.npy", rows)
    for name, text in _TEXTS.items():
        (folder / name).write_bytes(text)
    TABLE.to_csv(folder / "table.csv", index=False)
    TABLE.drop(columns="b").to_csv(folder / "without_b.csv", index=False)
    (folder / "empty_folder").mkdir()
    (folder / "texts").mkdir()
    (folder / "texts" / "a.txt").write_text("x")
    AutoEncoder(2, epochs=1, random_state=0).fit(NUMBERS).save(folder / "ae.safetensors")
    LatentMap(2, epochs=1, random_state=0).fit(NUMBERS).save(folder / "map.safetensors")
    AutoEncoder(2, epochs=1, random_state=0).fit(TABLE).save(folder / "table.safetensors")


def _arrays() -> dict[str, np.ndarray]:
    nan, inf, huge = (NUMBERS.copy() for _ in range(3))
    nan[3, 1], inf[3, 1], huge[3, 1] = np.nan, np.inf, 1e300
    codes = NUMBERS[:5, :2]
    return {
        "rows": NUMBERS,
        "complex": NUMBERS + 1j,
        "nan": nan,
        "inf": inf,
        "huge": huge,
        "wide": NUMBERS[:, [0, 1, 2, 0]],
        "one": NUMBERS[:1],
        "none": NUMBERS[:0],
        "flat": NUMBERS[0],
        "words": np.array([["a", "b"]] * 30),
        "dates": np.array([["2020-01-01"]] * 30, "datetime64[D]"),
        "codes": codes,
        "codes_3": NUMBERS[:5],
        "codes_nan": np.where(np.arange(2), codes, np.nan),
        "codes_complex": codes + 1j,
        "layout_complex": NUMBERS[:, :2] + 1j,
        "layout_nan": np.full((30, 2), np.nan),
        "layout_4": NUMBERS[:, [0, 1, 2, 0]],
    }


_TEXTS = {
    "empty.csv": b"",
    "header.csv": b"a,b\n",
    "ragged.csv": b"a,b,c\n" + b"1,2,3\n" * 20 + b"1,2,3,4\n" + b"1,2,3\n" * 5,
    "vectors.csv": b'v\n"[1,2,3]"\n"[1,2]"\n' * 20,
    "binary.csv": bytes(range(256)) * 10,
    "nul.csv": b"a,b\n1,\x002\n" * 20,
    "junk.npy": b"\x93NUMPY\x01\x00junk",
    "junk.npz": b"PK junk",
    "junk.parquet": b"PAR1junk",
    "junk.xlsx": b"junk",
    "junk.png": b"junk",
    "junk.codes": b"junk",
    "junk.safetensors": b"junk" * 10,
    "text.pdf": b"x",
}
