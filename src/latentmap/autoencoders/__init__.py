"""Autoencoders with the interface of scikit-learn, and their model files."""

from latentmap.backend.postponed_imports import postpone_imports

with postpone_imports():
    import sklearn.base  # noqa: F401
