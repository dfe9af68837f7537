"""Run of ONNX graphs that a test builds."""

import numpy as np
import pytest


@pytest.fixture
def evaluate():
    """Return a function that evaluates the outputs of an `OnnxGraph`."""
    onnxruntime = pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")

    def evaluate(graph, inputs):
        content = graph.to_model({}).SerializeToString()
        session = onnxruntime.InferenceSession(content)
        names = [output.name for output in session.get_outputs()]
        results = session.run(names, {name: np.asarray(x) for name, x in inputs.items()})
        return dict(zip(names, results, strict=True))

    return evaluate
