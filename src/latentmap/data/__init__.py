"""Data: arrays, sparse matrices, tables, images and named data sets, all read through `Source`."""

from latentmap.data.cells import from_anndata
from latentmap.data.conversion import as_source
from latentmap.data.datasets import list_datasets, load_dataset
from latentmap.data.readers import open_data
from latentmap.data.sources import ArraySource, Source
from latentmap.data.sparse import SparseSource
from latentmap.data.table_options import TableOptions
from latentmap.data.tables import Table
from latentmap.data.text_embedding import embed_texts
from latentmap.data.vector_rows import add_metadata
from latentmap.data.writers import write_rows

__all__ = [
    "ArraySource",
    "Source",
    "SparseSource",
    "Table",
    "TableOptions",
    "add_metadata",
    "as_source",
    "embed_texts",
    "from_anndata",
    "list_datasets",
    "load_dataset",
    "open_data",
    "write_rows",
]
