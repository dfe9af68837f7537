"""Static plots: each function takes arrays and a matplotlib Axes and returns the Axes.

Without an Axes, a function creates a figure of a suitable size. `figure` writes a plot to a file.
"""

from latentmap.plots.attribution_plot import attribution
from latentmap.plots.cluster_plot import exemplars
from latentmap.plots.code_plot import codes
from latentmap.plots.comparison_plot import comparison
from latentmap.plots.decoded_grid_plot import decoded_grid
from latentmap.plots.density_plot import density
from latentmap.plots.figure_files import figure
from latentmap.plots.loss_plot import loss_curve
from latentmap.plots.neighbor_plot import neighbors
from latentmap.plots.reconstruction_plot import reconstructions
from latentmap.plots.row_plot import rows

__all__ = [
    "attribution",
    "codes",
    "comparison",
    "decoded_grid",
    "density",
    "exemplars",
    "figure",
    "loss_curve",
    "neighbors",
    "reconstructions",
    "rows",
]
