"""Class of the encoded column for each role of a column."""

from latentmap.preprocessing.category_columns import BooleanColumn, CategoryColumn
from latentmap.preprocessing.encoded_columns import Column, ConstantColumn
from latentmap.preprocessing.number_columns import NumberColumn
from latentmap.preprocessing.vector_columns import TextColumn, VectorColumn

ENCODERS: dict[str, type[Column]] = {
    "number": NumberColumn,
    "integer": NumberColumn,
    "date": NumberColumn,
    "boolean": BooleanColumn,
    "category": CategoryColumn,
    "vector": VectorColumn,
    "text": TextColumn,
    "constant": ConstantColumn,
}
