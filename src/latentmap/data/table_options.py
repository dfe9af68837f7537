"""Options that override the detected properties of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from latentmap.errors import SettingError

ROLES = (
    "number",
    "integer",
    "boolean",
    "category",
    "date",
    "text",
    "vector",
    "identifier",
    "label",
)

UNFITTED_ROLES = ("identifier", "label")

# Type of the JSON value of each option, and the conversion of the value.
_JSON_TYPES: dict[str, tuple[type, Callable[[Any], Any]]] = {
    **dict.fromkeys(("separator", "quote", "decimal", "encoding"), (str, str)),
    **dict.fromkeys(("text", "text_model", "layer", "obsm", "size"), (str, str)),
    **dict.fromkeys(("header", "day_first"), (bool, bool)),
    **dict.fromkeys(("missing", "columns", "drop"), (list, lambda v: tuple(map(str, v)))),
    "roles": (dict, lambda roles: {str(name): str(role) for name, role in roles.items()}),
}
_SEPARATORS = {"tab": "\t", r"\t": "\t", "space": " "}
# The csv module and pyarrow need a quote character: one that does not occur in texts.
_NO_QUOTE = "\x1e"


@dataclass(frozen=True)
class TableOptions:
    """How to read a table, cells or images. None means that a property is detected.

    Parameters
    ----------
    separator : str, optional
        Character between two cells, or ``"tab"`` or ``"space"``, which is any number of spaces and
        tabs.
    quote : str, optional
        Character around the cells that contain separators, or ``"none"``.
    decimal : str, optional
        Decimal separator, ``"."`` or ``","``.
    day_first : bool, optional
        Whether the day precedes the month in dates of numbers, such as 03/04/2024. If one order
        does not fit all dates of a column, the other one is used.
    header : bool, optional
        Whether the first row holds the names of the columns.
    encoding : str, optional
        Encoding of the text, such as ``"utf-8"`` or ``"cp1252"``.
    missing : tuple of str
        Strings that mark a missing value, in addition to common ones such as "NA".
    columns : tuple of str, optional
        Columns to read; all others are left out. In a text table or Excel sheet without a header,
        the number of a column, from 1, is also its name.
    drop : tuple of str
        Columns to leave out.
    roles : mapping of str to str
        Role of a column, one of `ROLES`; the roles of other columns are inferred.
    text : str, optional
        Column of texts that alone is fitted; the other columns are metadata.
    text_model : str, optional
        Folder or name of a sentence-transformers model that embeds the texts; by default TF-IDF and
        truncated SVD embed them.
    layer, obsm : str, optional
        Layer, or entry of ``obsm``, to read from a file of single cells instead of ``.X``.
    size : str, optional
        Size of images: "96x64" for width and height, or "64" for the shorter side.
    ignore_unknown : bool
        Whether columns that the table does not have are ignored, apart from the label. Otherwise
        they are an error.
    """

    separator: str | None = None
    quote: str | None = None
    decimal: str | None = None
    day_first: bool | None = None
    header: bool | None = None
    encoding: str | None = None
    missing: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None
    drop: tuple[str, ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    text_model: str | None = None
    layer: str | None = None
    obsm: str | None = None
    size: str | None = None
    ignore_unknown: bool = False

    def __post_init__(self) -> None:
        separator = _SEPARATORS.get(self.separator or "", self.separator)
        if separator is not None and (len(separator) != 1 or separator in '"\r\n'):
            raise SettingError(
                f"separator: expected one character, 'tab' or 'space', found {self.separator!r}"
            )
        object.__setattr__(self, "separator", separator)
        quote = _NO_QUOTE if self.quote == "none" else self.quote
        if quote is not None and (len(quote.encode()) != 1 or quote in ("\r", "\n", separator)):
            raise SettingError(
                "quote: expected one ASCII character that is not the separator, or 'none', found "
                f"{self.quote!r}"
            )
        object.__setattr__(self, "quote", quote)
        if self.decimal not in (None, ".", ","):
            raise SettingError(f"decimal: expected '.' or ',', found {self.decimal!r}")
        if self.text_model is not None and self.text is None:
            raise SettingError(
                "text_model: expected a column of texts as well, found none (--text)"
            )

    def with_numbered_names(self, names: Sequence[str]) -> Self:
        """Return options in which the number of a column without a name, from 1, stands for it.

        Examples
        --------
        >>> TableOptions(drop=("2",)).with_numbered_names(["column 1", "column 2"]).drop
        ('column 2',)
        """
        known_names = set(names)
        numbers = {str(n): name for n, name in enumerate(names, 1) if str(n) not in known_names}

        def find(columns: Iterable[str]) -> tuple[str, ...]:
            return tuple(numbers.get(column, column) for column in columns)

        columns = None if self.columns is None else find(self.columns)
        roles = dict(zip(find(self.roles), self.roles.values(), strict=True))
        return replace(self, columns=columns, drop=find(self.drop), roles=roles)

    def to_json(self) -> dict[str, Any]:
        """Return the options that are set, as JSON values.

        Examples
        --------
        >>> TableOptions(decimal=",", drop=("name",)).to_json()
        {'decimal': ',', 'drop': ('name',)}
        """
        default = asdict(TableOptions())
        return {name: value for name, value in asdict(self).items() if value != default[name]}

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Return the options in JSON values, without those of a wrong type."""
        values = values if isinstance(values, dict) else {}
        return cls(
            **{
                name: convert(values[name])
                for name, (json_type, convert) in _JSON_TYPES.items()
                if isinstance(values.get(name), json_type)
            }
        )


def label_roles(label: str | None, roles: Mapping[str, str]) -> dict[str, str]:
    """Return roles with a given column, if there is one, as the only column of labels."""
    if label is None:
        return dict(roles)
    others = {name: "identifier" if role == "label" else role for name, role in roles.items()}
    return {**others, label: "label"}


def label_column(roles: Mapping[str, str]) -> str | None:
    """Return the column with the role "label", or None."""
    return next((name for name, role in roles.items() if role == "label"), None)


def fitted_names(roles: Mapping[str, str]) -> tuple[str, ...]:
    """Return the columns whose given role is fitted."""
    return tuple(name for name, role in roles.items() if role not in UNFITTED_ROLES)
