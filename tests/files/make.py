"""Write model files of the format that stands, and beside each rows and the codes that it gives.

Run ``python tests/files/make.py`` once for each new format, and never again: later versions must
read the files as they were written then. A file that is there is left alone.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from latentmap import AutoEncoder, LatentMap
from latentmap.autoencoders.model_file import FORMAT
from latentmap.networks.dense import DenseNetwork

HERE = Path(__file__).parent

t = np.linspace(-1, 1, 400)
rows = pd.DataFrame({"t": t, "square": t**2, "cube": t**3, "wave": np.sin(4 * t)})
some = rows.to_numpy()[::20]


def autoencoder(place):
    network = DenseNetwork(hidden=(12,))
    model = AutoEncoder(1, network=network, epochs=200, random_state=0).fit(rows)
    assert model.uses_network_
    model.save(place)
    np.savez(place.with_suffix(".npz"), rows=some, codes=model.transform(rows)[::20])


def latent_map(place):
    network = DenseNetwork(hidden=(12,), principal=False)
    model = LatentMap(network=network, epochs=60, random_state=0).fit(rows)
    model.save(place)
    told = {"codes": model.transform(rows)[::20], "confidence": model.confidence(rows)[::20]}
    np.savez(place.with_suffix(".npz"), rows=some, **told)


for name, make in {"": autoencoder, "-map": latent_map}.items():
    if not (place := HERE / f"format-{FORMAT}{name}.safetensors").exists():
        make(place)
