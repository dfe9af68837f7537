"""``latentmap fit``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from latentmap.cli.console import format_count, print_message
from latentmap.cli.distributed_options import check_worker_options, open_workers
from latentmap.cli.fit_continue import continue_fit
from latentmap.cli.fit_report import print_table_summary, report_fit
from latentmap.cli.held_out import FitRows, split_fit_rows
from latentmap.cli.memory_option import apply_memory_limit, reject_memory_limit
from latentmap.cli.model_arguments import MODEL_SUFFIX, Estimator, start_engine
from latentmap.cli.options import DATA, LABEL, RAY, SEED, WORKERS, option, output_path
from latentmap.cli.row_selection import open_rows
from latentmap.cli.table_arguments import (
    choose_label,
    get_options,
    options_as_json,
    with_table_options,
)
from latentmap.data import TableOptions
from latentmap.data.memory import check_memory, fit_memory_bytes
from latentmap.errors import SettingError
from latentmap.files import check_output_path

EXAMPLES = (
    "latentmap fit mnist",
    "latentmap fit rows.csv --label species -n 8 -o flowers.safetensors",
    "latentmap fit rows.csv --layout umap.npy -o map.safetensors",
    "latentmap fit rows/ --memory 4GB",
    "latentmap fit faces/ --recipe conv -n 32 --epochs 50",
    "latentmap fit rows/ --workers 16 --ray auto --storage /shared/checkpoints",
    "latentmap fit more.csv --continue map.safetensors",
)

_OPTION_NAMES = {"n_components": "components", "n_neighbors": "neighbors"}
_RECIPE_DEFAULT = "set by the recipe"


def _setting(help_text: str, minimum: int | None = None) -> Any:
    return typer.Option(None, min=minimum, help=help_text, show_default=_RECIPE_DEFAULT)


@with_table_options
def fit(
    data: str = DATA,
    recipe: str | None = typer.Option(
        None,
        help="Preset of settings: map, dense, conv, variational or article.",
        show_default="map for 2 or 3 components, otherwise dense",
    ),
    components: int | None = typer.Option(
        None, "-n", "--components", min=1, help="Number of components of a code.", show_default="2"
    ),
    output: Path | None = output_path(
        "MODEL",
        "Model file to write, ending in .safetensors. Plots are written next to it. By "
        "default it is named after DATA, in the current folder.",
    ),
    label: str | None = LABEL,
    fitted_map: Path | None = option(
        "MODEL",
        "Add the rows to this fitted map without forgetting its earlier rows. The file is "
        "replaced unless -o names another.",
        "--continue",
    ),
    layout: Path | None = option(
        "FILE",
        "File with the position of each row in two or three columns, for example from UMAP. The "
        "map learns these positions instead of computing a layout.",
    ),
    neighbors: int | None = _setting("Number of nearest neighbours of each row in the layout.", 1),
    epochs: int | None = _setting("Number of passes over the rows.", 1),
    batch_size: int | None = _setting("Number of rows per training step.", 1),
    learning_rate: float | None = _setting("Maximum learning rate of the Adam optimiser."),
    network: str | None = _setting("Network: dense, linear or conv."),
    loss: str | None = _setting("Loss: bernoulli, gaussian, or the name of a Keras loss."),
    scaling: str | None = _setting("Scaling of rows: auto, unit, standard, columns or none."),
    noise: float | None = _setting(
        "Standard deviation of the noise added to scaled rows by a denoising model."
    ),
    beta: float | None = _setting("Weight of the Kullback-Leibler term of a variational model."),
    seed: int = SEED,
    workers: int | None = WORKERS,
    ray: str | None = RAY,
    storage: str | None = option(
        "PATH",
        "Folder or URL for the checkpoints that training resumes from when a worker fails. All "
        "machines must be able to reach it.",
        default_text="a temporary folder on this machine",
    ),
    memory: str | None = option(
        "SIZE",
        "Memory limit, such as 4GB or 1500MB. Large data is then streamed, and samples are "
        "smaller.",
        default_text="the available memory",
    ),
) -> None:
    """Fit a model to rows.

    Writes the model file and plots of the codes, the reconstructions, the training loss and, for
    images, the decoded code plane. Reports the quality on rows that were held out.
    """
    settings = {
        "n_components": components,
        "layout": layout,
        "n_neighbors": neighbors,
        "epochs": epochs,
        "network": network,
        "loss": loss,
        "scaling": scaling,
        "beta": beta,
    }
    training = {"batch_size": batch_size, "learning_rate": learning_rate, "noise": noise}
    if fitted_map is not None:
        reject_memory_limit(memory, "--continue reads all rows into memory")
        _reject_with_continue(
            {"recipe": recipe, **settings, **training}, "the settings of the model are kept"
        )
        _reject_with_continue(
            {"workers": workers, "ray": ray, "storage": storage}, "it runs in one process"
        )
        continue_fit(data, fitted_map, output, label, seed)
        return
    check_worker_options(workers, ray, storage)
    if workers is not None:
        reject_memory_limit(memory, "it does not apply to the processes of --workers")
    settings["n_components"] = components = components or 2
    recipe = recipe or ("map" if components in (2, 3) else "dense")
    path = check_output_path(output or _default_output(data), [MODEL_SUFFIX])
    with apply_memory_limit(memory):
        label, options = choose_label(label, get_options())
        rows = open_rows(data, label, options=options)
        print_table_summary(rows)
        n_bytes = fit_memory_bytes(len(rows), rows.nbytes // max(1, len(rows)))
        check_memory("memory", n_bytes, engine=True)
        start_engine()
        model = _make_estimator(recipe, _drop_none(settings), _drop_none(training))
        model.set_params(random_state=seed, verbose=True)
        fit_rows = split_fit_rows(data, rows, seed, cached=workers is None)
        if layout is not None:
            model.set_params(layout=fit_rows.select_layout(layout))
        _print_plan(fit_rows, recipe)
        with open_workers(workers, ray, storage):
            model.fit(fit_rows.fitted).set_params(verbose=False)
        if not getattr(model, "uses_network_", True):
            print_message("The network was not clearly better than PCA, so the model is PCA.")
        model.save(path)  # The model is saved first, because the report may fail.
        _report(model, fit_rows, path, label, options)


def _drop_none(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def _option_name(setting: str) -> str:
    return "--" + _OPTION_NAMES.get(setting, setting).replace("_", "-")


def _reject_with_continue(options: Mapping[str, Any], reason: str) -> None:
    for name in _drop_none(options):
        raise SettingError(f"{_option_name(name)}: not possible with --continue, because {reason}")


def _default_output(data: str) -> Path:
    name = data.replace(":", "-") if not Path(data).exists() else Path(data).resolve().stem
    return Path(Path(name).name + MODEL_SUFFIX)


def _make_estimator(
    recipe: str, settings: Mapping[str, Any], training: Mapping[str, Any]
) -> Estimator:
    """Return the unfitted estimator of a recipe, with the settings that the user has chosen."""
    from sklearn.base import clone

    from latentmap import Training
    from latentmap.autoencoders.presets import make_estimator

    model = make_estimator(recipe)
    for name in settings:
        if name not in model.get_params(deep=False):
            raise SettingError(
                f"{_option_name(name)}: the recipe {recipe!r} does not have this setting"
            )
    if training:
        defaults = clone(model.training) if model.training is not None else Training()
        model.set_params(training=defaults.set_params(**training))
    return model.set_params(**settings)


def _print_plan(rows: FitRows, recipe: str) -> None:
    """Print the rows and the recipe of the fit."""
    shape = rows.fitted.row_shape
    size = "×".join(map(str, shape)) + (" columns" if len(shape) == 1 else " pixels")
    n_rows = format_count(len(rows.fitted), "row")
    print_message(f"Fitting {n_rows} of {size} with the recipe {recipe!r}")


def _report(
    model: Estimator, rows: FitRows, path: Path, label: str | None, options: TableOptions
) -> None:
    from latentmap import LatentMap

    report: dict[str, Any] = {"held_out": rows.held_out.as_dict(), "label": label}
    if stored := options_as_json(options):
        report["table_options"] = stored
    if isinstance(model, LatentMap) and model.layout is not None:
        report |= {f"layout_{name}": value for name, value in model.layout_fit_.items()}
    report_fit(model, rows, path, report)
