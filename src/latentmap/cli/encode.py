"""``latentmap encode``."""

from pathlib import Path

from latentmap.cli.console import format_count, print_message
from latentmap.cli.distributed_options import check_worker_options, check_worker_rows, open_workers
from latentmap.cli.model_arguments import open_model
from latentmap.cli.options import DATA, LABEL, METADATA, MODEL, RAY, WORKERS, output_path
from latentmap.cli.row_selection import check_output, open_model_rows
from latentmap.cli.streaming import encode_batches
from latentmap.cli.table_arguments import with_table_options
from latentmap.cli.table_output import TABLE_SUFFIXES
from latentmap.data import write_rows
from latentmap.data.cell_files import write_codes
from latentmap.data.file_suffixes import CELLS_SUFFIX
from latentmap.errors import SettingError

EXAMPLES = (
    "latentmap encode mnist.safetensors mnist:unseen -o codes.npy",
    "latentmap encode flowers.safetensors rows.csv --label species -o codes.csv",
    "latentmap encode cells.safetensors cells.h5ad -o cells.h5ad",
    "latentmap encode model.safetensors rows/ -o codes.parquet --workers 16 --ray auto",
)


@with_table_options
def encode(
    model: Path = MODEL,
    data: str = DATA,
    output: Path = output_path(
        "CODES",
        "Output file: .npy, .csv or .parquet. Tables include the labels. From .h5ad, also .h5ad: a "
        "copy with obsm X_latentmap.",
        required=True,
    ),
    label: str | None = LABEL,
    metadata: str | None = METADATA,
    workers: int | None = WORKERS,
    ray: str | None = RAY,
) -> None:
    """Encode rows as codes.

    With --workers, DATA must be a .parquet file or a folder of such files. The codes are written
    to the folder CODES, as .parquet files in the order of the rows.
    """
    check_worker_options(workers, ray)
    is_cells = _check_cells(output, data)
    suffixes = (*TABLE_SUFFIXES, CELLS_SUFFIX) if workers is None else (".parquet",)
    # The output may be the file of the cells, because the other contents of this file are kept.
    inputs = (model,) if is_cells else (model, data)
    check_output(output, suffixes, inputs, folder=workers is not None)
    estimator = open_model(model)
    rows = open_model_rows(estimator, data, label, metadata)
    check_worker_rows(workers, rows)
    with open_workers(workers, ray) as pool:
        if pool is not None:
            pool.encode(estimator, rows, output)
        elif is_cells:
            write_codes(output, Path(data), encode_batches(estimator, rows))
        else:
            write_rows(
                output,
                encode_batches(estimator, rows),
                length=len(rows),
                feature_names=list(estimator.get_feature_names_out()),
                labels=rows.labels,
            )
    size = format_count(estimator.n_components, "component")
    print_message(f"Wrote {output}: {format_count(len(rows), 'code')} with {size}")


def _check_cells(output: Path, data: str) -> bool:
    """Return whether the output is an .h5ad file; raise SettingError if only the output is one."""
    if output.suffix.lower() != CELLS_SUFFIX:
        return False
    if Path(data).suffix.lower() != CELLS_SUFFIX:
        raise SettingError(f"{output}: expected DATA of single cells (.h5ad), found {data}")
    return True
