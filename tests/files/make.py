"""Write model files of the current format, and the rows and codes that tests expect of each.

Run ``python tests/files/make.py`` once for each new format. Existing files are not replaced,
because later versions must read the files as they were written.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from latentmap import AutoEncoder, LatentMap
from latentmap.model_file import FORMAT
from latentmap.networks.dense import DenseNetwork

HERE = Path(__file__).parent

t = np.linspace(-1, 1, 400)
rows = pd.DataFrame({"t": t, "square": t**2, "cube": t**3, "wave": np.sin(4 * t)})
sample = rows.to_numpy()[::20]


def write_autoencoder(path):
    network = DenseNetwork(hidden=(12,))
    model = AutoEncoder(1, network=network, epochs=200, random_state=0).fit(rows)
    assert model.uses_network_
    model.save(path)
    np.savez(path.with_suffix(".npz"), rows=sample, codes=model.transform(rows)[::20])


def write_map(path):
    network = DenseNetwork(hidden=(12,), principal=False)
    model = LatentMap(network=network, epochs=60, random_state=0).fit(rows)
    model.save(path)
    expected = {"codes": model.transform(rows)[::20], "confidence": model.confidence(rows)[::20]}
    np.savez(path.with_suffix(".npz"), rows=sample, **expected)


for name, write in {"": write_autoencoder, "-map": write_map}.items():
    if not (path := HERE / f"format-{FORMAT}{name}.safetensors").exists():
        write(path)
