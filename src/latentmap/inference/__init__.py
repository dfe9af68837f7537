"""Networks of fitted models as graphs of operations, which NumPy evaluates without an engine."""
