"""The map: where you would use t-SNE or UMAP."""

from typing import Any

import numpy as np

from latentmap.autoencoders.validation import fitting_rows
from latentmap.data.code_checks import check_layout
from latentmap.data.memory import check_memory, fit_memory_bytes
from latentmap.data.sources import ArraySource
from latentmap.errors import SettingError
from latentmap.maps.defaults import (
    FORTH,
    both_ways,
    epochs_for_map,
    layer_sizes,
    training_for,
)
from latentmap.maps.incremental.partial_fit import Growing
from latentmap.maps.landmarks import MOST, LandmarkSet, choose_landmarks
from latentmap.maps.layout_extension import find_positions
from latentmap.maps.map_networks import MapNetworks, MapParts, assemble_map
from latentmap.networks.dense import check_widths
from latentmap.networks.losses import check_loss, constant_loss, loss_for
from latentmap.networks.registry import describe_network, network_for
from latentmap.preprocessing.pca_projection import (
    PrincipalComponents,
    principal_components,
)
from latentmap.training.config import Training
from latentmap.training.launcher import current_launcher
from latentmap.training.preparation import PreparedData, prepare_data

__all__ = ["LatentMap"]

COMPONENTS, COMPONENTS_ROWS = 50, 20_000
"""Layout and encoder see so many principal components, found on at most so many rows."""
RECONSTRUCTION = 8.0
"""Weight of a reconstruction loss as large as that of the mean row, against nats."""
SHAPING_ROWS = 100_000
"""Landmarks are chosen from the positions of at most so many rows."""


class LatentMap(Growing):
    """A map of the rows that also places new ones, and can be read backwards.

    A layout of the fitted rows is found by t-SNE on their nearest neighbours; then an encoder
    learns where rows lie in it, and a decoder what lives at each spot. Similar rows lie together;
    any row can be placed, and any spot decoded. How it works, and where its limits are:
    docs/map.md.

    Parameters
    ----------
    n_components : {1, 2, 3}
        Numbers in a code: a line, a plane or a space. A layout of your own brings its own number.
    layout : array-like of shape (n, 2) or (n, 3), optional
        Your own position of every fitted row, from UMAP, t-SNE, PaCMAP or geography, in place of
        the one that is found: the picture becomes a function with an inverse.
    n_neighbors : int
        Neighbours that pull each row of the layout: fewer show finer structure.
    network : {"auto", "dense", "conv"} or network settings
        The encoder's network, and, unless "auto", the decoder's. "auto" is hidden layers of 512,
        256 and 256 to the map, and one of 512 back.
    loss : {"auto", "bernoulli", "gaussian", "bounded"} or a Keras loss
        What the decoder is trained with; see `AutoEncoder`.
    scaling : {"balanced", "auto", "unit", "standard", "columns", "none"}
        How raw rows become the numbers that neighbours are found among and the network sees.
        "balanced" is "auto" (see `AutoEncoder`), but "columns" where one column of a table has so
        large a unit that it would drown the others.
    noise : float
        Standard deviation of Gaussian noise on the scaled rows while training, 0 to 1.
    epochs : int or "auto"
        Runs through the rows. "auto" is 4 for 60,000 rows, and more where rows are few.
    training : Training, optional
        Batch size, learning rate, schedule, early stopping. By default nothing is held out, and the
        rate is 0.01; a batch size "auto" is a fiftieth of the rows, 32 to 512.
    random_state : int, RandomState instance or None
        An integer makes the map repeatable.
    verbose : bool
        Show progress with the time left.

    Attributes
    ----------
    encoder_, decoder_ : keras.Model
        Raw rows to spots, and spots to rows in their own units.
    landmarks_ : ndarray of shape (K, n_components)
        The points that carry the map.
    layout_fit_ : dict of str to float
        Agreement of the encoder with the layout on at most 10,000 of the fitted rows: "r2", the
        share of the layout's variance that it explains, and "median_shift", the median distance
        between a row's code and its layout position, as a share of the layout's width.
    partial_fit_report_ : dict of str to number, or None
        Figures of the last `partial_fit`: "rows", the number of rows added; "novel_rows", the
        number of these that belong to novel classes; "landmarks", the number of landmarks added
        for these; "median_shift", the median distance by which (replayed) earlier rows moved, as a
        share of the map's width.
    history_ : dict of lists
        "epoch", "loss", "val_loss", "val_mse".
    row_shape_ : tuple of int
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Where columns have names.

    References
    ----------
    L. van der Maaten, G. Hinton, "Visualizing Data using t-SNE", JMLR 9, 2008; C. M. Bishop,
    M. Svensén, C. K. I. Williams, "GTM: The Generative Topographic Mapping", Neural Computation 10,
    1998. Others in docs/map.md.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from latentmap import LatentMap
    >>> X = load_iris().data
    >>> m = LatentMap(epochs=2, random_state=0).fit(X)
    >>> spots = m.transform(X)
    >>> spots.shape, m.inverse_transform(spots).shape, m.confidence(X).shape, m.density(spots).shape
    ((150, 2), (150, 4), (150,), (150,))
    """

    def __init__(
        self,
        n_components: int = 2,
        *,
        layout: Any = None,
        n_neighbors: int = 10,
        network: Any = "auto",
        loss: Any = "auto",
        scaling: str = "balanced",
        noise: float = 0.15,
        epochs: int | str = "auto",
        training: Training | None = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.n_components = n_components
        self.layout = layout
        self.n_neighbors = n_neighbors
        self.network = network
        self.loss = loss
        self.scaling = scaling
        self.noise = noise
        self.epochs = epochs
        self.training = training
        self.random_state = random_state
        self.verbose = verbose

    # -- fitting -----------------------------------------------------------------------------------

    def _fit(self, X: Any) -> None:
        self._check_settings()
        rows = fitting_rows(self, X)
        forth, back = both_ways(self.network)
        weights = sum(layer_sizes(forth, back, rows.row_shape, MOST))
        needed = fit_memory_bytes(len(rows), rows.nbytes // len(rows), weights)
        check_memory("network", needed, engine=True)
        own = None if self.layout is None else check_layout(self.layout, len(rows))
        plan = training_for(self.training, len(rows))
        epochs = epochs_for_map(len(rows)) if self.epochs == "auto" else self.epochs
        seed, told = self.random_state, self.verbose
        ready = prepare_data(rows, self.scaling, epochs, plan, seed, told).rescale_by_median()
        self.dtype_ = ready.rows.dtype.name
        if own is not None:
            self._train(forth, back, ready, None, own)
            spots = own
        else:
            principal = self._principal(ready)
            found = find_positions(
                ready, principal, self.n_components, self.n_neighbors, self.verbose
            )
            spots = found.of_rows
            self._train(forth, back, ready, principal if forth is FORTH else None, spots)
            self._keep(found, principal)
        self._describe(ready, spots)

    @property
    def _seen_width(self) -> int:
        """Of a row's principal components, from which the layout is found."""
        return min(COMPONENTS, self.n_features_in_)

    def _check_settings(self) -> None:
        super()._check_settings()
        if self.n_components not in (1, 2, 3):
            raise SettingError(f"n_components: expected 1, 2 or 3, found {self.n_components!r}")

    def _principal(self, ready: PreparedData) -> PrincipalComponents:
        some = ready.sample(COMPONENTS_ROWS)
        return principal_components(some, ready.scale, self._seen_width, ready.seed, self.verbose)

    def _train(
        self,
        forth: Any,
        back: Any,
        ready: PreparedData,
        seen: PrincipalComponents | None,
        spots: np.ndarray,
    ) -> None:
        some = ArraySource(spots).sample(SHAPING_ROWS, ready.seed)[:]
        offset = some.mean(axis=0, dtype=np.float64)
        scale = float(np.sqrt(some.var(axis=0, dtype=np.float64).mean())) or 1.0
        chosen = choose_landmarks(((some - offset) / scale).astype(np.float32), ready.seed)
        loss = ("gaussian", "bernoulli")[ready.scale.unit] if self.loss == "auto" else self.loss
        check_loss(loss_for(loss), self.n_features_in_)
        self._learned = {
            "n_components": spots.shape[1],
            "network": describe_network(forth),
            "back": describe_network(back),
            "loss": loss if isinstance(loss, str) else "mse",
            "seed": ready.seed,
            "n_landmarks": len(chosen.centers),
            "n_anchors": len(chosen.anchors),
            "n_seen": 0 if seen is None else len(seen.components),
            "window": chosen.radius / chosen.width,
            "squash": not ready.scale.unit,
            "own_layout": self.layout is not None,
            "rows": len(ready.rows),
        }
        self._fitted_arrays = {
            "offset": ready.scale.offset,
            "scale": ready.scale.scale,
            "code_offset": offset.astype(np.float32),
            "code_scale": np.asarray(scale, np.float32),
        }
        nothing = constant_loss(loss_for(loss), ready.scaled_sample())
        self._learned["reconstruction"] = RECONSTRUCTION / nothing
        networks = assemble_map(self._parts(loss, chosen, seen, RECONSTRUCTION / nothing))
        self._set_networks(networks)
        task = ready.task.with_targets(spots)
        self.history_ = current_launcher().run(networks.training, task, self.verbose)

    def _parts(
        self,
        loss: Any,
        chosen: LandmarkSet,
        seen: PrincipalComponents | None,
        reconstruction: float = 1.0,
    ) -> MapParts:
        arrays, learned = self._fitted_arrays, self._learned
        return MapParts(
            row_shape=self.row_shape_,
            n_components=learned["n_components"],
            network=network_for(learned["network"]),
            back=network_for(learned["back"]),
            loss=loss_for(loss),
            offset=arrays["offset"],
            scale=arrays["scale"],
            principal=seen,
            noise=self.noise,
            seed=learned["seed"],
            code_offset=arrays["code_offset"],
            code_scale=arrays["code_scale"],
            squash=learned["squash"],
            reconstruction=reconstruction,
            **vars(chosen),
        )

    def _assemble(self) -> MapNetworks:
        learned = self._learned
        width = learned["n_components"]
        centers, anchors = (
            np.zeros((learned["n_landmarks"], width)),
            np.zeros((learned["n_anchors"], width)),
        )
        blank = LandmarkSet(centers, anchors, 1.0, 1.0)
        n_seen = learned.get("n_seen")
        seen = PrincipalComponents.blank(self.n_features_in_, n_seen) if n_seen else None
        return assemble_map(self._parts(learned["loss"], blank, seen))

    def _restore_about(self, about: dict[str, Any]) -> None:
        super()._restore_about(about)
        _check_told(self._learned)

    def _fill(self, arrays: dict[str, np.ndarray]) -> None:
        super()._fill(arrays)
        if not self._width > 0:
            raise ValueError(f"expected landmarks of a width above 0, found {self._width}")
        self._check_kept()

    def _layer_sizes(self, row_shape: tuple[int, ...], learned: dict[str, Any]) -> list[int]:
        counts = (learned["n_landmarks"], learned["n_anchors"])
        check_widths(counts, "n_landmarks")
        forth, back = network_for(learned["network"]), network_for(learned["back"])
        spots = [count * learned["n_components"] for count in counts]
        if n_seen := learned.get("n_seen"):
            check_widths((n_seen,), "n_seen")
        return [*layer_sizes(forth, back, row_shape, counts[0], n_seen), *spots]

    def _about(self) -> dict[str, Any]:
        about = super()._about()
        return {**about, "parameters": {**about["parameters"], "layout": None}}


def _check_told(learned: dict[str, Any]) -> None:
    """Refuse a file whose networks are none of ours, or whose figures are no numbers."""
    network_for(learned["network"])
    figures = [learned[name] for name in ("window", "usual_error", "usual_crowd")]
    figures += [learned["following"][name] for name in ("r2", "median_shift")]
    if not all(isinstance(figure, int | float) for figure in figures):
        raise ValueError(f"expected numbers for what is usual, found {figures}")
    if not (0 < figures[0] < 1e9 and figures[1] >= 0 and figures[2] > 0):
        raise ValueError(f"expected numbers above 0 for what is usual, found {figures}")
    counts = {name: learned.get(name, 0) for name in ("seed", "rows", "grown")}
    if not all(type(n) is int and 0 <= n < 2**63 for n in counts.values()):
        raise ValueError(f"expected whole numbers from 0 up, found {counts}")
    weight = learned.get("reconstruction", 1.0)
    if not isinstance(weight, int | float) or not 0 < weight < 1e300:
        raise ValueError(f"expected a weight above 0 for reconstruction, found {weight!r}")
    _check_growth(learned.get("growth"))


def _check_growth(growth: Any) -> None:
    if growth is None:
        return
    found = [growth[name] for name in ("rows", "new_kind", "landmarks", "median_shift")]
    if not all(isinstance(n, int | float) and n >= 0 for n in found):
        raise ValueError(f"growth: expected numbers, found {found}")
