"""Frozen dataclasses that are stored in a model file as JSON values and named arrays.

The names of the values belong to the file format and stay the same if a field is renamed: see
``file_keys``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import UnionType
from typing import Annotated, Any, ClassVar, Self, Union, get_args, get_origin, get_type_hints

import numpy as np

from latentmap.value_types import check_value

_JSON_TYPES = (bool, int, float, str, list, dict)


@dataclass(frozen=True, kw_only=True)
class FileRecord:
    """Base class of dataclasses that are stored in a model file.

    Fields annotated as arrays become arrays, and others become JSON values. Fields that are None
    are not stored, and fields of other types belong to subclasses. The annotations are the schema
    of the file; see `check_value`.
    """

    file_keys: ClassVar[dict[str, str]] = {}

    def to_json(self) -> dict[str, Any]:
        """Return the fields that are not arrays."""
        return self._values(arrays=False)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the fields that are arrays."""
        return self._values(arrays=True)

    def _values(self, arrays: bool) -> dict[str, Any]:
        values = {self.file_keys.get(k, k): getattr(self, k) for k in self._names(arrays)}
        return {key: value for key, value in values.items() if value is not None}

    @classmethod
    def from_file(cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Self:
        """Return the record of a file; raise an error if a field is missing or of another type."""
        return cls(**cls._read_fields(values, arrays))

    @classmethod
    def _read_fields(
        cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
    ) -> dict[str, Any]:
        required_names = {field.name for field in fields(cls) if field.default is not None}
        field_values: dict[str, Any] = {}
        for source, is_array in ((values, False), (arrays, True)):
            for name in cls._names(is_array):
                key = cls.file_keys.get(name, name)
                if key in source or name in required_names:
                    field_values[name] = source[key]
        annotations = cls._annotations()
        for name, value in field_values.items():
            check_value(cls.file_keys.get(name, name), value, annotations[name])
        return field_values

    @classmethod
    def _annotations(cls) -> dict[str, Any]:
        """Return the annotation of each field, without None."""
        hints = get_type_hints(cls, include_extras=True)
        return {field.name: _without_none(hints[field.name]) for field in fields(cls)}

    @classmethod
    def _names(cls, arrays: bool) -> list[str]:
        """Return the names of the fields that are arrays, or of those that are JSON values."""
        types = (np.ndarray,) if arrays else _JSON_TYPES
        return [name for name, kind in cls._annotations().items() if _stored_type(kind) in types]


def _without_none(annotation: Any) -> Any:
    """Return T for ``T | None``, and any other type unchanged."""
    is_union = get_origin(annotation) in (Union, UnionType)
    return get_args(annotation)[0] if is_union else annotation


def _stored_type(annotation: Any) -> Any:
    """Return int for ``Annotated[int, ...]``, dict for ``dict[str, float]``, and so on."""
    if get_origin(annotation) is Annotated:
        return _stored_type(get_args(annotation)[0])
    return get_origin(annotation) or annotation
