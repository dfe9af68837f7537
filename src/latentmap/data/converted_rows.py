"""Rows that are computed from the rows of another source."""

from latentmap.data.sources import Source


class ConvertedRows(Source):
    """Source whose row i is computed from row i of another source; a subclass defines ``take``."""

    def __init__(self, rows: Source) -> None:
        self.rows, self.name, self.labels = rows, rows.name, rows.labels
        self.row_shape, self.feature_names = rows.row_shape, rows.feature_names
        self.block_starts = rows.block_starts

    def __len__(self) -> int:
        return len(self.rows)

    def original_index(self, row: int) -> int:
        """Return the index of a row in the data that was opened, from 0."""
        return self.rows.original_index(row)
