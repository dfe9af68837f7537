"""Export of the encoder or the decoder of a fitted model to an ONNX file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from latentmap.errors import SettingError, UnknownNameError
from latentmap.export.column_nodes import decode_table, encode_table, tensor_names
from latentmap.export.network_nodes import ACTIVATIONS, add_network
from latentmap.export.onnx_graph import FileTensor, OnnxGraph
from latentmap.export.placement_nodes import combine_with_local_mean, limit_codes, place_rows
from latentmap.files import write_atomically
from latentmap.maps.latent_map import LatentMap

if TYPE_CHECKING:
    from latentmap.autoencoders.base import BaseAutoEncoder
    from latentmap.networks.network_graphs import NetworkGraphs

PARTS = ("encoder", "decoder")


def export_model(
    estimator: BaseAutoEncoder, path: str | os.PathLike[str], part: str = "encoder"
) -> list[FileTensor]:
    """Write the encoder or the decoder of a fitted estimator; see `BaseAutoEncoder.export`.

    Return the inputs and outputs of the file.
    """
    if part not in PARTS:
        raise UnknownNameError("part", part, PARTS)
    graphs, table = _check_networks(estimator), estimator.table_
    row_names = ["rows"] if table is None else tensor_names(table, part)
    g = OnnxGraph(["codes", *row_names])
    {"encoder": _add_encoder, "decoder": _add_decoder}[part](g, estimator, graphs)
    metadata = {
        "part": part,
        "estimator": type(estimator).__name__,
        "fingerprint": estimator.fingerprint(),
    }
    content = g.to_model(metadata).SerializeToString()
    with write_atomically(path) as temporary_path:
        temporary_path.write_bytes(content)
    return g.tensors


def _check_networks(estimator: BaseAutoEncoder) -> NetworkGraphs:
    """Return the graphs of the networks; raise SettingError if ONNX cannot describe them."""
    graphs = estimator._networks.graphs
    if graphs is None:
        raise SettingError(
            "network: expected a network of latentmap to export, found a pair of Keras models, "
            'which encoder_.export(path, format="onnx") and decoder_.export export'
        )
    if names := graphs.unsupported_activations():
        raise SettingError(
            f"activation: expected one of {', '.join(ACTIVATIONS)} to export, found "
            f"{', '.join(sorted(names))}"
        )
    return graphs


def _add_encoder(g: OnnxGraph, estimator: BaseAutoEncoder, graphs: NetworkGraphs) -> None:
    if estimator.table_ is not None:
        rows = encode_table(g, estimator.table_)
    elif estimator.row_offset_ is not None:
        rows = g.add_input("rows", np.float64, estimator.row_shape_)
        rows = g.cast(g.add("Sub", rows, estimator.row_offset_.astype(np.float64)), np.float32)
    else:
        rows = g.add_input("rows", np.dtype(estimator.dtype_).type, estimator.row_shape_)
    weights = estimator._networks.node_weights()
    codes = add_network(g, graphs.code, weights, g.cast(rows, np.float32))
    if isinstance(estimator, LatentMap) and estimator._state.placement is not None:
        flat = g.add("Flatten", g.cast(rows, np.float64))
        codes = place_rows(g, estimator._state.placement, estimator._state.row_scale, flat, codes)
    g.add_output("codes", codes, np.float32, (estimator._n_features_out,))


def _add_decoder(g: OnnxGraph, estimator: BaseAutoEncoder, graphs: NetworkGraphs) -> None:
    codes = g.add_input("codes", np.float32, (estimator._n_features_out,))
    if isinstance(estimator, LatentMap):
        codes = limit_codes(g, codes, estimator.landmarks_)
    rows = add_network(g, graphs.scaled_row, estimator._networks.node_weights(), codes)
    if isinstance(estimator, LatentMap) and estimator._state.placement is not None:
        in_unit_range = estimator._state.row_scale.in_unit_range
        rows = combine_with_local_mean(g, estimator._state.placement, codes, rows, in_unit_range)
    offset, scale = (np.ravel(array).astype(np.float32) for array in graphs.spec.units())
    rows = g.add("Add", g.add("Mul", rows, scale), offset)
    if estimator.table_ is None:
        _add_rows(g, estimator, rows)
    else:
        decode_table(g, estimator.table_, rows)


def _add_rows(g: OnnxGraph, estimator: BaseAutoEncoder, flat_rows: str) -> None:
    """Add the output of a decoder that returns rows of numbers."""
    rows = g.add("Reshape", flat_rows, np.array([0, *estimator.row_shape_]))
    dtype: type = np.float32
    if estimator.row_offset_ is not None:
        dtype = np.float64
        rows = g.add("Add", g.cast(rows, dtype), estimator.row_offset_.astype(dtype))
    g.add_output("rows", rows, dtype, estimator.row_shape_)
