"""Folder with the checkpoint and the layout of a fit, from which a killed fit resumes."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from latentmap.array_files import fingerprint
from latentmap.backend import copy_value
from latentmap.context import ContextValue
from latentmap.errors import SettingError
from latentmap.files import check_input_file, check_output_path, check_path
from latentmap.model_file import read_model, write_model
from latentmap.model_metadata import report_damage
from latentmap.number_checks import check_number
from latentmap.training.callbacks import Callback
from latentmap.training.run import Arrays, TrainingRun

if TYPE_CHECKING:
    import keras

    from latentmap.training.task import TrainingTask

Settings = Mapping[str, Any]
_NAMES = ("training", "layout")  # Names of the files of a checkpoint.
# Maximum share of the training time that is spent on saving checkpoints, approximately.
MAX_SAVING_SHARE = 0.05


class Checkpoints:
    """Save checkpoints of the fit in the block, and resume a fit that was killed.

    A resumed fit ends with the same weights, bit for bit. The files are removed when the block
    ends without an error.

    Parameters
    ----------
    folder : path-like
        Folder of the checkpoint of one fit. It is created if it does not exist.
    seconds : float
        Minimum time between two checkpoints.

    Raises
    ------
    SettingError
        If a parameter is invalid, or the folder holds a checkpoint of other rows or settings.
    FileError
        If a file cannot be written or is damaged.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from latentmap import AutoEncoder, Checkpoints
    >>> with Checkpoints(tempfile.mkdtemp()):
    ...     ae = AutoEncoder(2, epochs=2, random_state=0).fit(load_iris().data)
    """

    def __init__(self, folder: str | os.PathLike[str], *, seconds: float = 10.0) -> None:
        self.folder, self.seconds = Path(folder), seconds
        self._block: AbstractContextManager[None] = contextlib.nullcontext()
        self._used_paths: set[Path] = set()

    def __enter__(self) -> Self:
        check_number("seconds", self.seconds, Real, 0)
        check_path(self.folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingError(
                f"checkpoint: expected a folder, found {str(self.folder)!r} ({error.strerror})"
            ) from None
        for name in _NAMES:
            if check_output_path(self._path(name)).exists():
                check_input_file(self._path(name), "model")
        self._block = _CURRENT_CHECKPOINTS.set_to(self)
        self._block.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._block.__exit__(*error)
        if error[0] is None:
            with contextlib.suppress(OSError):  # The user may keep other files in the folder.
                for path in self._used_paths:
                    path.unlink()
                self.folder.rmdir()

    def callback(self, objective: keras.Model, task: TrainingTask) -> Callback:
        """Return the callback that restores and saves the state of a training run."""
        return _SaveTraining(self, _training_settings(objective, task))

    def load_or_compute(self, settings: Settings, compute: Callable[[], np.ndarray]) -> np.ndarray:
        """Return the layout that the folder holds; otherwise compute and save it."""
        arrays = self.load("layout", settings)
        if arrays is not None and "layout" in arrays:
            return arrays["layout"]
        layout = compute()
        self.save("layout", settings, {"layout": layout})
        return layout

    def load(self, name: str, settings: Settings) -> Arrays | None:
        """Return the stored arrays or None; raise SettingError if they belong to other settings."""
        path = self._path(name)
        if not path.exists():
            return None
        description, arrays = read_model(path)
        stored_settings = description.get("fit")
        if stored_settings != settings:
            stored_settings = stored_settings if isinstance(stored_settings, dict) else {}
            names = [key for key in settings if stored_settings.get(key) != settings[key]]
            raise SettingError(
                f"checkpoint: expected a checkpoint of this fit in {self.folder}, found one with "
                f"other {' and '.join(names) or 'settings'}: repeat the first command or choose "
                "another folder"
            )
        self._used_paths.add(path)
        return arrays

    def save(self, name: str, settings: Settings, arrays: Arrays) -> None:
        """Save arrays and the settings of their fit in place of the stored ones."""
        write_model(self._path(name), {"fit": dict(settings)}, arrays)
        self._used_paths.add(self._path(name))

    def restore(self, settings: Settings, run: TrainingRun) -> None:
        """Restore the state of a training run if the folder holds one."""
        arrays = self.load("training", settings)
        if arrays is not None:
            with report_damage(self._path("training")):
                run.restore(arrays)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.safetensors"


_CURRENT_CHECKPOINTS: ContextValue[Checkpoints | None] = ContextValue("checkpoints", None)


def current_checkpoints() -> Checkpoints | None:
    """Return the innermost `Checkpoints` whose block is running, or None."""
    return _CURRENT_CHECKPOINTS.get()


class _SaveTraining(Callback):
    """Callback that resumes the training from a checkpoint, and saves checkpoints."""

    def __init__(self, checkpoints: Checkpoints, settings: Settings) -> None:
        self._checkpoints, self._settings = checkpoints, settings
        self._next_save = 0.0

    def on_train_begin(self, run: TrainingRun) -> None:
        """Restore the run if there is a checkpoint."""
        self._checkpoints.restore(self._settings, run)
        self._next_save = time.monotonic() + self._checkpoints.seconds

    def on_chunk_end(self, run: TrainingRun, n_steps: int) -> None:
        """Save a checkpoint if the time of the next one has come."""
        if time.monotonic() >= self._next_save:
            self._save(run)

    def on_train_end(self, run: TrainingRun) -> None:
        """Save the final state, unless the training failed."""
        if run.stop_training or run.epoch > run.n_epochs:
            run.epoch = run.n_epochs + 1  # A run that stopped early must not be resumed.
            self._save(run)

    def _save(self, run: TrainingRun) -> None:
        start = time.monotonic()
        self._checkpoints.save("training", self._settings, run.to_arrays())
        end = time.monotonic()
        self._next_save = end + max(self._checkpoints.seconds, (end - start) / MAX_SAVING_SHARE)


def _training_settings(objective: keras.Model, task: TrainingTask) -> dict[str, Any]:
    """Return the settings of a training, and hashes of its rows and of its initial weights.

    Trainings with equal settings and hashes have the same result. The hash of the rows is that of
    at most 1,000 rows, because all rows can be larger than memory. Other rows usually change the
    initial weights, which depend on the scale of all rows.
    """
    spec = objective.builder.spec
    sample = task.rows.take(np.unique(np.linspace(0, len(task.rows) - 1, 1000).astype(int)))
    rows = sample if isinstance(sample, tuple) else (sample,)
    return {
        "rows": _hash_arrays([np.array(len(task.rows)), *rows]),
        "number of epochs": task.epochs,
        "seed": task.seed,
        "training settings": {
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in task.config.get_params().items()
        },
        "loss": getattr(spec.loss.distance, "__qualname__", "own"),
        "noise or beta": [float(spec.noise), float(spec.beta)],
        "initial weights": _hash_arrays(map(copy_value, objective.weights)),
    }


def _hash_arrays(arrays: Iterable[np.ndarray]) -> str:
    return fingerprint({}, {f"{i:04d}": array for i, array in enumerate(arrays)})
