"""The explorer: a page that shows a map of rows and reads it backwards under the pointer.

One page, plain HTML and a script, shown in two ways: `server` answers what it asks, row by row and
spot by spot; `export` puts everything that it may ask into one file, which then needs nobody. What
is shown is a `Scene`: rows, their codes in the plane, what colours them, and decoding.
"""

from latentmap.explorer.export import export_page
from latentmap.explorer.scene import MOST_ROWS, Scene
from latentmap.explorer.server import Server, check_address

__all__ = ["MOST_ROWS", "Scene", "Server", "check_address", "export_page"]
