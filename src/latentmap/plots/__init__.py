"""Static plots: each function takes arrays and a matplotlib Axes and returns the Axes.

Each function draws one plot on one Axes, in a notebook or in a larger figure of the caller.
`figure` writes a plot to a file.
"""

from latentmap.plots.attribution_plot import attribution, attribution_size
from latentmap.plots.cluster_plot import exemplars, exemplars_size
from latentmap.plots.code_plot import codes
from latentmap.plots.comparison_plot import comparison, comparison_size
from latentmap.plots.decoded_grid_plot import decoded_grid
from latentmap.plots.density_plot import density
from latentmap.plots.figure_files import figure
from latentmap.plots.loss_plot import loss_curve
from latentmap.plots.neighbor_plot import neighbors, neighbors_size
from latentmap.plots.reconstruction_plot import reconstructions
from latentmap.plots.row_plot import rows, rows_size

__all__ = [
    "attribution",
    "attribution_size",
    "codes",
    "comparison",
    "comparison_size",
    "decoded_grid",
    "density",
    "exemplars",
    "exemplars_size",
    "figure",
    "loss_curve",
    "neighbors",
    "neighbors_size",
    "reconstructions",
    "rows",
    "rows_size",
]
