"""The mathematics of the networks, in Keras layers and `keras.ops` only.

Keras picks its engine when it is first imported; so it is started here, before any module does.
"""

from latentmap.backend import start_engine

start_engine()
