"""Many processes, on one machine or on many: training, encoding and judging rows over Ray.

`Workers` is the door. Nothing here imports Ray before a block of workers is entered.
"""

from latentmap.distributed.workers import Workers

__all__ = ["Workers"]
