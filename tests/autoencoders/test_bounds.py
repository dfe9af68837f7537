import numpy as np
import pytest

from latentmap import AutoEncoder, load_model


@pytest.fixture
def amounts():
    """Return skewed amounts near 0, which linear reconstructions make negative."""
    rng = np.random.default_rng(0)
    factors = np.exp(rng.normal(size=(120, 2)))
    return (factors @ rng.random((2, 8)) + rng.random((120, 8))).round(3) * np.geomspace(1, 100, 8)


def test_numbers_that_are_never_negative_stay_so(amounts, tmp_path):
    model = AutoEncoder(2, epochs=1, random_state=0).fit(amounts)
    codes = model.transform(amounts)
    far = codes.mean(axis=0) + 20 * (codes - codes.mean(axis=0))
    assert model._decode(far).min() < 0 <= model.inverse_transform(far).min()
    model.save(tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert np.allclose(loaded.inverse_transform(far), model.inverse_transform(far), rtol=1e-4)
    model = AutoEncoder(2, epochs=1, random_state=0).fit(amounts - 1.0)
    assert model.inverse_transform(model.transform(amounts - 1.0)).min() < 0
