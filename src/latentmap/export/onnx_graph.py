"""Construction of an ONNX model node by node.

Operators are those of opset 18, which onnxruntime supports since version 1.14.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from latentmap.errors import SettingError, TooLargeError

if TYPE_CHECKING:
    import onnx

# The name of a tensor in the graph, or the array of a constant.
Tensor: TypeAlias = str | np.ndarray | np.generic

OPSET, ML_OPSET, IR_VERSION = 18, 3, 8
ML_DOMAIN = "ai.onnx.ml"
MAX_FILE_BYTES = 2**31 - 2**20  # Protocol buffers are limited to 2 GiB.


class FileTensor(NamedTuple):
    """An input or output of an ONNX file; ``shape`` is that of one row, and ``dtype`` its type."""

    kind: str
    name: str
    dtype: str
    shape: tuple[int, ...]


class OnnxGraph:
    """ONNX graph under construction.

    Parameters
    ----------
    names : collection of str
        Names of the inputs and outputs, which no other tensor may have.

    Attributes
    ----------
    tensors : list of FileTensor
        Inputs and outputs.

    Raises
    ------
    SettingError
        If onnx is not installed, or two names are equal, or a name is empty.

    Examples
    --------
    >>> import pytest
    >>> onnx = pytest.importorskip("onnx")
    >>> graph = OnnxGraph(["x", "y"])
    >>> x = graph.add_input("x", np.float32, (3,))
    >>> graph.add_output("y", graph.add("Mul", x, np.float32(2)), np.float32, (3,))
    >>> onnx.checker.check_model(graph.to_model({}))
    """

    def __init__(self, names: Sequence[str]) -> None:
        try:
            import onnx
        except ImportError:
            raise SettingError("onnx is not installed; run pip install latentmap[onnx]") from None
        for name in names:
            if not name or names.count(name) > 1:
                raise SettingError(
                    f"{name!r}: expected different names of columns, none of them empty or "
                    "'codes', because they are the names of inputs and outputs in an ONNX file"
                )
        self._onnx, self._names = onnx, set(names)
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self.tensors: list[FileTensor] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def add_input(self, name: str, dtype: type, row_shape: Sequence[int]) -> str:
        """Add an input of n rows, and return its name; ``dtype`` is `str` for strings."""
        self._inputs.append(self._describe("input", name, dtype, row_shape))
        return name

    def add_output(self, name: str, tensor: str, dtype: type, row_shape: Sequence[int]) -> None:
        """Name a tensor of n rows as an output."""
        self._nodes.append(self._onnx.helper.make_node("Identity", [tensor], [name]))
        self._outputs.append(self._describe("output", name, dtype, row_shape))

    def add(self, operator: str, *inputs: Tensor, **attributes: object) -> str:
        """Add a node, and return the name of its first output."""
        output = self._new_name(operator)
        self._add(operator, inputs, [output], attributes)
        return output

    def add_top_k(self, x: Tensor, k: int) -> tuple[str, str]:
        """Return the k smallest numbers of each row in ascending order, and their indices."""
        outputs = (self._new_name("values"), self._new_name("indices"))
        self._add("TopK", (x, np.array([k])), outputs, {"largest": 0})
        return outputs

    def add_sum(self, x: Tensor, axis: int, keepdims: int = 0) -> str:
        """Return the sums along an axis."""
        return self.add("ReduceSum", x, np.array([axis]), keepdims=keepdims)

    def cast(self, x: Tensor, dtype: type) -> str:
        """Convert a tensor to a NumPy type."""
        return self.add("Cast", x, to=self._element_type(dtype))

    def columns(self, x: Tensor, start: int, stop: int) -> str:
        """Return the columns of a tensor from ``start`` to ``stop``."""
        return self.add("Slice", x, np.array([start]), np.array([stop]), np.array([1]))

    def to_model(self, metadata: Mapping[str, str]) -> onnx.ModelProto:
        """Return the model with key-value pairs; raise TooLargeError above 2 GiB."""
        if sum(constant.ByteSize() for constant in self._constants) > MAX_FILE_BYTES:
            raise TooLargeError("export: expected less than 2 GiB of weights, found more")
        helper = self._onnx.helper
        graph = helper.make_graph(
            self._nodes, "latentmap", self._inputs, self._outputs, self._constants
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML_DOMAIN, ML_OPSET)]
        model = helper.make_model(
            graph, producer_name="latentmap", opset_imports=opsets, ir_version=IR_VERSION
        )
        helper.set_model_props(model, dict(metadata))
        return model

    def _add(
        self,
        operator: str,
        inputs: Collection[Tensor],
        outputs: Sequence[str],
        attributes: Mapping[str, object],
    ) -> None:
        names = [x if isinstance(x, str) else self._add_constant(np.asarray(x)) for x in inputs]
        self._nodes.append(self._onnx.helper.make_node(operator, names, outputs, **attributes))

    def _add_constant(self, array: np.ndarray) -> str:
        name = self._new_name("constant")
        array = array.astype(object) if array.dtype.kind == "U" else array
        self._constants.append(self._onnx.numpy_helper.from_array(array, name))
        return name

    def _new_name(self, kind: str) -> str:
        name = f"{kind}_{len(self._names)}"
        while name in self._names:
            name += "_"
        self._names.add(name)
        return name

    def _describe(self, kind: str, name: str, dtype: type, row_shape: Sequence[int]) -> Any:
        type_name = "string" if dtype is str else np.dtype(dtype).name
        self.tensors.append(FileTensor(kind, name, type_name, tuple(row_shape)))
        return self._onnx.helper.make_tensor_value_info(
            name, self._element_type(dtype), ["n", *row_shape]
        )

    def _element_type(self, dtype: type) -> int:
        if dtype is str:
            return int(self._onnx.TensorProto.STRING)
        return int(self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
