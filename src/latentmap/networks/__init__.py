"""Networks and losses, which use Keras layers and `keras.ops` only.

Keras chooses its engine when it is first imported. The engine is therefore chosen here, before any
module of this package imports Keras. The settings and the graphs of the networks need no Keras, so
that a fitted model can be loaded and applied without it.
"""

from latentmap.backend import choose_engine

choose_engine()
