"""Rows in: arrays, tables, images and named data sets behind one interface, and rows out again."""

from latentmap.data.conversion import as_source
from latentmap.data.datasets import data_sets, load_data_set
from latentmap.data.readers import open_data
from latentmap.data.sources import ArraySource, Source
from latentmap.data.writers import write_rows

__all__ = [
    "ArraySource",
    "Source",
    "as_source",
    "data_sets",
    "load_data_set",
    "open_data",
    "write_rows",
]
