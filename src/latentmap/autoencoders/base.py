"""Base class of the estimators: encoding, decoding, scores, sampling and pictures.

All methods use the networks that a fit creates, or their weights in a model file.
"""

from __future__ import annotations

import os
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import estimator_html_repr

from latentmap.autoencoders.imputation import impute
from latentmap.autoencoders.network_application import (
    decode_codes,
    encode_rows,
    reconstruction_errors,
)
from latentmap.autoencoders.network_estimator import NetworkEstimator
from latentmap.autoencoders.notebook_display import (
    explore_rows,
    figures_as_html,
    fit_figures,
    plot_codes,
)
from latentmap.autoencoders.numeric_model import NumericModel
from latentmap.data.array_checks import check_result
from latentmap.data.code_checks import check_codes
from latentmap.data.memory import check_requested_memory
from latentmap.data.types import DataLike, FrameLike
from latentmap.number_checks import check_number
from latentmap.training.config import random_generator

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from latentmap.explorer.widget import ExplorerWidget

# Maximum number of fitted rows whose codes and errors are measured after a fit.
MAX_MEASURED_ROWS = 10_000


class BaseAutoEncoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, NetworkEstimator):
    """Base class of `AutoEncoder`, `VariationalAutoEncoder` and `LatentMap`."""

    def transform(self, X: DataLike) -> np.ndarray:
        """Encode rows.

        Parameters
        ----------
        X : array-like of shape (n, ...), sparse matrix, data frame, or Source
            Raw rows with the columns or the shape of the fitted ones.

        Returns
        -------
        ndarray of shape (n, n_components)
            Codes, float32. Each code depends on its own row only.

        Raises
        ------
        DataError
            If the rows differ in shape or columns from the fitted ones.
        """
        return check_result("codes", self._encode(X))

    def _encode(self, X: DataLike) -> np.ndarray:
        """Encode rows; a map overrides this method, because it also uses stored rows."""
        return encode_rows(self._check_fitted(), X)

    def inverse_transform(self, X: ArrayLike) -> np.ndarray:
        """Decode codes.

        Parameters
        ----------
        X : array-like of shape (n, n_components)
            Codes.

        Returns
        -------
        ndarray of shape (n, ...)
            Rows with the shape and units of the fitted ones, float32. They are dense even if the
            fitted rows were sparse.

        Raises
        ------
        DataError
            If the number of components is wrong.
        """
        rows = self._decode(X)
        if self.table_ is not None:
            return self.table_.decode(rows)
        return rows if self.row_offset_ is None else rows + self.row_offset_

    def _decode(self, X: ArrayLike, block_size: int | None = None) -> np.ndarray:
        """Decode codes to rows of numbers, which are encoded rows if a table was fitted.

        ``block_size`` is the number of codes that the decoder takes at once; see `predict`.
        """
        codes = check_codes(X, self._check_fitted()._n_features_out)
        return check_result("decoded rows", decode_codes(self, codes, block_size))

    def impute(
        self, X: DataLike, return_confidence: bool = False
    ) -> FrameLike | tuple[FrameLike, np.ndarray]:
        """Fill the missing values of a table.

        An estimate is the weighted mean of the conditional mean in a Gaussian of the fitted rows,
        and of the reconstruction of the row that this conditional mean completes. The weight of the
        reconstruction was chosen for each column during `fit`, by hiding known values of the
        validation rows.

        Parameters
        ----------
        X : data frame or Source
            A table with the columns of the fitted one.
        return_confidence : bool
            Whether to return the confidence in the filled values as well.

        Returns
        -------
        filled : data frame
            X with its missing values filled. Known values, types, the index, and columns that are
            not fitted stay as they are. Each row depends on its own values only.
        confidence : ndarray of shape (n, n_columns)
            Only with ``return_confidence``: from 0 to 1, and NaN for values that were not filled.
            For categories and Booleans, it is the estimated probability of the filled value.
            For other columns, it is 1 − RMSE / standard deviation, where the RMSE is that of the
            hidden values of the column, or 0 if this is negative.

        Raises
        ------
        DataError
            If the estimator was not fitted to a table, or the columns are not the fitted ones.

        Examples
        --------
        >>> import pandas as pd
        >>> from latentmap import AutoEncoder
        >>> X = pd.DataFrame({"size": range(100), "kind": ["small"] * 50 + ["large"] * 50})
        >>> ae = AutoEncoder(1, epochs=1, random_state=0).fit(X)
        >>> ae.impute(pd.DataFrame({"size": [5.0, 95.0], "kind": [None, "large"]}))
           size   kind
        0   5.0  small
        1  95.0  large
        """
        return impute(self._check_fitted(), X, return_confidence)

    def reconstruction_error(self, X: DataLike) -> np.ndarray:
        """Return the reconstruction error of each row.

        Parameters
        ----------
        X : array-like of shape (n, ...), sparse matrix, data frame, or Source

        Returns
        -------
        ndarray of shape (n,)
            Mean squared error over the numbers of each row after scaling: images are scaled to
            0–1, and real values to a standard deviation of 1.
        """
        return check_result("reconstruction errors", reconstruction_errors(self._check_fitted(), X))

    def score(self, X: DataLike, y: object = None) -> float:
        """Return the score of rows; higher is better.

        Parameters
        ----------
        X : array-like of shape (n, ...), sparse matrix, data frame, or Source
        y : None
            Ignored.

        Returns
        -------
        float
            The negative mean of `reconstruction_error`. For a `VariationalAutoEncoder`, the mean
            evidence lower bound in nats per row, −(reconstruction + divergence), for any ``beta``
            and from one random code per row; for real values, without the Gaussian's constants.
        """
        losses = check_result("losses", self._row_losses(X))
        return -float(losses.mean(dtype=np.float64))

    def _row_losses(self, X: DataLike) -> np.ndarray:
        """Return the loss of each row; `score` is its negative mean."""
        return self.reconstruction_error(X)

    def sample(self, n_samples: int = 1) -> np.ndarray:
        """Generate rows by decoding codes that are drawn from the distribution of the codes.

        Raise SettingError if ``n_samples`` is below 1.

        Returns
        -------
        ndarray of shape (n_samples, ...)
            Rows, float32. An integer ``random_state`` makes them repeatable.
        """
        self._check_fitted()
        check_number("n_samples", n_samples, Integral, 1)
        check_requested_memory(
            "n_samples", 16 * n_samples * (self.n_features_in_ + self._n_features_out)
        )
        rng = random_generator(self.random_state)
        return self.inverse_transform(self._draw_codes(n_samples, rng))

    def export(self, path: str | os.PathLike[str], part: str = "encoder") -> None:
        """Write the encoder or the decoder to an ONNX file, which runs without latentmap.

        The file contains the preprocessing, the network, and the placement of a map.
        docs/export.md describes the names and types of its inputs and outputs.

        Parameters
        ----------
        path : path-like
        part : {"encoder", "decoder"}
            "encoder" computes `transform`, and "decoder" computes `inverse_transform`.

        Raises
        ------
        SettingError
            If onnx is not installed (the extra ``onnx``), or if ONNX cannot describe the model:
            columns of texts, networks of the user, and activations that only Keras has.
        FileError
            If the file cannot be written.
        TooLargeError
            If the weights and stored rows take more than 2 GiB.

        Examples
        --------
        >>> import pytest
        >>> onnxruntime = pytest.importorskip("onnxruntime")
        >>> import tempfile, pathlib
        >>> from sklearn.datasets import load_iris
        >>> from latentmap import AutoEncoder
        >>> X, path = load_iris().data, pathlib.Path(tempfile.mkdtemp()) / "iris.onnx"
        >>> ae = AutoEncoder(2, epochs=2, random_state=0).fit(X)
        >>> ae.export(path)
        >>> (codes,) = onnxruntime.InferenceSession(path).run(["codes"], {"rows": X})
        >>> bool(np.allclose(codes, ae.transform(X), atol=1e-4))
        True
        """
        from latentmap.export.model_export import export_model

        export_model(self._check_fitted(), path, part)

    def plot(
        self,
        X: DataLike | None = None,
        *,
        labels: ArrayLike | None = None,
        ax: Axes | None = None,
        title: str | None = None,
    ) -> Axes:
        """Draw codes as points, coloured by label.

        Parameters
        ----------
        X : array-like of shape (n, ...), sparse matrix, data frame, or Source, optional
            Rows to draw; by default the fitted rows of a map that stores all of them.
        labels : array-like of shape (n,), optional
            Classes or numbers; by default the labels of a Source.
        ax : matplotlib.axes.Axes, optional
        title : str, optional

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        SettingError
            If there are no rows to draw.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from latentmap import LatentMap
        >>> X, y = load_iris(return_X_y=True)
        >>> m = LatentMap(epochs=1, random_state=0).fit(X)
        >>> m.plot(labels=y).get_aspect()
        1.0
        """
        return plot_codes(self._check_fitted(), X, labels, ax, title)

    def explore(
        self,
        X: DataLike,
        *,
        labels: ArrayLike | None = None,
        metadata: FrameLike | None = None,
        height: int = 640,
    ) -> ExplorerWidget:
        """Show rows in the explorer, as a widget of a notebook.

        Parameters
        ----------
        X : array-like of shape (n, ...), sparse matrix, data frame, or Source
            Rows to show.
        labels : array-like of shape (n,), optional
        metadata : data frame of n rows, optional
            Columns to show beside rows of numbers.
        height : int
            Height in pixels.

        Returns
        -------
        ExplorerWidget
            Its attribute ``selected`` holds the numbers of the rows that are selected on the page.

        Raises
        ------
        SettingError
            If anywidget is not installed (the extra ``notebook``), or if ``metadata`` is given and
            the estimator was fitted to a table that has other columns than numbers.
        DataError
            If the numbers of rows, labels and metadata differ.

        Examples
        --------
        >>> import pytest
        >>> anywidget = pytest.importorskip("anywidget")
        >>> from latentmap import AutoEncoder
        >>> X = np.random.default_rng(0).normal(size=(60, 4))
        >>> w = AutoEncoder(2, epochs=1, random_state=0).fit(X).explore(X)
        >>> w.selected.tolist()
        []
        """
        return explore_rows(self._check_fitted(), X, labels, metadata, height)

    def _html_repr(self) -> str:
        """Return scikit-learn's HTML representation, and the figures of the fit."""
        text = estimator_html_repr(self)
        if not self.__sklearn_is_fitted__():
            return text
        return text + figures_as_html(fit_figures(self))

    @property
    def scale_(self) -> np.ndarray:
        """Divisor of rows before the network, float32, of shape () or of the shape of a row.

        For a table, the standard deviation of each column of numbers, and NaN for other columns.
        A difference d between rows is d / ``scale_`` in the units of `reconstruction_error`.
        """
        table = self._check_fitted().table_
        if table is not None:
            return table.scales().astype(np.float32)
        scale = np.asarray(self._state.scale, np.float32)
        return scale.reshape(self.row_shape_) if scale.ndim else scale

    def numeric_view(self) -> NumericModel:
        """Return a view of the estimator that takes and returns encoded rows of a table."""
        return NumericModel(self._check_fitted())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
