"""Options of all verbs that open a table: how it is read, and which columns are used.

`with_table_options` adds them to a verb, and `open_rows` applies them to every table that the verb
opens. The model file stores the options of `fit`, so that other verbs read a table in the same way.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import typer

from latentmap.analysis.model_info import ModelInfo, stored_table_options
from latentmap.cli.options import option
from latentmap.context import ContextValue
from latentmap.data import TableOptions
from latentmap.data.table_options import label_column
from latentmap.errors import SettingError

_OPTIONS: ContextValue[TableOptions] = ContextValue("table_options", TableOptions())

_PARAMETERS: dict[str, tuple[Any, Any]] = {
    "separator": (
        str | None,
        option("CHARACTER", "Separator of the cells of a text table: one character, tab or space."),
    ),
    "quote": (
        str | None,
        option("CHARACTER", "Character around the cells of a text table with separators, or none."),
    ),
    "decimal": (str | None, option("CHARACTER", "Decimal separator of a table: a point or comma.")),
    "day_first": (
        bool | None,
        typer.Option(
            None,
            "--day-first/--month-first",
            help="Order of day and month in dates such as 03/04/2024. If it does not fit all dates "
            "of a column, the other order is used.",
            show_default=False,
        ),
    ),
    "header": (
        bool | None,
        typer.Option(
            None,
            "--header/--no-header",
            help="Whether the first line of a table holds the names of the columns.",
            show_default=False,
        ),
    ),
    "encoding": (str | None, option("NAME", "Encoding of a text table, such as utf-8 or cp1252.")),
    "missing": (
        list[str] | None,
        option("TEXT", "Text that marks a missing value. The option may be repeated."),
    ),
    "columns": (
        list[str] | None,
        option(
            "COLUMN", "Column of a table to use; others are left out. The option may be repeated."
        ),
    ),
    "drop": (
        list[str] | None,
        option("COLUMN", "Column of a table to leave out. The option may be repeated."),
    ),
    "roles": (
        list[str] | None,
        option(
            "COLUMN=ROLE",
            "Role of a column: number, integer, boolean, category, date, text, vector, identifier "
            "(not fitted) or label. The option may be repeated.",
            "--as",
        ),
    ),
}

# Options of `fit`, which the model file stores for the other verbs.
_FIT_PARAMETERS: dict[str, tuple[Any, Any]] = {
    "text": (
        str | None,
        option(
            "COLUMN",
            "Column of texts to fit. The other columns of the table are metadata: they are shown, "
            "but not fitted.",
        ),
    ),
    "text_model": (
        str | None,
        option(
            "MODEL",
            "Folder or name of a sentence-transformers model that embeds the texts of --text (pip "
            "install latentmap[text]). A name must have been downloaded before.",
            default_text="TF-IDF and SVD",
        ),
    ),
    "layer": (
        str | None,
        option("NAME", "Layer of an .h5ad file to fit.", default_text="the matrix .X"),
    ),
    "obsm": (
        str | None,
        option(
            "NAME",
            "Entry of obsm of an .h5ad file to fit, such as X_pca.",
            default_text="the matrix .X",
        ),
    ),
    "size": (
        str | None,
        option(
            "PIXELS",
            "Size to which images are resized: 96x64 for width and height, or 64 for the shorter "
            "side. Pictures of another aspect are cropped.",
            default_text="64, unless the images have one size of at most 65,536 pixels",
        ),
    ),
}


def with_table_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Add the options of tables to a verb; `get_options` returns them while it runs."""
    return _add_options(verb, _PARAMETERS)


def with_fit_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Add the options of tables and the additional options of `fit`; see `with_table_options`."""
    return _add_options(verb, _PARAMETERS | _FIT_PARAMETERS)


def _add_options(
    verb: Callable[..., None], options: Mapping[str, tuple[Any, Any]]
) -> Callable[..., None]:
    @functools.wraps(verb)
    def run(**arguments: Any) -> None:
        values = {name: arguments.pop(name) for name in options}
        with _OPTIONS.set_to(_parse(values)):
            verb(**arguments)

    signature = inspect.signature(verb)
    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in options.items()
    ]
    run.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*signature.parameters.values(), *parameters]
    )
    run.__annotations__ = verb.__annotations__ | {n: kind for n, (kind, _) in options.items()}
    return run


def get_options() -> TableOptions:
    """Return the options of tables that the running verb was called with."""
    return _OPTIONS.get()


def options_for(model: object) -> TableOptions:
    """Return the options of the running verb, and for all others those stored in the model file.

    Images are read in the size of the fitted ones.
    """
    verb_options = get_options()
    verb_settings = {name: getattr(verb_options, name) for name in verb_options.to_json()}
    ignore_unknown = not verb_settings.keys() & {"columns", "drop", "roles"}
    options = stored_table_options(model)
    if not ignore_unknown:  # Roles that the verb does not set are those of the fit.
        verb_settings["roles"] = {**options.roles, **verb_options.roles}
    shape = ModelInfo.from_estimator(model).row_shape or ()
    if len(shape) > 1:
        verb_settings["size"] = f"{shape[1]}x{shape[0]}"
    return replace(options, **verb_settings, ignore_unknown=ignore_unknown)


def choose_label(label: str | None, options: TableOptions) -> tuple[str | None, TableOptions]:
    """Return the label column, given by name or by its role, and the options without this role."""
    other_roles = {name: role for name, role in options.roles.items() if role != "label"}
    return label or label_column(options.roles), replace(options, roles=other_roles)


def _parse(values: Mapping[str, Any]) -> TableOptions:
    roles = {}
    for text in values["roles"] or ():
        column, sign, role = text.rpartition("=")
        if not sign or not column:
            raise SettingError(f"--as: expected COLUMN=ROLE, found {text!r}")
        roles[column] = role
    return TableOptions(
        separator=values["separator"],
        quote=values["quote"],
        decimal=values["decimal"],
        day_first=values["day_first"],
        header=values["header"],
        encoding=values["encoding"],
        missing=tuple(values["missing"] or ()),
        columns=None if values["columns"] is None else tuple(values["columns"]) or None,
        drop=tuple(values["drop"] or ()),
        roles=roles,
        **{name: values[name] for name in _FIT_PARAMETERS if name in values},
    )
