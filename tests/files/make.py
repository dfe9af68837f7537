"""Write a model file of the format that stands, and beside it rows and the codes that it gives.

Run ``python tests/files/make.py`` once for each new format, and never again: later versions must
read the file as it was written then.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from latentmap import AutoEncoder
from latentmap.networks.dense import DenseNetwork
from latentmap.persistence import FORMAT

t = np.linspace(-1, 1, 400)
rows = pd.DataFrame({"t": t, "square": t**2, "cube": t**3, "wave": np.sin(4 * t)})
model = AutoEncoder(1, network=DenseNetwork(hidden=(12,)), epochs=200, random_state=0).fit(rows)
assert model.network_kept_
place = Path(__file__).with_name(f"format-{FORMAT}.safetensors")
model.save(place)
some = rows.to_numpy()[::20]
np.savez(place.with_suffix(".npz"), rows=some, codes=model.transform(rows)[::20])
