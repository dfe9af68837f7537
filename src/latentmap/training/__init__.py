"""The training loop with its settings, callbacks and strategies."""

from latentmap.backend import choose_engine

choose_engine()
