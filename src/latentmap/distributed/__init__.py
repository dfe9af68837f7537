"""Training, encoding and outlier scores on several processes or machines, with Ray.

Ray is imported only when the context manager `Workers` is entered.
"""

from latentmap.distributed.workers import Workers

__all__ = ["Workers"]
