"""Training, encoding and outlier scores on several processes or machines, with Ray."""

from latentmap.distributed.workers import Workers

__all__ = ["Workers"]
