"""LatentMap: layout, landmarks, networks, placement and diagnostics of a map."""

from latentmap.backend import start_engine

start_engine()
