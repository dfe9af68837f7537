"""What users hold: scikit-learn estimators over the networks."""

from latentmap.backend import start_engine

start_engine()
