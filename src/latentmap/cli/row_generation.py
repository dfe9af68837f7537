"""Generate rows batch by batch: by sampling, by interpolation or as variations of a row."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from latentmap.analysis.interpolation import interpolate, step_sizes
from latentmap.analysis.model_info import ModelInfo
from latentmap.analysis.perturbation import perturb
from latentmap.analysis.sampling import MAX_CODES, CodeDensity, get_density
from latentmap.cli.console import format_count, show_status
from latentmap.cli.model_arguments import Estimator
from latentmap.cli.row_selection import open_model_rows, require_one_row, split_row_number
from latentmap.cli.streaming import encode_rows, map_batches
from latentmap.data import ArraySource
from latentmap.errors import SettingError
from latentmap.progress import progress

_BATCH_NUMBERS = 2**21
# Measuring the steps of an interpolation is slow, so at most this many are measured.
_MAX_MEASURED_STEPS = 5000


@dataclass(frozen=True)
class GenerationRequest:
    """Options of the verb `generate`, with the loaded model."""

    model: Estimator
    n_rows: int
    reference: str | None
    between: tuple[str, str] | None
    vary: str | None
    spread: float
    label: str | None
    seed: int


@dataclass(frozen=True)
class GeneratedRows:
    """Batches of generated rows, which can be read once, with a title and a description.

    Batches are arrays or, for a model of a table, data frames.
    """

    batches: Iterator[Any]
    title: str
    description: str


def generate_rows(request: GenerationRequest) -> GeneratedRows:
    """Return the generated rows of a request, which are computed when they are read."""
    if request.between:
        return _interpolate(request, *request.between)
    if request.vary:
        return _vary(request, request.vary)
    if request.reference is None:
        return _sample_model(request)
    return _sample_like(request, request.reference)


def _sample_model(request: GenerationRequest) -> GeneratedRows:
    """Sample from the distribution of codes that the model stores."""
    model = request.model.set_params(random_state=np.random.RandomState(request.seed))
    batches = (model.sample(count) for count in _batch_sizes(request))
    return GeneratedRows(batches, "Generated rows", "sampled from the model's own distribution")


def _sample_like(request: GenerationRequest, data: str) -> GeneratedRows:
    """Sample from the density of the codes of other rows."""
    codes = _reference_codes(request, data)
    density = CodeDensity(codes, seed=request.seed, verbose=True)
    rng = np.random.default_rng(request.seed)
    generated_codes = (density.sample(count, rng) for count in _batch_sizes(request))
    description = (
        f"sampled from a mixture of {format_count(density.n_gaussians, 'Gaussian')} fitted to "
        f"{format_count(len(codes), 'code')} of {data}"
    )
    batches = map(request.model.inverse_transform, generated_codes)
    return GeneratedRows(batches, f"Generated rows like {data}", description)


def _interpolate(request: GenerationRequest, start: str, end: str) -> GeneratedRows:
    a, b = (_encode_row(request, row) for row in (start, end))
    settings = _density_settings(request, start)
    with show_status(f"Interpolating from {start} to {end}…"):
        steps = interpolate(request.model, a, b, request.n_rows, **settings)
        sizes = step_sizes(request.model, steps[:_MAX_MEASURED_STEPS])
    deviation = sizes.max() / sizes.min() - 1 if sizes.min() > 0 else 0.0
    description = f"interpolated from {start} to {end}, step sizes equal within {deviation:.1%}"
    return GeneratedRows(_decode(request, steps), f"From {start} to {end}", description)


def _vary(request: GenerationRequest, row: str) -> GeneratedRows:
    code, settings = _encode_row(request, row), _density_settings(request, row)
    with show_status(f"Varying {row}…"):
        codes = perturb(request.model, code, request.n_rows, spread=request.spread, **settings)
    return GeneratedRows(_decode(request, codes), f"Variations of {row}", f"variations of {row}")


def _batch_sizes(request: GenerationRequest) -> Iterator[int]:
    """Yield the sizes of the batches, and show progress."""
    size = max(1, _BATCH_NUMBERS // max(request.model.n_features_in_, 1))
    n_remaining = request.n_rows
    with progress(f"Generating {format_count(n_remaining, 'row')}", n_remaining) as advance:
        while n_remaining:
            count = min(size, n_remaining)
            yield count
            advance(count)
            n_remaining -= count


def _decode(request: GenerationRequest, codes: np.ndarray) -> Iterator[Any]:
    text = f"Decoding {format_count(len(codes), 'code')}"
    return map_batches(request.model.inverse_transform, ArraySource(codes, name="codes"), text)


def _encode_row(request: GenerationRequest, text: str) -> np.ndarray:
    rows = open_model_rows(request.model, text, request.label)
    return request.model.transform(require_one_row(rows, text))[0]


def _density_settings(request: GenerationRequest, row: str) -> dict[str, Any]:
    """Return the arguments of `interpolate` and `perturb` that describe how likely a code is."""
    if request.reference is None and ModelInfo.from_estimator(request.model).is_map:
        codes = None
    else:
        codes = _reference_codes(request, request.reference or split_row_number(row)[0])
    density = get_density(request.model, codes, seed=request.seed, verbose=True)
    return {"reference": codes, "density": density, "seed": request.seed}


def _reference_codes(request: GenerationRequest, data: str) -> np.ndarray:
    rows = open_model_rows(request.model, data, request.label)
    if len(rows) < 2:
        raise SettingError(
            f"{data}: expected at least 2 rows to estimate a density of codes from, found "
            f"{len(rows)}; name other rows with --reference DATA"
        )
    return encode_rows(request.model, rows.sample(MAX_CODES, request.seed))
