"""Write a file of packed codes of the current format, and the codes and labels that tests expect.

Run ``python tests/files/make_codes.py`` once for each new format. An existing file is not replaced,
because later versions must read the file as it was written.
"""

from pathlib import Path

import numpy as np

from latentmap.analysis.codec_file import (
    FORMAT,
    CodeFileHeader,
    encode_labels,
    round_codes,
    write_codes,
)
from latentmap.analysis.quantize import clip_outliers, fit_quantizer

HERE = Path(__file__).parent

rng = np.random.default_rng(0)
codes = (rng.normal(size=(300, 3)) * [5, 1, 0.2] + [10, 0, -3]).astype(np.float32)
codes[50, 1] = 1e9
labels = np.array(["one", "two", "drei"])[rng.integers(0, 3, 300)]

if not (path := HERE / f"packed-{FORMAT}.codes").exists():
    quantizer = fit_quantizer(clip_outliers(codes), np.array([1.0, 2.0, 3.0]), step_exponent=-500)
    header = CodeFileHeader(300, 128, "AutoEncoder", "0123456789abcdef")
    with path.open("wb") as file:
        blocks = np.split(codes, [128, 256])
        write_codes(file, header, quantizer, encode_labels(labels), blocks)
    np.savez(path.with_suffix(".npz"), codes=round_codes(quantizer, codes), labels=labels)
