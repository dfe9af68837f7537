import sys

import numpy as np
import pytest

from latentmap.errors import SettingError, TooLargeError
from latentmap.export import onnx_graph
from latentmap.export.onnx_graph import FileTensor, OnnxGraph

pytest.importorskip("onnx", reason="the extra onnx is not installed")


def test_tensors_do_not_take_the_names_of_columns(evaluate):
    names = ["constant_3", "Add_4", "Add_3"]
    graph = OnnxGraph(names)
    x = graph.add_input("constant_3", np.float32, (2,))
    graph.add_output("Add_4", graph.add("Add", x, np.float32(1)), np.float32, (2,))
    graph.add_output("Add_3", graph.add("Add", "Add_4", x), np.float32, (2,))
    outputs = evaluate(graph, {"constant_3": np.float32([[1, 2]])})
    assert outputs["Add_4"].tolist() == [[2, 3]]
    assert outputs["Add_3"].tolist() == [[3, 5]]


def test_the_smallest_numbers_are_sorted(evaluate):
    graph = OnnxGraph(["x", "values", "indices"])
    x = graph.add_input("x", np.float64, (4,))
    values, indices = graph.add_top_k(x, 2)
    graph.add_output("values", values, np.float64, (2,))
    graph.add_output("indices", indices, np.int64, (2,))
    outputs = evaluate(graph, {"x": [[4.0, 1.0, 3.0, 2.0]]})
    assert (outputs["values"].tolist(), outputs["indices"].tolist()) == ([[1, 2]], [[1, 3]])
    assert graph.tensors[0] == FileTensor("input", "x", "float64", (4,))


@pytest.mark.parametrize("names", [["codes", "codes"], ["codes", ""]])
def test_names_are_different_and_not_empty(names):
    with pytest.raises(SettingError, match="expected different names of columns"):
        OnnxGraph(names)


def test_a_missing_library_is_reported(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(SettingError, match=r"pip install latentmap\[onnx\]"):
        OnnxGraph(["codes"])


def test_a_file_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(onnx_graph, "MAX_FILE_BYTES", 1000)
    graph = OnnxGraph(["x"])
    graph.add("Add", graph.add_input("x", np.float32, (1,)), np.zeros(300, np.float32))
    with pytest.raises(TooLargeError, match="2 GiB"):
        graph.to_model({})
