"""Single cells on the command line."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from latentmap import load_model

anndata = pytest.importorskip("anndata", reason="the extra cells is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


@pytest.fixture
def path(tmp_path):
    rng = np.random.default_rng(0)
    names = pd.Index([f"cell {i}" for i in range(40)], dtype=object)
    data = anndata.AnnData(
        csr_matrix(rng.poisson(2, (40, 8)).astype(np.float32)),
        obs=pd.DataFrame({"depth": rng.random(40)}, names),
        var=pd.DataFrame(index=pd.Index([f"gene {j}" for j in range(8)], dtype=object)),
    )
    data.obsm["X_pca"] = rng.normal(size=(40, 3))
    data.obsp["distances"] = csr_matrix(1 + np.abs(rng.normal(size=(40, 40))))
    data.write_h5ad(tmp_path / "cells.h5ad")
    return tmp_path / "cells.h5ad"


def test_a_map_of_an_entry_of_obsm_is_added_to_the_file(run, path):
    model = path.with_name("m.safetensors")
    result = run("fit", path, "--obsm", "X_pca", "--epochs", 1, "-o", model)
    summary = "cells.h5ad: 40 rows; vectors of 3 numbers; metadata: cell, depth"
    assert summary in " ".join(result.stderr.split())
    run("encode", model, path, "-o", path)
    codes = anndata.read_h5ad(path).obsm["X_latentmap"]
    run("encode", model, path, "-o", path.with_name("codes.npy"))
    np.testing.assert_array_equal(codes, np.load(path.with_name("codes.npy")))


def test_a_given_graph_replaces_the_search(run, path):
    model = path.with_name("m.safetensors")
    result = run("fit", path, "--obsp", "distances", "--epochs", 1, "-o", model)
    text = " ".join(result.stderr.split())
    assert "counts, divided by the total" in text and "finding neighbours" not in text
    assert len(load_model(model).embedding_) == 40


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mnist", "--obsp", "distances"], "expected a map of single cells"),
        (["mnist", "--layer", "counts"], "expected single cells (.h5ad) for this option"),
    ],
)
def test_options_of_cells_need_cells(run, arguments, message):
    assert message in " ".join(run("fit", *arguments, code=2).stderr.split())


def test_cells_are_written_only_from_cells(run, path, plain_model):
    result = run("encode", plain_model, "mnist", "-o", path.with_name("new.h5ad"), code=2)
    assert "expected DATA of single cells (.h5ad), found mnist" in " ".join(result.stderr.split())
