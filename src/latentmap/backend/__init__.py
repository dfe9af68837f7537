"""The one place that knows which engine runs Keras.

Everything else speaks `keras.ops` and Keras layers. Here stand the choice of the engine, and what
must be fast on it: many training steps in one call, a network applied to many rows, and rows kept
on an accelerator.
"""

from latentmap.backend.batch_arrays import Rows, map_arrays, narrow
from latentmap.backend.device_cache import free_bytes, hold
from latentmap.backend.engine import accelerator, join, start
from latentmap.backend.inference import apply, block_rows, stream
from latentmap.backend.random import uniform
from latentmap.backend.train_steps import Steps, many_steps, variables_of

__all__ = [
    "Rows",
    "Steps",
    "accelerator",
    "apply",
    "block_rows",
    "free_bytes",
    "hold",
    "join",
    "many_steps",
    "map_arrays",
    "narrow",
    "start",
    "stream",
    "uniform",
    "variables_of",
]
