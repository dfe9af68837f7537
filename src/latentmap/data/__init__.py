"""Data: arrays, sparse matrices, tables, images and named data sets, all read through `Source`."""

from latentmap.data.conversion import as_source
from latentmap.data.datasets import list_datasets, load_dataset
from latentmap.data.readers import open_data
from latentmap.data.sources import ArraySource, Source
from latentmap.data.sparse import SparseSource
from latentmap.data.table_options import TableOptions
from latentmap.data.tables import Table
from latentmap.data.writers import write_rows

__all__ = [
    "ArraySource",
    "Source",
    "SparseSource",
    "Table",
    "TableOptions",
    "as_source",
    "list_datasets",
    "load_dataset",
    "open_data",
    "write_rows",
]
