"""The training loop with its settings, callbacks and strategies."""

from latentmap.backend import start_engine

start_engine()
