"""Check and read the model file that a verb receives."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentmap.cli.console import show_status
from latentmap.data import Source
from latentmap.errors import ModelFileError
from latentmap.files import check_input_file

if TYPE_CHECKING:
    from latentmap.autoencoders.base import BaseAutoEncoder as Estimator
else:
    Estimator = object  # scikit-learn is imported only when a model is opened.

MODEL_SUFFIX = ".safetensors"
_ENGINES = {"jax": "JAX", "torch": "PyTorch", "tensorflow": "TensorFlow"}


def start_engine() -> None:
    """Import Keras and its backend, which takes some seconds."""
    backend = os.environ.get("KERAS_BACKEND", "jax")
    with show_status(f"Starting {_ENGINES.get(backend, backend)}…"):
        from latentmap.backend import start_engine as import_keras

        import_keras()


def open_model(path: Path) -> Estimator:
    """Load a fitted estimator from a model file."""
    check_input_file(path, "model", ModelFileError)
    from latentmap import load_model

    return load_model(path)


def read_model_summary(path: Path) -> dict[str, Any]:
    """Read the description of a model from its file, without building its network."""
    check_input_file(path, "model", ModelFileError)
    from latentmap.analysis.model_description import describe_model

    return describe_model(path)


def check_columns(model: Estimator, rows: Source) -> None:
    """Raise DataError if rows do not have the shape and columns that the model expects."""
    model.transform(rows.subset([0]))
