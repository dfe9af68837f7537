"""The encoder and the stored rows of a model, in the form in which the page places new rows.

The description is JSON, and refers to arrays in one block of bytes. ``page/encoder.js`` evaluates
the graph of the encoder, ``page/csv_cells.js`` encodes the cells of a file, and
``page/placement.js`` searches the stored rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.explorer.json_values import to_json
from latentmap.explorer.row_images import RowImages
from latentmap.inference.activations import ACTIVATIONS
from latentmap.inference.evaluator import Evaluator, Weights
from latentmap.inference.graph import Node, topological_order
from latentmap.preprocessing import neighbors, scaling
from latentmap.preprocessing.category_columns import BooleanColumn, CategoryColumn
from latentmap.preprocessing.column_types import is_time_type
from latentmap.preprocessing.encoded_columns import Column
from latentmap.preprocessing.number_columns import NumberColumn
from latentmap.preprocessing.table_encoder import TableEncoder

if TYPE_CHECKING:
    from latentmap.autoencoders.base import BaseAutoEncoder
    from latentmap.explorer.table_columns import TableColumns
    from latentmap.maps.placement import Placement
    from latentmap.preprocessing.table_encoder import TableEncoder

# Operations that encoder.js evaluates.
OPERATIONS = {
    *("input", "scale", "unscale", "dense", "convolution", "normalize", "activation", "dropout"),
    *("clip", "reshape", "columns", "concatenate", "add"),
    *("replace_missing", "is_missing", "around_mode"),
}
PAGE_ACTIVATIONS = ACTIVATIONS.keys() - {"gelu"}  # JavaScript has no normal distribution function.
# Kernels are float16 if no code of a sample of rows changes by more than this, else float32.
MAX_CODE_CHANGE = 2e-4
_KERNELS = ("dense", "convolution")
_ALIGNMENT = 8
_PLACEMENT_CONSTANTS = (
    *("CLUSTER_NEIGHBORS", "WIDE_WINDOW", "NARROW_SQUARINGS", "ENCODER_WINDOW"),
    *("WIDE_DECAY", "NARROW_DECAY", "MIN_AGREEMENT", "MIN_CLUSTER_VOTE", "GROUP_WEIGHTS", "TINY"),
)


@dataclass(frozen=True)
class PageEncoder:
    """Encoder and stored rows of a model for the page, or the reason why the page has none.

    Attributes
    ----------
    graph : dict or None
        Graph of the encoder and description of the stored rows, as JSON values.
    content : bytes or None
        The arrays that the graph refers to.
    unsupported : str or None
        Why the page cannot place new rows, as the end of a sentence.
    table : TableEncoder or None
        Columns of the model if it was fitted to a table.
    """

    graph: dict[str, Any] | None = None
    content: bytes | None = None
    unsupported: str | None = None
    table: TableEncoder | None = None

    def describe(
        self, display: RowImages | TableColumns, names: list[str]
    ) -> dict[str, Any] | None:
        """Return the graph, and how pixels or columns of a file are converted to rows.

        ``names`` are those of the numbers of a row that is not an image.
        """
        return None if self.graph is None else {**self.graph, **self._row_format(display, names)}

    def _row_format(self, display: RowImages | TableColumns, names: list[str]) -> dict[str, Any]:
        row_format: dict[str, Any]
        if self.table is not None:
            row_format = {"columns": describe_columns(self.table)}
        elif isinstance(display, RowImages):
            channels = display.shape[2] if len(display.shape) == 3 else 1
            row_format = {"low": float(display.low), "high": float(display.high)}
            row_format["channels"] = channels
        else:
            slices = [column.encoded_slice for column in display.columns]
            displayed = [None if s is None else s.start for s in slices]
            row_format = {"names": names, "displayed": displayed}
        return {"row_format": row_format}


class ArrayBlock:
    """Arrays one after another, each at a multiple of eight bytes."""

    def __init__(self) -> None:
        self.content = bytearray()

    def add(self, array: np.ndarray) -> dict[str, Any]:
        """Append an array, and return its type, position and number of values."""
        self.content.extend(bytes(-len(self.content) % _ALIGNMENT))
        start = len(self.content)
        array = np.asarray(array)
        self.content.extend(array.astype(array.dtype.newbyteorder("<")).tobytes())
        return {"type": array.dtype.name, "start": start, "length": array.size}


def describe_unsupported(estimator: BaseAutoEncoder) -> str | None:
    """Return why the page cannot place new rows, as the end of a sentence; None if it can."""
    table = estimator.table_
    if table is not None and (unsupported := describe_unsupported_column(table)):
        return unsupported
    graphs = estimator._networks.graphs
    if estimator._n_features_out > 2:
        return "the codes of the model have more than two components"
    nodes = [] if graphs is None else topological_order(graphs.code)
    names = {node.settings.get("activation", "linear") for node in nodes}
    operations = {node.operation for node in nodes}
    if not nodes or operations - OPERATIONS or names - PAGE_ACTIVATIONS:
        return "the network of the model has layers that the page cannot compute"
    return None


def make_page_encoder(estimator: BaseAutoEncoder, rows: np.ndarray) -> PageEncoder:
    """Return the encoder and the stored rows of a fitted model.

    Parameters
    ----------
    estimator : AutoEncoder, VariationalAutoEncoder or LatentMap
    rows : ndarray of shape (n, ...)
        Rows that determine the precision of the weights.

    Examples
    --------
    >>> from latentmap import AutoEncoder
    >>> X = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
    >>> encoder = make_page_encoder(AutoEncoder(2, network="linear", random_state=0).fit(X), X)
    >>> [node["operation"] for node in encoder.graph["nodes"]]
    ['input', 'scale', 'scale', 'reshape', 'dense']
    """
    if unsupported := describe_unsupported(estimator):
        return PageEncoder(unsupported=unsupported)
    graphs = estimator._networks.graphs
    assert graphs is not None
    arrays = ArrayBlock()
    weights = _round_kernels(graphs.code, estimator._networks.node_weights(), rows)
    nodes = describe_graph(graphs.code, weights, arrays)
    graph: dict[str, Any] = {"nodes": nodes, "placement": None}
    placement = getattr(estimator._state, "placement", None)
    if placement is not None:
        units = {name: arrays.add(getattr(estimator._state, name)) for name in ("offset", "scale")}
        graph["placement"] = units | _describe_placement(placement, arrays)
    return PageEncoder(graph, bytes(arrays.content), table=estimator.table_)


def describe_graph(output: Node, weights: Weights, arrays: ArrayBlock) -> list[dict[str, Any]]:
    """Add the weights of a graph to ``arrays``, and return its nodes as JSON values."""
    nodes = topological_order(output)
    indices = {node: i for i, node in enumerate(nodes)}
    return [
        {
            "operation": node.operation,
            "inputs": [indices[operand] for operand in node.inputs],
            "input_shape": node.inputs[0].shape if node.inputs else (),
            "settings": {name: to_json(value) for name, value in node.settings.items()},
            "weights": [arrays.add(array) for array in weights.get(node, ())],
        }
        for node in nodes
    ]


def _round_kernels(output: Node, weights: Weights, rows: np.ndarray) -> Weights:
    """Return the weights with kernels of float16, unless that changes codes too much."""
    rounded = {
        node: [
            a.astype(np.float16) if a.ndim > 1 and node.operation in _KERNELS else a for a in arrays
        ]
        for node, arrays in weights.items()
    }
    change = np.abs(Evaluator(output, rounded)(rows) - Evaluator(output, weights)(rows))
    return rounded if change.max() <= MAX_CODE_CHANGE else weights


def _describe_placement(placement: Placement, arrays: ArrayBlock) -> dict[str, Any]:
    """Add the stored rows in the order of their cells, and return their description."""
    fitted = placement.fitted
    cells, centers = fitted.index.cells(), fitted.index.centers
    order = np.argsort(cells, kind="stable")
    sizes = np.bincount(cells, minlength=len(centers))
    stored_arrays = {
        "row_mean": fitted.row_mean,
        "components": fitted.components,
        "points": fitted.points[order],
        "positions": fitted.positions[order],
        "centers": centers.astype(np.float32),
        "starts": np.cumsum([0, *sizes]).astype(np.uint32),
        "direction_matrix": fitted.direction_matrix,
        "direction_offset": fitted.direction_offset,
    }
    return {
        "n_neighbors": placement.n_neighbors,
        "window": placement.window,
        "encoder_weight": placement.encoder_weight,
        "penalty": placement.penalty or 0.0,
        "groups": _describe_groups(placement, order, arrays),
        "point_scale": fitted.point_scale,
        "constants": _placement_constants(),
        **{k: None if a is None else arrays.add(a) for k, a in stored_arrays.items()},
    }


def _placement_constants() -> dict[str, Any]:
    """Return the constants that the page shares with the placement in Python."""
    from latentmap.maps import directions, placement

    return {
        **{name: getattr(neighbors, name) for name in ("MIN_CELLS", "MAX_CELLS", "MAX_CELL_RATIO")},
        **{name: getattr(placement, name) for name in _PLACEMENT_CONSTANTS},
        "ROUNDING": directions.ROUNDING,
        "MIN_LENGTH": scaling.TINY,
    }


def _describe_groups(
    placement: Placement, order: np.ndarray, arrays: ArrayBlock
) -> list[dict[str, Any]]:
    """Return the sizes of groups of rows, and add the rows that can be members in a given order."""
    if not placement.penalty:
        return []
    new_indices = np.argsort(order).astype(np.uint32)
    return [
        {"size": group.size, "candidates": arrays.add(new_indices[:: group.step])}
        for group in placement.fitted.groups
    ]


def describe_unsupported_column(table: TableEncoder) -> str | None:
    """Return the first column that the page cannot encode, as the end of a sentence, or None."""
    for column in table.columns:
        if column.width and _describe(column) is None:
            return f"the page cannot encode the column {column.name}, which contains {column.role}s"
    return None


def describe_columns(table: TableEncoder) -> list[dict[str, Any]]:
    """Return the columns that have encoded numbers, as JSON values."""
    descriptions = [_describe(column) for column in table.columns if column.width]
    return [description for description in descriptions if description is not None]


def _describe(column: Column) -> dict[str, Any] | None:
    """Return a column as JSON values; None if the page cannot encode it."""
    if isinstance(column, NumberColumn):
        is_duration = column.type.startswith("duration")
        kind = "duration" if is_duration else "date" if is_time_type(column.type) else "number"
        numbers = {name: getattr(column, name) for name in ("mean", "scale", "arsinh_scale")}
        return {"name": column.name, "kind": kind, **numbers}
    if isinstance(column, BooleanColumn):
        strings = column.boolean_strings or ["false", "true"]
        shares, levels = [column.share], [[strings[1]], [strings[0]]]
    elif isinstance(column, CategoryColumn):
        shares = column.shares.tolist()
        levels = [[level] for level in column.levels]
        if column.rare:
            levels[-1] = column.rare
    else:
        return None
    # A Boolean has two levels, but one encoded number, that of true.
    shared = {"name": column.name, "kind": "category", "weight": column.weight}
    return {**shared, "shares": shares, "levels": levels}
