"""Single cells in AnnData objects and .h5ad files."""

import sys

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from latentmap import LatentMap
from latentmap.data import TableOptions, as_source, from_anndata, open_data
from latentmap.data.cell_files import read_neighbors, write_codes
from latentmap.data.cells import are_counts, log_normalize
from latentmap.errors import DataError, FileError, SettingError, TooLargeError, UnknownNameError

anndata = pytest.importorskip("anndata", reason="the extra cells is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

RNG = np.random.default_rng(0)
COUNTS = RNG.poisson(1.5, (40, 12)).astype(np.float32)


def make_cells(matrix):
    """Return an AnnData object whose strings are objects, the only ones that anndata writes."""
    names = pd.Index([f"cell {i}" for i in range(40)], dtype=object)
    obs = pd.DataFrame({"kind": pd.Categorical(["a", "b"] * 20), "depth": RNG.random(40)}, names)
    obs["kind"] = obs["kind"].cat.rename_categories(pd.Index(["a", "b"], dtype=object))
    genes = pd.DataFrame(index=pd.Index([f"gene {j}" for j in range(12)], dtype=object))
    data = anndata.AnnData(matrix, obs=obs, var=genes)
    data.layers["double"] = 2 * matrix
    data.obsm["X_pca"] = RNG.normal(size=(40, 3))
    distances = sparse.csr_matrix(np.abs(np.subtract.outer(np.arange(40.0), np.arange(40.0))) % 5)
    data.obsp["distances"] = distances
    return data


def normalized(counts):
    return np.log1p(counts / counts.sum(axis=1, keepdims=True) * 10_000)


@pytest.fixture(params=[np.asarray, sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array])
def cells(request):
    return make_cells(request.param(COUNTS))


@pytest.fixture
def path(cells, tmp_path):
    cells.write_h5ad(tmp_path / "cells.h5ad")
    return tmp_path / "cells.h5ad"


def test_counts_are_log_normalized_and_annotations_are_metadata(cells):
    rows = as_source(cells, label="kind")
    np.testing.assert_allclose(rows[:], normalized(COUNTS), rtol=1e-5)
    assert "counts" in rows.notes[0]
    assert rows.labels.tolist() == ["a", "b"] * 20
    assert rows.metadata.feature_names == ["cell", "depth"]
    assert rows.metadata[:].column("cell").to_pylist()[39] == "cell 39"
    assert rows.feature_names[11] == "gene 11"


def test_files_and_objects_are_the_same_rows(cells, path):
    rows, expected = open_data(path, label="kind"), from_anndata(cells, label="kind")
    assert type(rows) is type(expected)
    np.testing.assert_array_equal(rows[:], expected[:])
    assert rows.metadata[:].equals(expected.metadata[:])
    assert rows.labels.tolist() == expected.labels.tolist()


@pytest.mark.parametrize("options", [{"layer": "double"}, {"obsm": "X_pca"}])
def test_layers_and_entries_of_obsm(cells, path, options):
    rows = open_data(path, options=TableOptions(**options))
    expected = normalized(COUNTS) if "layer" in options else cells.obsm["X_pca"]
    np.testing.assert_allclose(rows[:], expected, rtol=1e-5)
    np.testing.assert_array_equal(rows[:], from_anndata(cells, **options)[:])


def test_normalized_values_stay_as_they_are():
    rows = from_anndata(make_cells(COUNTS / 3))
    np.testing.assert_array_equal(rows[:], COUNTS / 3)
    assert rows.notes == ()


@pytest.mark.parametrize(
    ("values", "expected"),
    [([[0, 1]], False), ([[0.5, 3]], False), ([[-1, 2]], False), ([[0, 2]], True)],
)
def test_counts_are_whole_numbers_above_1(values, expected):
    assert are_counts(np.array(values, float)) is expected
    assert are_counts(sparse.csr_array(np.array(values, float))) is expected


def test_a_cell_without_counts_stays_zero():
    counts = sparse.csr_array(np.array([[0, 0], [1, 3]]))
    np.testing.assert_allclose(
        log_normalize(counts).toarray(), [[0, 0], np.log1p([2500, 7500])], rtol=1e-6
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [({"layer": "dbl"}, "unknown layer 'dbl'"), ({"obsm": "X"}, "unknown entry of obsm 'X'")],
)
def test_unknown_names_are_errors(path, options, message):
    with pytest.raises(UnknownNameError, match=message):
        open_data(path, options=TableOptions(**options))


def test_an_object_without_a_matrix_is_an_error():
    data = anndata.AnnData(obs=pd.DataFrame(index=["a", "b"]), obsm={"X_pca": np.eye(2)})
    with pytest.raises(DataError, match=r"expected a matrix \.X, found none: .*X_pca"):
        from_anndata(data)


def test_a_missing_package_is_an_error(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "anndata.io", None)
    with pytest.raises(FileError, match=r"install latentmap\[cells\]"):
        open_data(path)


def test_sizes_are_checked_before_memory_is_taken(path, monkeypatch):
    monkeypatch.setattr("latentmap.data.memory.available_bytes", lambda: 100)
    with pytest.raises(TooLargeError, match=r"cells.h5ad"):
        open_data(path)


def test_links_to_other_files_are_errors(path, tmp_path):
    import h5py

    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = np.ones((40, 2))
    with h5py.File(path, "r+") as file:
        file["obsm"]["X_link"] = h5py.ExternalLink(tmp_path / "secret.h5", "/x")
        file["obsm"].create_dataset(
            "X_raw", (40, 2), "f8", external=[(tmp_path / "secret.h5", 0, 640)]
        )
    for key in ("X_link", "X_raw"):
        with pytest.raises(FileError):
            open_data(path, options=TableOptions(obsm=key))


def test_damaged_files_are_errors(path, tmp_path):
    content = path.read_bytes()
    for length in (0, 100, len(content) // 2):
        damaged = tmp_path / "damaged.h5ad"
        damaged.write_bytes(content[:length])
        with pytest.raises(FileError, match=r"damaged.h5ad"):
            open_data(damaged)


def test_codes_are_added_to_a_copy(cells, path, tmp_path):
    codes = RNG.normal(size=(40, 2)).astype(np.float32)
    output = tmp_path / "new.h5ad"
    write_codes(output, path, iter([codes[:30], codes[30:]]))
    written = anndata.read_h5ad(output)
    np.testing.assert_array_equal(written.obsm["X_latentmap"], codes)
    np.testing.assert_array_equal(written.obsm["X_pca"], cells.obsm["X_pca"])
    assert "X_latentmap" not in anndata.read_h5ad(path).obsm


@pytest.mark.filterwarnings("ignore::anndata.OldFormatWarning")
def test_files_of_old_versions_are_read_and_extended(tmp_path):
    h5py = pytest.importorskip("h5py")
    names = [f"cell {i}".encode() for i in range(40)]
    with h5py.File(tmp_path / "old.h5ad", "w") as file:
        file["X"] = COUNTS
        obs = [(name, i % 2) for i, name in enumerate(names)]
        file["obs"] = np.array(obs, dtype=[("index", "S8"), ("kind", "i1")])
        file["uns/kind_categories"] = np.array([b"T", b"B"])
        file["var"] = np.array([(b"gene %d" % j,) for j in range(12)], dtype=[("index", "S8")])
        file["obsm"] = np.array([((0.0, 1.0),)] * 40, dtype=[("X_pca", "f8", (2,))])
    rows = open_data(tmp_path / "old.h5ad", label="kind")
    np.testing.assert_allclose(rows[:], normalized(COUNTS), rtol=1e-5)
    assert rows.labels[:2].tolist() == ["T", "B"]
    assert rows.feature_names[11] == "gene 11"
    codes = RNG.normal(size=(40, 2)).astype(np.float32)
    write_codes(tmp_path / "new.h5ad", tmp_path / "old.h5ad", iter([codes]))
    written = anndata.read_h5ad(tmp_path / "new.h5ad")
    np.testing.assert_array_equal(written.obsm["X_latentmap"], codes)
    assert written.obsm["X_pca"].tolist() == [[0.0, 1.0]] * 40


def test_graphs_of_neighbours(cells, path):
    graph = read_neighbors(path, "distances")
    np.testing.assert_array_equal(graph.toarray(), cells.obsp["distances"].toarray())
    with pytest.raises(SettingError, match="expected distances, found similarities"):
        read_neighbors(path, "connectivities")
    with pytest.raises(UnknownNameError, match="unknown obsp 'x'"):
        read_neighbors(path, "x")


def test_a_map_fits_an_object_and_reports_what_it_did(cells, capsys):
    m = LatentMap(epochs=1, random_state=0, verbose=True).fit(cells)
    assert "X: counts, divided by the total of each cell" in capsys.readouterr().err
    assert list(m.feature_names_in_) == list(cells.var_names)
    np.testing.assert_array_equal(m.transform(cells[5:9]), m.embedding_[5:9])
