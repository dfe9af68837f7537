"""``latentmap datasets``."""

from latentmap.cli.console import print_json, print_table
from latentmap.cli.options import JSON
from latentmap.data import list_datasets

EXAMPLES = ("latentmap datasets", "latentmap datasets --json")


def datasets(as_json: bool = JSON) -> None:
    """List the built-in data sets."""
    data_sets = list_datasets().values()
    if as_json:
        fields = ("name", "description", "licence", "n_fit", "n_unseen")
        print_json(
            [{field: getattr(data_set, field) for field in fields} for data_set in data_sets]
        )
        return
    print_table(
        ("name", "rows to fit", "unseen rows", "description", "licence"),
        [(d.name, f"{d.n_fit:,}", f"{d.n_unseen:,}", d.description, d.licence) for d in data_sets],
        numbers=("rows to fit", "unseen rows"),
    )
