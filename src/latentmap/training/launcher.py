"""Launchers run training tasks in this process or on distributed workers.

Estimators call ``current_launcher().run(objective, task)`` and do not depend on other processes.
`latentmap.distributed` installs its own launcher with `use_launcher`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from latentmap.context import ContextValue
from latentmap.training.checkpoint_folder import current_checkpoints
from latentmap.training.task import TrainingTask

if TYPE_CHECKING:
    import keras

    from latentmap.training.callbacks import Callback
    from latentmap.training.run import History


class Launcher(Protocol):
    """Runs training tasks.

    Attributes
    ----------
    in_this_process : bool
        Whether tasks run in this process and can read its temporary files.
    """

    in_this_process: bool

    def run(self, objective: keras.Model, task: TrainingTask, verbose: bool = False) -> History:
        """Train the objective in place and return the history."""


class LocalLauncher:
    """Runs training tasks in this process.

    Parameters
    ----------
    saves_checkpoints : bool
        Whether a `Checkpoints` block applies to the tasks.
    """

    in_this_process = True

    def __init__(self, saves_checkpoints: bool = True) -> None:
        self.saves_checkpoints = saves_checkpoints

    def run(self, objective: keras.Model, task: TrainingTask, verbose: bool = False) -> History:
        """Train with early stopping and a progress bar."""
        from latentmap.training.callbacks import ProgressBar
        from latentmap.training.loop import SingleProcess, train

        callbacks = standard_callbacks(task)
        checkpoints = current_checkpoints() if self.saves_checkpoints else None
        if checkpoints is not None:
            callbacks.append(checkpoints.callback(objective, task))
        callbacks.append(ProgressBar(verbose))
        return train(objective, task, callbacks, SingleProcess())


def standard_callbacks(task: TrainingTask) -> list[Callback]:
    """Return the callbacks of all launchers: early stopping if there are validation rows."""
    from latentmap.training.callbacks import EarlyStopping

    return [] if task.validation_rows is None else [EarlyStopping(task.config.patience)]


_LAUNCHER: ContextValue[Launcher] = ContextValue("launcher", LocalLauncher())


def current_launcher() -> Launcher:
    """Return the launcher of the innermost `use_launcher` block, or a `LocalLauncher`."""
    return _LAUNCHER.get()


def use_launcher(launcher: Launcher) -> AbstractContextManager[None]:
    """Use a launcher for all training tasks in the block."""
    return _LAUNCHER.set_to(launcher)
