"""``latentmap fit``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from latentmap.cli.distributed_options import check_worker_options
from latentmap.cli.fit_continue import continue_fit
from latentmap.cli.fit_estimator import (
    FitRequest,
    default_output,
    drop_none,
    fit_estimator,
    option_name,
)
from latentmap.cli.memory_option import apply_memory_limit, reject_memory_limit
from latentmap.cli.model_arguments import MODEL_SUFFIX
from latentmap.cli.options import DATA, LABEL, METADATA, RAY, SEED, WORKERS, option, output_path
from latentmap.cli.table_arguments import with_fit_options
from latentmap.errors import SettingError, UnknownNameError
from latentmap.files import PICTURE_SUFFIXES, check_output_path

EXAMPLES = (
    "latentmap fit mnist",
    "latentmap fit rows.csv --label species -n 8 -o flowers.safetensors",
    "latentmap fit rows.csv --layout umap.npy -o map.safetensors",
    "latentmap fit vectors.npy --metadata articles.csv --label topic",
    "latentmap fit articles.csv --text body",
    "latentmap fit rows/ --memory 4GB",
    "latentmap fit faces/ --recipe conv -n 32 --epochs 50",
    "latentmap fit rows/ --workers 16 --ray auto --storage /shared/checkpoints",
    "latentmap fit more.csv --continue map.safetensors",
)

_METRICS = ("euclidean", "cosine")
_HINTS = dict.fromkeys(PICTURE_SUFFIXES, "the pictures are written beside the model")
_RECIPE_DEFAULT = "set by the recipe"


def _setting(help_text: str, minimum: int | None = None) -> Any:
    return typer.Option(None, min=minimum, help=help_text, show_default=_RECIPE_DEFAULT)


@with_fit_options
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
    force: bool = typer.Option(
        False, "--force", help="Replace the file even if it contains another model."
    ),
    label: str | None = LABEL,
    metadata: str | None = METADATA,
    fitted_map: Path | None = option(
        "MODEL",
        "Add the rows to this fitted map without forgetting its earlier rows. The file is "
        "replaced unless -o names another.",
        "--continue",
    ),
    layout: Path | None = option(
        "FILE",
        "File with the position of each row in two or three columns, for example from UMAP. The "
        "map learns these positions instead of computing a layout. Rows of NaN are placed near "
        "similar rows.",
    ),
    obsp: str | None = option(
        "NAME",
        "Entry of obsp of an .h5ad file, such as distances, with the distances of neighbours. It "
        "replaces the search for neighbours, and all rows are fitted.",
    ),
    neighbors: int | None = _setting("Number of nearest neighbours of each row in the layout.", 1),
    metric: str | None = _setting(
        "Distance that determines the neighbours of a row: euclidean or cosine."
    ),
    placement: str | None = _setting(
        "How a map places rows: auto stores fitted rows, network stores none."
    ),
    epochs: int | None = _setting("Number of passes over the rows.", 1),
    batch_size: int | None = _setting("Number of rows per training step.", 1),
    learning_rate: float | None = _setting("Maximum learning rate of the Adam optimiser."),
    network: str | None = _setting("Network: dense, linear or conv."),
    loss: str | None = _setting(
        "Loss of an autoencoder: bernoulli, gaussian, or the name of a Keras loss."
    ),
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
    checkpoint: Path | None = option(
        "FOLDER",
        "Folder for checkpoints. If the fit is killed, the same command resumes it and ends with "
        "the same model. The checkpoints are removed when the model is saved.",
        "--checkpoint",
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
        "n_neighbors": neighbors,
        "metric": metric,
        "placement": placement,
        "epochs": epochs,
        "network": network,
        "loss": loss,
        "scaling": scaling,
        "beta": beta,
    }
    training = {"batch_size": batch_size, "learning_rate": learning_rate, "noise": noise}
    distributed = {"workers": workers, "ray": ray, "storage": storage}
    if fitted_map is not None:
        reject_memory_limit(memory, "--continue reads all rows into memory")
        model_options = {"recipe": recipe, "layout": layout, "obsp": obsp, **settings, **training}
        _reject_with_continue(model_options, "the settings of the model are kept")
        _reject_with_continue(distributed, "it runs in one process")
        _reject_with_continue({"checkpoint": checkpoint}, "replayed rows are drawn at random")
        continue_fit(data, fitted_map, output, label, metadata, seed, force)
        return
    if metric is not None and metric not in _METRICS:
        raise UnknownNameError("metric", metric, _METRICS)
    check_worker_options(workers, ray, storage)
    if workers is not None:
        reject_memory_limit(memory, "it does not apply to the processes of --workers")
        if checkpoint is not None:
            raise SettingError(
                "--checkpoint: not possible with --workers, which save checkpoints by themselves; "
                "use --storage to choose their folder"
            )
    settings["n_components"] = components = components or 2
    request = FitRequest(
        data=data,
        path=check_output_path(output or default_output(data), [MODEL_SUFFIX], hints=_HINTS),
        recipe=recipe or ("map" if components in (2, 3) else "dense"),
        settings=drop_none(settings),
        training=drop_none(training),
        layout=layout,
        label=label,
        metadata=metadata,
        obsp=obsp,
        seed=seed,
        workers=(workers, ray, storage),
        checkpoint=checkpoint,
        force=force,
    )
    with apply_memory_limit(memory):
        fit_estimator(request)


def _reject_with_continue(options: Mapping[str, Any], reason: str) -> None:
    for name in drop_none(options):
        raise SettingError(f"{option_name(name)}: not possible with --continue, because {reason}")
