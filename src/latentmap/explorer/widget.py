"""The explorer as a notebook widget (the extra ``notebook``).

The widget shows the exported page in a frame, which needs no server and therefore works in
JupyterLab, VS Code and Colab. Its script asks the page for the selected rows.
"""

from __future__ import annotations

import copy
import functools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data import Source, add_metadata
from latentmap.data.array_checks import check_labels
from latentmap.errors import SettingError
from latentmap.explorer.export import export_page
from latentmap.explorer.scene import MAX_EXPORTED_ROWS, Scene

if TYPE_CHECKING:
    from latentmap.autoencoders.base import BaseAutoEncoder
    from latentmap.data.types import FrameLike

SCRIPT = Path(__file__).with_name("widget.js")


class ExplorerWidget(Protocol):
    """Widget of the explorer.

    Attributes
    ----------
    selected : ndarray of int
        Numbers of the rows that are selected on the page, in ascending order.
    """

    selected: np.ndarray


def make_widget(
    estimator: BaseAutoEncoder,
    rows: Source,
    labels: ArrayLike | None = None,
    metadata: FrameLike | None = None,
    height: int = 640,
) -> ExplorerWidget:
    """Return a widget that shows rows on the map of a fitted estimator.

    Raise SettingError if anywidget is not installed, or if ``metadata`` is given and the estimator
    was fitted to a table that has other columns than numbers. Raise DataError if the numbers of
    rows, labels and metadata differ.
    """
    widget_class = _widget_class()
    if metadata is not None:
        if estimator.table_ is not None and not estimator.table_.is_numeric:
            raise SettingError(
                "metadata: expected a model of rows of numbers, found a model of a table: fit a "
                "latentmap.data.Table that contains these columns with the role 'identifier'"
            )
        rows = add_metadata(rows, metadata)
    if labels is not None:
        rows = copy.copy(rows)
        rows.labels = check_labels("labels", labels, len(rows))
    scene = Scene(estimator, rows, max_rows=MAX_EXPORTED_ROWS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        export_page(scene, path)
        page = path.read_text(encoding="utf-8")
    return widget_class(page, scene.original_indices, height)


@functools.cache
def _widget_class() -> Any:
    """Return the class of the widget, which is defined when anywidget is first needed."""
    try:
        import anywidget
        import traitlets
    except ModuleNotFoundError:
        raise SettingError(
            "explore: expected the package anywidget, found no such package: install "
            "latentmap[notebook]"
        ) from None

    class Widget(anywidget.AnyWidget):
        """The page in a frame, and the rows that are selected on it."""

        _esm = SCRIPT
        page = traitlets.Unicode().tag(sync=True)
        height = traitlets.Int().tag(sync=True)
        selected_points = traitlets.List(traitlets.Int()).tag(sync=True)
        selected = traitlets.Any(read_only=True)

        def __init__(self, page: str, row_numbers: np.ndarray, height: int) -> None:
            self._row_numbers = row_numbers
            super().__init__(page=page, height=height)
            self.set_trait("selected", np.array([], dtype=np.int64))

        @traitlets.observe("selected_points")
        def _select(self, change: dict[str, Any]) -> None:
            self.set_trait("selected", self._row_numbers[np.array(change["new"], dtype=np.intp)])

    return Widget
