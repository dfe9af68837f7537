"""How a network is fitted to rows."""

from latentmap.backend import start

start()
