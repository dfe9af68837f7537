"""Types of the data that public functions accept."""

from typing import TYPE_CHECKING, TypeAlias, Union

from numpy.typing import ArrayLike

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import scipy.sparse as sp
    from scipy.sparse import csr_array as csr_array

    from latentmap.data.sources import Source
else:
    csr_array = object  # SciPy is imported only when a sparse matrix is read.

FrameLike: TypeAlias = Union["pd.DataFrame", "pa.Table"]
"""A data frame of pandas, or of any library with its methods or the interchange protocol."""

DataLike: TypeAlias = Union[ArrayLike, "Source", FrameLike, "sp.spmatrix", "sp.sparray"]
"""Rows: an array, nested lists, a data frame, a SciPy sparse matrix, or a `Source`."""
