"""How a network is fitted to rows."""

from latentmap.backend import start_engine

start_engine()
