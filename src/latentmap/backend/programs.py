"""Release of compiled programs that are no longer used.

Models refer to themselves, so that only a garbage collection frees a model and its compiled
programs, and JAX stores the traces of programs until its caches are cleared. Many fits in one
process would therefore need more and more memory. A layer without ``compute_output_shape`` would
need more memory in each fit even so: Keras would find its output's shape by a trace with a new
symbolic dimension, which stays in caches of JAX that cannot be cleared.
"""

import gc
import itertools

from latentmap.backend.engine import start_engine

# A release takes about as long as the fit of a few rows, because later calls compile again.
FITS_PER_RELEASE = 32

_FIT_NUMBERS = itertools.count(1)


def count_fit() -> None:
    """Count a fit of this process, and release unused programs after every 32 fits.

    Examples
    --------
    >>> count_fit()
    """
    if next(_FIT_NUMBERS) % FITS_PER_RELEASE == 0:
        release_programs()


def release_programs() -> None:
    """Free the compiled programs of deleted models, and clear JAX's caches in memory.

    Programs that are still used are loaded again from JAX's cache on the disk.
    """
    gc.collect()
    if start_engine().backend.backend() == "jax":
        import jax

        jax.clear_caches()
