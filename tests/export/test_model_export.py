from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

from latentmap import AutoEncoder, LatentMap, load_model
from latentmap.errors import SettingError
from latentmap.networks.dense import DenseNetwork

onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
IRIS = load_iris().data
LINEAR = {"network": "linear", "epochs": 1, "random_state": 0}


@pytest.fixture(scope="module")
def iris_model():
    return AutoEncoder(2, **LINEAR).fit(IRIS)


def test_a_file_names_its_model_and_its_tensors(iris_model, tmp_path):
    iris_model.export(tmp_path / "iris.onnx")
    model = onnx.load(tmp_path / "iris.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert [tensor.name for tensor in (*model.graph.input, *model.graph.output)] == [
        "rows",
        "codes",
    ]
    assert {pair.key: pair.value for pair in model.metadata_props} == {
        "part": "encoder",
        "estimator": "AutoEncoder",
        "fingerprint": iris_model.fingerprint(),
    }


def test_a_loaded_model_is_exported_without_keras(iris_model, tmp_path, run_onnx):
    iris_model.save(tmp_path / "iris.safetensors")
    loaded = load_model(tmp_path / "iris.safetensors")
    codes = run_onnx(loaded, "encoder", {"rows": IRIS})["codes"]
    np.testing.assert_allclose(codes, iris_model.transform(IRIS), atol=1e-5)
    assert loaded._networks._models is None


def test_no_rows_give_no_codes(iris_model, run_onnx):
    assert run_onnx(iris_model, "encoder", {"rows": IRIS[:0]})["codes"].shape == (0, 2)


def test_large_offsets_are_subtracted_in_double_precision(run_onnx):
    rows = IRIS + np.array([1.7e9, 0, 0, 0])
    model = AutoEncoder(2, **LINEAR).fit(rows)
    codes = model.transform(rows)
    np.testing.assert_allclose(
        run_onnx(model, "encoder", {"rows": rows})["codes"], codes, atol=1e-4
    )
    decoded = run_onnx(model, "decoder", {"codes": codes})["rows"]
    assert decoded.dtype == np.float64
    np.testing.assert_allclose(decoded, model.inverse_transform(codes), atol=1e-4)


def test_a_failed_export_writes_no_file(iris_model, tmp_path):
    with pytest.raises(SettingError, match="unknown part 'encode', did you mean 'encoder'"):
        iris_model.export(tmp_path / "iris.onnx", "encode")
    assert not list(tmp_path.iterdir())


def test_activations_of_keras_alone_are_refused(tmp_path):
    network = DenseNetwork((3,), "hard_sigmoid", principal=False)
    model = AutoEncoder(2, network=network, epochs=1, random_state=0).fit(IRIS)
    with pytest.raises(SettingError, match=r"^activation: expected one of .*, found hard_sigmoid$"):
        model.export(tmp_path / "iris.onnx")


def test_networks_of_the_user_are_refused(tmp_path):
    import keras

    pair = [
        keras.Sequential([keras.layers.Input((n,)), keras.layers.Dense(m)])
        for n, m in ((4, 2), (2, 4))
    ]
    model = AutoEncoder(2, network=tuple(pair), epochs=1, random_state=0).fit(IRIS)
    with pytest.raises(SettingError, match="found a pair of Keras models"):
        model.export(tmp_path / "iris.onnx")


def test_a_column_with_the_name_of_the_codes_is_refused(tmp_path):
    frame = pd.DataFrame({"codes": range(60), "kind": ["a", "b"] * 30})
    model = AutoEncoder(1, **LINEAR).fit(frame)
    with pytest.raises(SettingError, match="'codes': expected different names of columns"):
        model.export(tmp_path / "model.onnx")


HOSTILE_NAMES = [
    *("a\nb", "a\0b", "x" * 10_000, "<script>alert(1)</script>", "\x1b[31m\u202e", "../../x"),
    *("rows", "n", "constant_3", "Concat_5", " ", "{0}%s", "\u1ebf"),
]


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_any_name_is_a_column_or_a_category(name, run_onnx):
    rng = np.random.default_rng(0)
    kinds = np.array(["a", "b", name], object)[rng.integers(0, 3, 60)]
    frame = pd.DataFrame({name: rng.normal(size=60), "kind": kinds, f"{name}!": ["constant"] * 60})
    model = AutoEncoder(2, **LINEAR).fit(frame)
    inputs = {column: frame[[column]].to_numpy(object) for column in ("kind", name)}
    inputs[name] = inputs[name].astype(float)
    codes = model.transform(frame)
    np.testing.assert_allclose(run_onnx(model, "encoder", inputs)["codes"], codes, atol=1e-5)
    decoded, expected = run_onnx(model, "decoder", {"codes": codes}), model.inverse_transform(codes)
    np.testing.assert_allclose(decoded[name][:, 0], expected[name], atol=1e-5)
    for column in ("kind", f"{name}!"):
        assert decoded[column][:, 0].tolist() == expected[column].tolist()


def test_an_export_of_a_map_searches_the_cells_of_its_index(tmp_path, run_onnx, monkeypatch):
    monkeypatch.setattr("latentmap.preprocessing.neighbors.MAX_SCANNED_ROWS", 100)
    model = LatentMap(epochs=1, random_state=0).fit(IRIS)
    rows = IRIS + 0.05
    codes = run_onnx(model, "encoder", {"rows": rows})["codes"]
    np.testing.assert_allclose(codes, model.transform(rows), atol=1e-4)


def test_the_command_writes_both_parts(run, tmp_path, iris_model):
    iris_model.save(tmp_path / "iris.safetensors")
    for part, names in (("encoder", ("rows", "codes")), ("decoder", ("codes", "rows"))):
        output = tmp_path / f"{part}.onnx"
        result = run("export", tmp_path / "iris.safetensors", "-o", output, "--part", part)
        assert f"{part} of AutoEncoder" in result.stderr
        lines = [line.split() for line in result.stdout.splitlines()[1:]]
        assert [line[:2] for line in lines] == [["input", names[0]], ["output", names[1]]]
        assert Path(output).stat().st_size > 100
    result = run("export", tmp_path / "iris.safetensors", "-o", tmp_path / "iris.txt", code=2)
    assert "expected the suffix .onnx" in result.stderr
