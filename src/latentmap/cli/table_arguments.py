"""Options of all verbs that open a table: how it is read, and which columns are used.

`with_table_options` adds them to a verb, and `open_rows` applies them to every table that the verb
opens. The model file stores the options of `fit`, so that other verbs read a table in the same way.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

import typer

from latentmap.cli.options import option
from latentmap.context import ContextValue
from latentmap.data import TableOptions
from latentmap.data.table_options import label_column
from latentmap.errors import SettingError

_NOTHING = TableOptions()
_OPTIONS: ContextValue[TableOptions] = ContextValue("table_options", _NOTHING)

# Names of options, the type of their values in a model file, and the type of the option.
_STORED_TYPES: tuple[tuple[tuple[str, ...], type, Callable[[Any], Any]], ...] = (
    (("separator", "decimal", "encoding", "text", "text_model", "layer", "obsm", "size"), str, str),
    (("header",), bool, bool),
    (("missing", "columns", "drop"), list, lambda values: tuple(map(str, values))),
    (("roles",), dict, lambda roles: {str(name): str(role) for name, role in roles.items()}),
)

_PARAMETERS: dict[str, tuple[Any, Any]] = {
    "separator": (
        str | None,
        option("CHARACTER", "Separator of the cells of a text table: one character, tab or space."),
    ),
    "decimal": (str | None, option("CHARACTER", "Decimal separator of a table: a point or comma.")),
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
    """Add the options of tables, and those that only `fit` has, as `with_table_options` does."""
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


def options_for(report: Mapping[str, Any] | None) -> TableOptions:
    """Return the options of the running verb, completed by those that a model file stores."""
    verb_options, stored = get_options(), _read(report or {})
    names = vars(_NOTHING)
    verb_settings = {
        name: getattr(verb_options, name) for name in names if _is_set(verb_options, name)
    }
    options = replace(stored, **verb_settings)
    return replace(options, ignore_unknown=not verb_settings.keys() & {"columns", "drop", "roles"})


def choose_label(label: str | None, options: TableOptions) -> tuple[str | None, TableOptions]:
    """Return the label, which may be given as the role of a column, and the other options."""
    others = {name: role for name, role in options.roles.items() if role != "label"}
    return label or label_column(options.roles), replace(options, roles=others)


def options_as_json(options: TableOptions) -> dict[str, Any]:
    """Return the options that are set, as a model file stores them."""
    return {name: value for name, value in asdict(options).items() if _is_set(options, name)}


def _is_set(options: TableOptions, name: str) -> bool:
    return getattr(options, name) != getattr(_NOTHING, name)


def _read(report: Mapping[str, Any]) -> TableOptions:
    """Return the options that a model file stores, except options with a wrong type."""
    stored = report.get("table_options")
    stored = stored if isinstance(stored, dict) else {}
    values: dict[str, Any] = {
        name: kind(stored[name])
        for names, json_type, kind in _STORED_TYPES
        for name in names
        if isinstance(stored.get(name), json_type)
    }
    return TableOptions(**values)


def _parse(values: Mapping[str, Any]) -> TableOptions:
    roles = {}
    for text in values["roles"] or ():
        column, sign, role = text.rpartition("=")
        if not sign or not column:
            raise SettingError(f"--as: expected COLUMN=ROLE, found {text!r}")
        roles[column] = role
    return TableOptions(
        separator=values["separator"],
        decimal=values["decimal"],
        header=values["header"],
        encoding=values["encoding"],
        missing=tuple(values["missing"] or ()),
        columns=None if values["columns"] is None else tuple(values["columns"]) or None,
        drop=tuple(values["drop"] or ()),
        roles=roles,
        **{name: values[name] for name in _FIT_PARAMETERS if name in values},
    )
