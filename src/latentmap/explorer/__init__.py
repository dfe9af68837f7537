"""The explorer: a web page that shows rows on a map and decodes any point of it.

A `Scene` provides the rows, their codes, scores and decoded rows. A `Server` sends them to the page
on request, and `export_page` writes the page and its data to one file.
"""

from latentmap.explorer.export import export_page
from latentmap.explorer.scene import MAX_EXPORTED_ROWS, MAX_ROWS, Scene
from latentmap.explorer.server import Server, check_address

__all__ = ["MAX_EXPORTED_ROWS", "MAX_ROWS", "Scene", "Server", "check_address", "export_page"]
