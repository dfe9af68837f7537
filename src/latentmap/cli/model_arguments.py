"""The engine and the model file, with words for the seconds that they take."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentmap.cli.console import working
from latentmap.errors import ModelFileError
from latentmap.files import check_output_path

if TYPE_CHECKING:
    from latentmap.data import Source

__all__ = [
    "SUFFIX",
    "check_columns",
    "check_model_path",
    "columns_of",
    "described",
    "open_model",
    "start_engine",
]

SUFFIX = ".safetensors"
_ENGINES = {"jax": "JAX", "torch": "PyTorch", "tensorflow": "TensorFlow"}


def start_engine() -> None:
    """Import Keras and what runs it, which takes some seconds."""
    chosen = os.environ.get("KERAS_BACKEND", "jax")
    with working(f"Starting {_ENGINES.get(chosen, chosen)}…"):
        import latentmap.autoencoders.loading  # noqa: F401


def open_model(path: Path) -> Any:
    """Read a fitted estimator from a model file."""
    _check_model(path)
    start_engine()
    from latentmap import load_model

    return load_model(path)


def described(path: Path) -> dict[str, Any]:
    """Read what a model file tells of itself."""
    _check_model(path)
    start_engine()
    from latentmap.autoencoders.loading import describe_model

    return describe_model(path)


def _check_model(path: Path) -> None:
    """Refuse what is no file before the engine starts: a typing error shall not cost seconds."""
    if not path.is_file():
        found = "a folder" if path.is_dir() else "none"
        raise ModelFileError(f"{path}: expected a model file, found {found}")


def check_model_path(path: Path) -> Path:
    """Refuse, before any work, a path that no model can be written to."""
    return check_output_path(path, [SUFFIX])


def check_columns(model: Any, source: Source) -> None:
    """Refuse rows of another shape, or with other columns, than the model was fitted to."""
    model.transform(source.subset([0]))


def columns_of(model: Any) -> list[str] | None:
    """Give the names of the columns that a model was fitted to, if they had some."""
    names = getattr(model, "feature_names_in_", None)
    return None if names is None else list(names)
