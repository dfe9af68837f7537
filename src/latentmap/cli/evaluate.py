"""``latentmap evaluate``: the figures of merit, on rows that the model has not seen."""

from __future__ import annotations

from latentmap.cli.console import show_json
from latentmap.cli.model_arguments import check_columns, open_model
from latentmap.cli.options import Data, Json, Label, Model

__all__ = ["EXAMPLES", "evaluate"]

EXAMPLES = {
    "evaluate": (
        "latentmap evaluate mnist.safetensors mnist",
        "latentmap evaluate flowers.safetensors rows.csv --json",
    ),
}


def evaluate(model: Model, data: Data, label: Label = None, as_json: Json = False) -> None:
    """Measure a model's quality.

    Of a data set with a name, its unseen rows are used; of the data that the model was fitted to,
    the rows held out then; of other data, all rows. On labels vote the codes of the fitted rows,
    or, where these are not at hand, those of the other rows.
    """
    from latentmap.cli.evaluation import judge, known_codes
    from latentmap.cli.report import show_report
    from latentmap.cli.row_selection import judged_rows

    fitted = open_model(model)
    chosen = judged_rows(data, label, fitted.figures_ or {})
    check_columns(fitted, chosen.rows)
    has_votes = chosen.fitted is not None and chosen.fitted.labels is not None
    known = known_codes(fitted, chosen.fitted) if chosen.fitted and has_votes else None
    figures = judge(fitted, chosen.rows, known)
    if as_json:
        show_json({"model": str(model), "data": data, "measured_on": chosen.words, **figures})
    else:
        show_report(f"Quality on {chosen.words}", figures)
