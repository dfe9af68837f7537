"""Fit a new model for `latentmap fit`, save it, and report its quality."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from latentmap.cli.console import format_count, print_message
from latentmap.cli.distributed_options import open_workers
from latentmap.cli.fit_report import print_table_summary, report_fit
from latentmap.cli.held_out import FitRows, split_fit_rows
from latentmap.cli.model_arguments import MODEL_SUFFIX, Estimator, start_engine
from latentmap.cli.overwriting import check_overwrite, identify_fit, remove_pictures
from latentmap.cli.row_selection import open_rows
from latentmap.cli.table_arguments import choose_label, get_options
from latentmap.data import TableOptions
from latentmap.data.file_suffixes import CELLS_SUFFIX
from latentmap.data.memory import check_memory, fit_memory_bytes
from latentmap.data.types import csr_array
from latentmap.errors import SettingError

_OPTION_NAMES = {"n_components": "components", "n_neighbors": "neighbors"}


@dataclass(frozen=True, kw_only=True)
class FitRequest:
    """Options of a fit of a new model.

    Attributes
    ----------
    data : str
    path : Path
        Model file to write.
    recipe : str
    settings, training : dict of str to object
        Parameters of the estimator and of `Training` that the user has set.
    layout : Path or None
        File with the position of each row.
    label : str or None
        Column of labels.
    metadata : str or None
        Table beside rows of numbers.
    obsp : str or None
        Graph of neighbours in a file of single cells.
    seed : int
    workers : tuple of int, str and str, each of them or None
        Number of worker processes, address of the Ray cluster, and storage of checkpoints.
    checkpoint : Path or None
        Folder of the checkpoints of a fit in this process.
    force : bool
        Whether another model may be replaced.
    """

    data: str
    path: Path
    recipe: str
    settings: Mapping[str, Any]
    training: Mapping[str, Any]
    layout: Path | None
    label: str | None
    metadata: str | None
    obsp: str | None
    seed: int
    workers: tuple[int | None, str | None, str | None]
    checkpoint: Path | None
    force: bool


def fit_estimator(request: FitRequest) -> None:
    """Fit an estimator to all rows except the held-out ones, save it, and report its quality."""
    label, options = choose_label(request.label, get_options())
    rows = open_rows(request.data, label, options=options, metadata=request.metadata)
    print_table_summary(rows)
    rows.notes = ()  # Later reports must not repeat the notes that have been printed.
    model = _make_estimator(request)
    if not request.force:
        n_components = int(request.settings["n_components"])
        identity = identify_fit(request.data, rows, request.recipe, n_components)
        check_overwrite(request.path, identity)
    n_bytes = fit_memory_bytes(len(rows), rows.nbytes // max(1, len(rows)))
    check_memory("memory", n_bytes, with_engine=True)
    graph = _read_graph(request)
    start_engine()
    is_cached = request.workers[0] is None
    # With a given graph, no rows are held out, because the fitted rows would lose neighbours.
    fit_rows = split_fit_rows(
        request.data, rows, request.seed, cached=is_cached, hold_out=graph is None
    )
    layout = None if request.layout is None else fit_rows.select_layout(request.layout)
    _print_plan(fit_rows, request.recipe)
    with open_workers(*request.workers), _open_checkpoints(request.checkpoint):
        # Only maps have these arguments.
        model.fit(fit_rows.fitted, **drop_none({"layout": layout, "neighbors": graph}))
        model.set_params(verbose=False)
        remove_pictures(request.path)
        # The model is saved before its quality is measured, because the measurement may fail.
        report = _describe_fit(model, fit_rows, label, options, layout is not None)
        if request.metadata is not None:
            report["metadata"] = Path(request.metadata).name
        model.fit_report_ = report
        model.save(request.path)
    if not getattr(model, "uses_network_", True):
        print_message("The network was not clearly better than PCA, so the model is PCA.")
    report_fit(model, fit_rows, request.path, report)


def _open_checkpoints(folder: Path | None) -> contextlib.AbstractContextManager[object]:
    from latentmap import Checkpoints

    return contextlib.nullcontext() if folder is None else Checkpoints(folder)


def drop_none(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that are not None."""
    return {name: value for name, value in settings.items() if value is not None}


def option_name(setting: str) -> str:
    """Return the option of the command that sets a parameter.

    Examples
    --------
    >>> option_name("n_components"), option_name("batch_size")
    ('--components', '--batch-size')
    """
    return "--" + _OPTION_NAMES.get(setting, setting).replace("_", "-")


def default_output(data: str) -> Path:
    """Return the model file in the current folder that is named after the data."""
    name = data.replace(":", "-") if not Path(data).exists() else Path(data).resolve().stem
    return Path(Path(name).name + MODEL_SUFFIX)


def _make_estimator(request: FitRequest) -> Estimator:
    """Return the unfitted estimator of a recipe, with the settings that the user has chosen."""
    from sklearn.base import clone

    from latentmap import Training
    from latentmap.autoencoders.presets import make_estimator

    model = make_estimator(request.recipe)
    supported = set(model.get_params(deep=False))
    if request.recipe == "map":
        supported.add("layout")
    for name in (*request.settings, *drop_none({"layout": request.layout})):
        if name not in supported:
            raise SettingError(
                f"{option_name(name)}: the recipe {request.recipe!r} does not have this setting"
            )
    if request.training:
        defaults = clone(model.training) if model.training is not None else Training()
        model.set_params(training=defaults.set_params(**request.training))
    return model.set_params(**request.settings, random_state=request.seed, verbose=True)


def _read_graph(request: FitRequest) -> csr_array | None:
    """Return the graph of neighbours that the user gives."""
    if request.obsp is None:
        return None
    if Path(request.data).suffix.lower() != CELLS_SUFFIX or request.recipe != "map":
        raise SettingError(
            f"--obsp {request.obsp}: expected a map of single cells (.h5ad), found the recipe "
            f"{request.recipe!r} and {request.data}"
        )
    from latentmap.data.cell_files import read_neighbors

    return read_neighbors(Path(request.data), request.obsp)


def _print_plan(rows: FitRows, recipe: str) -> None:
    """Print the rows and the recipe of the fit."""
    text = f"Fitting {format_count(len(rows.fitted), 'row')}"
    if rows.fitted.table_schema is None:  # The summary of a table lists the columns it fits.
        shape = rows.fitted.row_shape
        text += f" of {'×'.join(map(str, shape))} {'columns' if len(shape) == 1 else 'pixels'}"
    print_message(f"{text} with the recipe {recipe!r}")


def _describe_fit(
    model: Estimator, rows: FitRows, label: str | None, options: TableOptions, has_layout: bool
) -> dict[str, Any]:
    """Return what a model file tells later commands about its rows, and errors of its layout."""
    from latentmap import LatentMap

    report: dict[str, Any] = {"held_out": rows.held_out.as_dict(), "label": label}
    schema = rows.fitted.table_schema
    if schema is not None and options.day_first is None:
        options = replace(options, day_first=schema.day_first)
    if stored := options.to_json():
        report["table_options"] = stored
    if isinstance(model, LatentMap) and has_layout:
        report |= {f"layout_{name}": value for name, value in model.layout_fit_.items()}
    return report
