"""Static pictures: arrays and an Axes in, an Axes out.

Each function draws one thing on one Axes, so that it can stand alone, in a notebook, or beside
others in a figure of the caller's; `figure` is the way into a file. One file a picture, and `look`
for what they share.
"""

from latentmap.plots.blame import blame, blame_size
from latentmap.plots.clusters import typical_rows, typical_rows_size
from latentmap.plots.codes import codes
from latentmap.plots.comparison import comparison, comparison_size
from latentmap.plots.density import density
from latentmap.plots.history import loss_curve
from latentmap.plots.neighbors import neighbors, neighbors_size
from latentmap.plots.plane import plane
from latentmap.plots.reconstructions import reconstructions
from latentmap.plots.rows import rows, rows_size
from latentmap.plots.saving import figure

__all__ = [
    "blame",
    "blame_size",
    "codes",
    "comparison",
    "comparison_size",
    "density",
    "figure",
    "loss_curve",
    "neighbors",
    "neighbors_size",
    "plane",
    "reconstructions",
    "rows",
    "rows_size",
    "typical_rows",
    "typical_rows_size",
]
