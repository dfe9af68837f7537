"""The one place that knows which engine runs Keras.

Everything else speaks `keras.ops` and Keras layers. Here stand the choice of the engine, and what
must be fast on it: many training steps in one call, a network applied to many rows, and rows kept
on an accelerator.
"""

from latentmap.backend.drawing import uniform
from latentmap.backend.engine import accelerator, join, start
from latentmap.backend.holding import free_bytes, hold
from latentmap.backend.outputs import apply, block_rows, stream
from latentmap.backend.rows import Rows, each, narrow
from latentmap.backend.steps import Steps, many_steps, variables_of

__all__ = [
    "Rows",
    "Steps",
    "accelerator",
    "apply",
    "block_rows",
    "each",
    "free_bytes",
    "hold",
    "join",
    "many_steps",
    "narrow",
    "start",
    "stream",
    "uniform",
    "variables_of",
]
