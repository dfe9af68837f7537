"""Frozen dataclasses that are stored in a model file as JSON values and named arrays.

The names of the values belong to the file format and stay the same if a field is renamed: see
``file_keys``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import UnionType
from typing import Any, ClassVar, Self, get_args, get_type_hints

import numpy as np

_JSON_TYPES: dict[Any, tuple[type, ...]] = {
    bool: (bool,),
    dict[str, Any]: (dict,),
    float: (int, float),
    int: (int,),
    str: (str,),
    list[str]: (list,),
}


@dataclass(frozen=True, kw_only=True)
class FileRecord:
    """Base class of dataclasses that are stored in a model file.

    Fields annotated as arrays become arrays, and others become JSON values. Fields that are None
    are not stored.
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
        for name in set(field_values) & set(cls._names(arrays=False)):
            expected = cls._types()[name]
            if type(field_values[name]) not in _JSON_TYPES[expected]:
                raise ValueError(f"{name}: expected {expected}, found {field_values[name]!r}")
        return field_values

    @classmethod
    def _types(cls) -> dict[str, Any]:
        """Return the type of each field, without None."""
        annotations = get_type_hints(cls)
        return {field.name: _without_none(annotations[field.name]) for field in fields(cls)}

    @classmethod
    def _names(cls, arrays: bool) -> list[str]:
        """Return the names of the fields that are arrays, or of those that are JSON values."""
        types = cls._types()
        if arrays:
            return [name for name, kind in types.items() if kind is np.ndarray]
        return [name for name, kind in types.items() if kind in _JSON_TYPES]


def _without_none(annotation: Any) -> Any:
    """Return T for ``T | None``, and any other type unchanged."""
    return get_args(annotation)[0] if isinstance(annotation, UnionType) else annotation
