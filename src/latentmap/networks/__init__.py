"""Networks and losses, which use Keras layers and `keras.ops` only.

Keras chooses its engine when it is first imported. The engine is therefore started here, before any
module of this package imports Keras.
"""

from latentmap.backend import start_engine

start_engine()
