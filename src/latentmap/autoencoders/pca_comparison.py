"""Comparison of a trained network with PCA on the validation rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from latentmap.autoencoders.table_fitting import find_loss, has_table_loss
from latentmap.backend import predict, to_numpy
from latentmap.preprocessing.pca_projection import (
    PrincipalComponents,
    pca_reconstruction_errors,
    pca_reconstructions,
    scale_rows,
)
from latentmap.preprocessing.scaling import Scale
from latentmap.preprocessing.table_pca import LinearModel, column_error, is_clearly_lower

if TYPE_CHECKING:
    from latentmap.autoencoders.autoencoder import AutoEncoder

MIN_VALIDATION_ROWS = 10  # Fewer rows cannot show that a network is better than PCA.
# Maximum distance of a code from the centre, divided by the median distance.
MAX_DISTANCE_RATIO = 5.0
MIN_STANDARD_ERRORS = 2.0  # Minimum advantage of a network over PCA, in standard errors.
# Minima for tables. Fewer validation rows suffice than for other data, because the inputs of these
# networks are clipped, and PCA is fitted without the validation rows. The advantage over PCA must
# also be at least MIN_TABLE_GAIN times the error of PCA.
MIN_TABLE_VALIDATION_ROWS, MIN_TABLE_STANDARD_ERRORS, MIN_TABLE_GAIN = 5, 1.5, 0.05
# Maximum number of groups of validation rows from which a standard error is estimated.
MAX_GROUPS = 10


def can_compare_with_pca(
    model: AutoEncoder, principal: PrincipalComponents, validation_rows: np.ndarray, scale: Scale
) -> bool:
    """Return whether the validation rows can show that a network is better than PCA.

    If some codes are extreme, new rows may be even more extreme. PCA extrapolates to such rows
    better than a network, so the network is not used.
    """
    minimum = MIN_TABLE_VALIDATION_ROWS if has_table_loss(model) else MIN_VALIDATION_ROWS
    is_large_enough = len(validation_rows) >= minimum
    # The networks of tables do not extrapolate, because their inputs are clipped.
    is_bounded = scale.in_unit_range or scale.allow_nan
    has_no_extremes = principal.max_distance_ratio <= MAX_DISTANCE_RATIO
    return is_large_enough and (is_bounded or has_no_extremes)


def beats_pca(
    model: AutoEncoder, principal: PrincipalComponents, validation_rows: np.ndarray, scale: Scale
) -> bool:
    """Return whether the errors of the validation rows are significantly below those of PCA.

    Except for tables, the comparison favours PCA, which was fitted to the validation rows too.
    """
    errors = predict(model._objective, validation_rows)[:, 1]
    scaled_rows = scale_rows(validation_rows, scale)
    if has_table_loss(model):
        reconstructions = pca_reconstructions(scaled_rows, principal).astype(np.float32)
        errors_of_rows = find_loss(model, "table").error(validation_rows, reconstructions)
        pca_errors = to_numpy(errors_of_rows)
    else:
        pca_errors = pca_reconstruction_errors(scaled_rows, principal)
    gain = pca_errors - errors
    standard_error = gain.std(ddof=1) / np.sqrt(len(gain))
    if not has_table_loss(model):
        return bool(gain.mean() > MIN_STANDARD_ERRORS * standard_error)
    minimum = max(
        MIN_TABLE_STANDARD_ERRORS * standard_error, MIN_TABLE_GAIN * float(pca_errors.mean())
    )
    return bool(gain.mean() > minimum)


def decodes_better_than_pca(
    model: AutoEncoder,
    linear: LinearModel,
    principal: PrincipalComponents,
    validation_rows: np.ndarray,
) -> bool:
    """Return whether the columns of a table have a clearly lower error than those of PCA.

    The loss of a network favours probabilities, but users see the likeliest categories.
    """
    view, x = model.numeric_view(), linear.convert(validation_rows)
    network_rows = view.inverse_transform(view.transform(validation_rows))
    pca_rows = pca_reconstructions(np.nan_to_num(x), principal).astype(np.float32)

    def network_error(mask: np.ndarray) -> float:
        return column_error(linear.fitted_encoder, validation_rows[mask], network_rows[mask])

    def pca_error(mask: np.ndarray) -> float:
        return column_error(linear.encoder, x[mask], pca_rows[mask])

    n_groups = min(len(x), MAX_GROUPS)
    return is_clearly_lower(network_error, pca_error, np.arange(len(x)) % n_groups)
