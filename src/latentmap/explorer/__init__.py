"""The explorer: a web page that shows rows on a map and decodes any point of it.

A `Scene` holds the rows, their codes, scores and decoded rows. `Server` sends them to the page on
request; `export_page` writes page and data into one file.
"""

from latentmap.explorer.export import export_page
from latentmap.explorer.scene import MAX_ROWS, Scene
from latentmap.explorer.server import Server, check_address

__all__ = ["MAX_ROWS", "Scene", "Server", "check_address", "export_page"]
