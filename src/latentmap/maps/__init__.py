"""LatentMap: layout, landmarks, networks, placement and diagnostics of a map."""

from latentmap.backend import choose_engine

choose_engine()
