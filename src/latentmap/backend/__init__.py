"""Code that depends on the engine of Keras (JAX, PyTorch or TensorFlow).

It chooses the engine, takes many training steps in one call, applies networks to many rows, and
stores rows on an accelerator. All other packages use `keras.ops` and Keras layers only.
"""

from latentmap.backend.batch_arrays import (
    BatchArrays,
    cache_on_device,
    free_bytes,
    map_arrays,
    to_32_bit,
)
from latentmap.backend.engine import (
    check_process,
    choose_engine,
    count_fit,
    engine_name,
    has_accelerator,
    is_engine_lost,
    join_processes,
    start_engine,
)
from latentmap.backend.inference import block_rows, evaluate, output_shape, predict, predict_batches
from latentmap.backend.postponed_imports import postpone_imports
from latentmap.backend.random import uniform
from latentmap.backend.train_steps import Stepper, make_stepper, training_variables
from latentmap.backend.variables import (
    VariableVersions,
    copy_value,
    have_equal_versions,
    to_numpy,
    variable_versions,
)

__all__ = [
    "BatchArrays",
    "Stepper",
    "VariableVersions",
    "block_rows",
    "cache_on_device",
    "check_process",
    "choose_engine",
    "copy_value",
    "count_fit",
    "engine_name",
    "evaluate",
    "free_bytes",
    "has_accelerator",
    "have_equal_versions",
    "is_engine_lost",
    "join_processes",
    "make_stepper",
    "map_arrays",
    "output_shape",
    "postpone_imports",
    "predict",
    "predict_batches",
    "start_engine",
    "to_32_bit",
    "to_numpy",
    "training_variables",
    "uniform",
    "variable_versions",
]
