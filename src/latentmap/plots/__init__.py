"""Static pictures: arrays and an Axes in, an Axes out.

Each function draws one thing on one Axes, so that it can stand alone, in a notebook, or beside
others in a figure of the caller's; `figure` is the way into a file. One file a picture, and `look`
for what they share.
"""

from latentmap.plots.attribution_plot import blame, blame_size
from latentmap.plots.cluster_plot import typical_rows, typical_rows_size
from latentmap.plots.code_plot import codes
from latentmap.plots.comparison_plot import comparison, comparison_size
from latentmap.plots.decoded_grid_plot import plane
from latentmap.plots.density_plot import density
from latentmap.plots.figure_files import figure
from latentmap.plots.loss_plot import loss_curve
from latentmap.plots.neighbor_plot import neighbors, neighbors_size
from latentmap.plots.reconstruction_plot import reconstructions
from latentmap.plots.row_plot import rows, rows_size

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
