"""Types of the data that public functions accept."""

from typing import TYPE_CHECKING, TypeAlias, Union

from numpy.typing import ArrayLike

if TYPE_CHECKING:
    import pandas as pd
    import scipy.sparse as sp

    from latentmap.data.sources import Source

DataLike: TypeAlias = Union[ArrayLike, "Source", "pd.DataFrame", "sp.spmatrix", "sp.sparray"]
"""Rows: an array, nested lists, a data frame, a SciPy sparse matrix, or a `Source`."""
