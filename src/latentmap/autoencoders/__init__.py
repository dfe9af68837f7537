"""Autoencoders with the interface of scikit-learn, and their model files."""

from latentmap.backend import start_engine

start_engine()
