"""Static pictures: arrays and an Axes in, an Axes out.

Each function draws one thing on one Axes, so that it can stand alone, in a notebook, or beside
others in a figure of the caller's; `figure` is the way into a file. One file a picture, and `look`
for what they share.
"""

from latentmap.plots.codes import codes
from latentmap.plots.density import density
from latentmap.plots.history import loss_curve
from latentmap.plots.plane import plane
from latentmap.plots.reconstructions import reconstructions
from latentmap.plots.saving import figure

__all__ = ["codes", "density", "figure", "loss_curve", "plane", "reconstructions"]
