"""Types of matplotlib for annotations; matplotlib is imported only when a plot is drawn."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.artist import Artist as Artist
    from matplotlib.axes import Axes as Axes
    from matplotlib.cm import ScalarMappable as ScalarMappable
    from matplotlib.text import Text as Text
    from matplotlib.typing import ColorType as ColorType
else:
    Artist = Axes = ScalarMappable = Text = ColorType = object
