"""``latentmap evaluate``."""

from pathlib import Path

from latentmap.cli.console import print_json
from latentmap.cli.evaluation import encode_reference, measure_quality, print_quality
from latentmap.cli.held_out import open_evaluation_rows
from latentmap.cli.model_arguments import check_columns, open_model
from latentmap.cli.options import DATA, JSON, LABEL, METADATA, MODEL
from latentmap.cli.table_arguments import with_table_options

EXAMPLES = (
    "latentmap evaluate mnist.safetensors mnist",
    "latentmap evaluate flowers.safetensors rows.csv --json",
)


@with_table_options
def evaluate(
    model: Path = MODEL,
    data: str = DATA,
    label: str | None = LABEL,
    metadata: str | None = METADATA,
    as_json: bool = JSON,
) -> None:
    """Evaluate a model on held-out rows.

    Uses the unseen rows of a built-in data set, the held-out rows of the data that the model was
    fitted to, or all rows of other data. Labels are predicted by a majority vote of the nearest
    fitted rows, and the neighbour recall is the share of the nearest fitted rows in the data that
    are also the nearest on the map. If the fitted rows are not available, other rows are used.
    """
    estimator = open_model(model)
    rows, fitted, description = open_evaluation_rows(data, label, estimator, metadata)
    check_columns(estimator, rows)
    reference = None if fitted is None else encode_reference(estimator, fitted)
    metrics = measure_quality(estimator, rows, reference)
    if as_json:
        print_json({"model": str(model), "data": data, "measured_on": description, **metrics})
    else:
        print_quality(f"Quality on {description}", metrics)
