"""``latentmap fit``: rows in; a model file, pictures and a report out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latentmap.cli.console import say
from latentmap.cli.distributed_options import check_hiring, hired
from latentmap.cli.memory_option import limited, refuse_limit, telling_report
from latentmap.cli.model_arguments import SUFFIX, check_model_path
from latentmap.cli.options import Data, Label, RayAddress, WorkerCount
from latentmap.errors import SettingError

if TYPE_CHECKING:
    from latentmap.cli.row_selection import Parts
    from latentmap.data import Source

__all__ = ["EXAMPLES", "fit"]

EXAMPLES = {
    "fit": (
        "latentmap fit mnist",
        "latentmap fit rows.csv --label species -n 8 -o flowers.safetensors",
        "latentmap fit rows.csv --layout umap.npy -o map.safetensors",
        "latentmap fit rows/ --memory 4GB",
        "latentmap fit faces/ --recipe conv -n 32 --epochs 50",
        "latentmap fit rows/ --workers 16 --ray auto --storage /shared/checkpoints",
        "latentmap fit more.csv --continue map.safetensors",
    ),
}

_DOMINANT = 0.95
_PROBED_ROWS, _PROBED_NUMBERS = 10_000, 1 << 24


def fit(
    data: Data,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="A named set of settings: map, dense, conv, variational or article.",
            show_default="map for 2 or 3 components, else dense",
        ),
    ] = None,
    components: Annotated[
        int | None,
        typer.Option("-n", "--components", min=1, help="Numbers in a code.", show_default="2"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="MODEL",
            help="The model file, ending in .safetensors; by default DATA's name, here. The "
            "pictures are written beside it.",
            show_default=False,
        ),
    ] = None,
    label: Label = None,
    grows: Annotated[
        Path | None,
        typer.Option(
            "--continue",
            metavar="MODEL",
            help="Take the rows into this fitted map, which keeps what it knows: the file is "
            "replaced, unless -o names another.",
            show_default=False,
        ),
    ] = None,
    layout: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Your own position of every row, two or three columns, for the map to learn in "
            "place of the one that it finds.",
            show_default=False,
        ),
    ] = None,
    neighbors: Annotated[
        int | None,
        typer.Option(
            min=1, help="Neighbours that pull each row of the map.", show_default="recipe's"
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Runs through the rows.", show_default="recipe's")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Rows a step.", show_default="recipe's")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Adam's, at its highest.", show_default="recipe's")
    ] = None,
    network: Annotated[
        str | None, typer.Option(help="dense, linear or conv.", show_default="recipe's")
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option(
            help="bernoulli, gaussian, or the name of a Keras loss.", show_default="recipe's"
        ),
    ] = None,
    scaling: Annotated[
        str | None,
        typer.Option(help="auto, unit, standard, columns or none.", show_default="recipe's"),
    ] = None,
    noise: Annotated[
        float | None,
        typer.Option(
            help="Deviation of the noise on scaled rows, for a denoising model.",
            show_default="recipe's",
        ),
    ] = None,
    beta: Annotated[
        float | None,
        typer.Option(help="Weight of a variational model's divergence.", show_default="recipe's"),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Makes fitting and the held-out rows repeatable.")
    ] = 0,
    workers: WorkerCount = None,
    ray: RayAddress = None,
    storage: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE",
            help="Where workers keep checkpoints, to go on from when one dies: a folder or URL "
            "that all machines see.",
            show_default="a temporary folder here",
        ),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="The most that may be taken, such as 4GB or 1500MB: samples get smaller, and rows "
            "are streamed.",
            show_default="what is free",
        ),
    ] = None,
) -> None:
    """Fit a model to rows.

    Writes the model file and, beside it, pictures of the codes, of the plane decoded where rows are
    images, of reconstructions and of the loss; reports quality on rows that were held out.
    """
    settings: dict[str, Any] = {
        "n_components": components,
        "layout": layout,
        "n_neighbors": neighbors,
        "epochs": epochs,
        "network": network,
        "loss": loss,
        "scaling": scaling,
        "noise": noise,
        "beta": beta,
    }
    training = {"batch_size": batch_size, "learning_rate": learning_rate}
    if grows is not None:
        from latentmap.cli.fit_continue import grow, refuse_settings

        refuse_settings(_given({"recipe": recipe, **settings, **training}))
        refuse_limit(memory, "--continue: it takes rows in whole")
        for option, value in {"workers": workers, "ray": ray, "storage": storage}.items():
            if value is not None:
                raise SettingError(f"--{option}: expected none with --continue: a map grows alone")
        grow(data, grows, output, label, seed)
        return
    check_hiring(workers, ray, storage)
    if workers is not None:
        refuse_limit(memory, "--workers, which are other processes")
    with limited(memory):
        path = check_model_path(output if output is not None else _default_path(data))
        from latentmap.cli.row_selection import layout_of, split_rows

        settings["n_components"] = components = components or 2
        recipe = recipe or ("map" if components in (2, 3) else "dense")
        model = _unfitted(recipe, _given(settings), _given(training))
        model.set_params(random_state=seed, verbose=True)
        parts = split_rows(data, label, seed, near=workers is None)
        if layout is not None:
            model.set_params(layout=layout_of(layout, parts))
        _hint_scaling(
            model, parts.fitted if parts.fitted.is_decoded else parts.unseen or parts.fitted
        )
        say(f"Fitting {len(parts.fitted):,} rows of {_text(parts.fitted.row_shape)} ({recipe})")
        with hired(workers, ray, storage), telling_report(parts):
            model.fit(parts.fitted).set_params(verbose=False)
        if not getattr(model, "network_kept_", True):
            say("No network was clearly better than PCA on rows held out: the model is PCA.")
        model.save(path)  # already: what was learned shall survive whatever happens to the report
        _report(model, parts, path, label)


def _report(model: Any, parts: Parts, path: Path, label: str | None) -> None:
    """Judge the model, keep the figures in its file, and draw."""
    from latentmap.cli.evaluation import judge, known_codes
    from latentmap.cli.pictures import draw_all
    from latentmap.cli.report import show_report

    known = known_codes(model, parts.fitted)
    figures: dict[str, Any] = {"held_out": parts.held_out, "label": label}
    if parts.unseen is not None:
        figures |= judge(model, parts.unseen, known)
    if getattr(model, "layout", None) is not None:
        figures |= {f"following_{name}": value for name, value in model.following_.items()}
    model.figures_ = figures
    model.save(path)
    written = [path, *draw_all(model, parts, path, *known)]
    if parts.unseen is None:
        say(f"No quality report: {len(parts.fitted)} rows are too few to hold some out.")
    else:
        show_report(f"Quality on {parts.words}", figures)
    say("Wrote " + ", ".join(str(place) for place in written))


def _default_path(data: str) -> Path:
    name = data.replace(":", "-") if not Path(data).exists() else Path(data).resolve().stem
    return Path(Path(name).name + SUFFIX)


def _given(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def _unfitted(recipe: str, settings: dict[str, Any], training: dict[str, Any]) -> Any:
    """Make the recipe's estimator, with the settings that the user gave in place of its own."""
    from sklearn.base import clone

    from latentmap import Training
    from latentmap.autoencoders.presets import make

    model = make(recipe)
    for name in settings:
        if name not in model.get_params(deep=False):
            option = name.removeprefix("n_")
            raise SettingError(f"--{option}: the recipe {recipe!r} has no such setting")
    if training:
        plan = clone(model.training) if model.training is not None else Training()
        model.set_params(training=plan.set_params(**training))
    return model.set_params(**settings)


def _hint_scaling(model: Any, rows: Source) -> None:
    """Tell of a column whose units drown the others."""
    if model.scaling != "auto" or len(rows.row_shape) != 1 or rows.row_shape[0] < 2:
        return
    variances = _variances(rows)
    share, column = variances.max() / max(variances.sum(), 1e-300), int(variances.argmax())
    if share > _DOMINANT:
        name = rows.feature_names[column] if rows.feature_names else f"number {column}"
        say(
            f"Hint: the column {name} holds {share:.1%} of the variance, and so of the model's "
            "attention; --scaling columns gives each column the same."
        )


def _variances(rows: Source) -> Any:
    import numpy as np

    with np.errstate(all="ignore"):  # NaN and infinity are told, with their place, when fitting
        most = max(100, min(_PROBED_ROWS, _PROBED_NUMBERS // rows.row_shape[0]))
        values = rows.sample(most)[:].astype(np.float64)
        return np.nan_to_num(values.var(axis=0), posinf=0.0)


def _text(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) + (" numbers" if len(shape) == 1 else " pixels")
