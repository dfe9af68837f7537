"""``latentmap generate``."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import typer

from latentmap import plots
from latentmap.analysis import evaluate_generated
from latentmap.analysis.model_info import ModelInfo
from latentmap.analysis.table_rows import TableRows
from latentmap.cli.console import format_count, print_message, show_status
from latentmap.cli.exit_codes import TWO_ROWS_MESSAGE
from latentmap.cli.model_arguments import Estimator, open_model
from latentmap.cli.options import LABEL, MODEL, SEED, option, output_path
from latentmap.cli.pictures import open_plot
from latentmap.cli.row_generation import GeneratedRows, GenerationRequest, generate_rows
from latentmap.cli.row_selection import check_output, open_model_rows
from latentmap.cli.table_arguments import with_table_options
from latentmap.cli.table_output import ROW_SUFFIXES, ROWS_HELP
from latentmap.data import Source, write_rows
from latentmap.data.data_frames import as_arrow, is_frame
from latentmap.data.memory import check_memory
from latentmap.errors import SettingError
from latentmap.files import PICTURE_SUFFIXES
from latentmap.number_checks import MAX_FLOAT, check_number

EXAMPLES = (
    "latentmap generate mnist.safetensors -n 100 -o digits.png",
    "latentmap generate mnist.safetensors --reference mnist --compare-with mnist:unseen -o new.png",
    "latentmap generate mnist.safetensors --between mnist:unseen#0 mnist:unseen#1 -o steps/",
    "latentmap generate flowers.safetensors --vary rows.csv#3 --spread 0.5 -o variations.csv",
)

_MAX_DRAWN, _MAX_COMPARED = 400, 10_000


def _check_between(rows: tuple[str, str] | None) -> tuple[str, str] | None:
    """Raise SettingError if an option stands in the place of the second row of ``--between``."""
    if rows and rows[1].startswith("-"):
        raise SettingError(TWO_ROWS_MESSAGE.format(option="--between"))
    return rows


@with_table_options
def generate(
    model: Path = MODEL,
    output: Path = output_path(
        "ROWS",
        f"{ROWS_HELP} Images are also drawn in a .png next to it. With .png, .pdf or .svg, only "
        "the plot is written.",
        required=True,
    ),
    rows: int = typer.Option(16, "-n", "--rows", min=1, help="Number of rows to generate."),
    reference: str | None = option(
        "DATA",
        "Rows whose codes determine which codes are likely.",
        "--reference",
        default_text="the model's own distribution, otherwise the data of the given row",
    ),
    between: tuple[str, str] | None = typer.Option(
        None,
        callback=_check_between,
        metavar="ROW ROW",
        help="Interpolate in equal steps between two rows, such as mnist:unseen#17. The first and "
        "last generated rows are their reconstructions.",
    ),
    vary: str | None = option(
        "ROW", "Generate variations of one row, with increasing differences."
    ),
    spread: float = typer.Option(
        1.0,
        help="Size of the largest variation of --vary, relative to the differences between "
        "neighbouring rows.",
    ),
    compare_with: str | None = option(
        "DATA",
        "Real rows, ideally unseen, to measure the density (how realistic the generated rows "
        "are) and the coverage (how much of the variety of the real rows they have).",
    ),
    label: str | None = LABEL,
    seed: int = SEED,
) -> None:
    """Generate new rows.

    By default the rows are random samples; see --between for interpolation and --vary for
    variations of a row.
    """
    _check_options(rows, between, vary, spread, compare_with)
    inputs = (model, reference, vary, compare_with, *(between or ()))
    check_output(output, (*ROW_SUFFIXES, *PICTURE_SUFFIXES), inputs, folder=not output.suffix)
    check_output(output.with_suffix(".png"), (), inputs)
    estimator = open_model(model)
    real = None if compare_with is None else _open_real_rows(estimator, compare_with, label)
    request = GenerationRequest(estimator, rows, reference, between, vary, spread, label, seed)
    generated = generate_rows(request)
    sample = _BatchSampler(rows, _MAX_COMPARED)
    if real is not None:
        generated = replace(generated, batches=sample.collect(generated.batches))
    _write(output, estimator, rows, generated)
    if real is not None:
        _compare(estimator, real, sample.rows, str(compare_with))


def _check_options(
    rows: int,
    between: tuple[str, str] | None,
    vary: str | None,
    spread: float,
    compare_with: str | None,
) -> None:
    if between and vary:
        raise SettingError("generate: expected either --between or --vary, found both")
    if between and rows < 2:
        raise SettingError(f"--rows: expected at least 2 with --between, found {rows}")
    check_number("--rows", rows, Integral, 1)
    if not 0 < spread <= MAX_FLOAT:
        raise SettingError(f"--spread: expected a number above 0, found {spread}")
    if compare_with and (between or vary):
        raise SettingError("--compare-with: expected random samples, found --between or --vary")


def _write(output: Path, model: Estimator, n_rows: int, generated: GeneratedRows) -> None:
    names = ModelInfo.from_estimator(model).feature_names
    sample = _BatchSampler(n_rows, _MAX_DRAWN)
    batches = sample.collect(generated.batches)
    if output.suffix.lower() in PICTURE_SUFFIXES:
        for _ in batches:
            pass
        _draw(output, model, sample, generated.title, names, f", {generated.description}")
        return
    write_rows(output, batches, length=n_rows, feature_names=names)
    print_message(f"Wrote {output}: {format_count(n_rows, 'row')}, {generated.description}")
    if ModelInfo.from_estimator(model).has_image_rows:
        _draw(output.with_suffix(".png"), model, sample, generated.title)


class _BatchSampler:
    """Sample of at most ``size`` evenly spaced rows of batches that have ``n_rows`` rows."""

    def __init__(self, n_rows: int, size: int) -> None:
        self.n_rows = n_rows
        self._numbers = np.linspace(0, n_rows - 1, min(n_rows, size)).round().astype(int)
        self._parts: list[Any] = []

    @property
    def rows(self) -> Any:
        """The sampled rows as an array or an Arrow table, after all batches have been read."""
        if isinstance(self._parts[0], np.ndarray):
            return np.concatenate(self._parts)
        import pyarrow as pa

        return pa.concat_tables(self._parts)

    def collect(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Yield the batches unchanged, and store the sampled rows."""
        start = 0
        for batch in batches:
            in_batch = (self._numbers >= start) & (self._numbers < start + len(batch))
            numbers = self._numbers[in_batch] - start
            is_table = is_frame(batch)
            self._parts.append(
                as_arrow(batch, "rows")[0].take(numbers) if is_table else batch[numbers]
            )
            start += len(batch)
            yield batch


def _open_real_rows(model: Estimator, data: str, label: str | None) -> Source:
    sample = open_model_rows(model, data, label).sample(_MAX_COMPARED, 0)
    check_memory("--compare-with", 4 * 8 * len(sample) * model.n_features_in_)
    return sample


def _compare(model: Estimator, real: Source, generated: Any, data: str) -> None:
    """Compare generated rows with real rows, and print the density and coverage."""
    name = f"{format_count(len(real), 'row')} of {data}"
    with show_status(f"Comparing with {name}…"):
        result = evaluate_generated(model, real, generated)
    print_message(
        f"Compared with {name}: density {result.density:.2f} (about 1 for real rows), "
        f"coverage {result.coverage:.2f} (at most 1)"
    )


def _draw(
    path: Path,
    model: Estimator,
    sample: _BatchSampler,
    title: str,
    names: Sequence[str] | None = None,
    description: str = "",
) -> None:
    rows = sample.rows
    total = "" if len(rows) == sample.n_rows else f" of {sample.n_rows:,}"
    details = f"{len(rows):,}{total} {'row' if sample.n_rows == 1 else 'rows'}{description}"
    with open_plot(path, details) as ax:
        if model.table_ is None:
            plots.rows(rows, ax, title, names)
        else:
            table = TableRows.read(model, rows)
            plots.rows(table.positions, ax, title, table.names, cell_text=table.cell_text)
