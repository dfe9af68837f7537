"""The one place that knows which engine runs Keras.

Everything else speaks `keras.ops` and Keras layers. Here stand the choice of the engine, and what
must be fast on it: many training steps in one call, a network applied to many rows, and rows kept
on an accelerator.
"""

from latentmap.backend.batch_arrays import BatchArrays, map_arrays, to_32_bit
from latentmap.backend.device_cache import cache_on_device, free_bytes
from latentmap.backend.engine import has_accelerator, join_processes, start_engine
from latentmap.backend.inference import block_rows, predict, predict_batches
from latentmap.backend.random import uniform
from latentmap.backend.train_steps import Stepper, make_stepper, training_variables

__all__ = [
    "BatchArrays",
    "Stepper",
    "block_rows",
    "cache_on_device",
    "free_bytes",
    "has_accelerator",
    "join_processes",
    "make_stepper",
    "map_arrays",
    "predict",
    "predict_batches",
    "start_engine",
    "to_32_bit",
    "training_variables",
    "uniform",
]
