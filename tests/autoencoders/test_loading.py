"""Tests of saved and loaded estimators, and of damaged or malicious files."""

import builtins
import json
import pickle
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from latentmap import AutoEncoder, LatentMap, Training, VariationalAutoEncoder, load_model
from latentmap.analysis.model_description import describe_model
from latentmap.autoencoders.fitted_networks import assign_weights, sort_weights
from latentmap.errors import LatentmapError, ModelFileError, SettingError
from latentmap.model_file import FORMAT, read_model, write_model
from latentmap.networks.conv import ConvNetwork
from latentmap.networks.dense import DenseNetwork, LinearNetwork

FILES = Path(__file__).parents[1] / "files"
SMALL = DenseNetwork(hidden=(8,))


# -- save and load ---------------------------------------------------------------------------------


def get_weights(model):
    return [keras.ops.convert_to_numpy(w.value) for w in model._objective.weights]


def check_equal(model, loaded, rows):
    assert type(loaded) is type(model)
    for weight, loaded_weight in zip(get_weights(model), get_weights(loaded), strict=True):
        assert np.array_equal(weight, loaded_weight)
    codes = model.transform(rows)
    assert np.array_equal(loaded.transform(rows), codes)
    assert np.array_equal(loaded.inverse_transform(codes), model.inverse_transform(codes))
    assert np.array_equal(loaded.reconstruction_error(rows), model.reconstruction_error(rows))
    assert loaded.score(rows) == model.score(rows)
    assert np.array_equal(loaded.sample(3), model.sample(3))
    np.testing.assert_equal(loaded.history_, model.history_)
    if isinstance(model, LatentMap):
        assert np.array_equal(loaded.confidence(rows), model.confidence(rows))
        assert np.array_equal(loaded.density(codes), model.density(codes))
        assert np.array_equal(loaded.landmarks_, model.landmarks_)
        assert loaded.layout_fit_ == model.layout_fit_
    assert loaded.row_shape_ == model.row_shape_
    assert getattr(loaded, "uses_network_", None) == getattr(model, "uses_network_", None)
    assert loaded.n_features_in_ == model.n_features_in_


ESTIMATORS = {
    "linear": AutoEncoder(3, network="linear", epochs=2, random_state=0),
    "article": AutoEncoder(
        2, network=LinearNetwork(principal=False), loss="binary_crossentropy", epochs=1
    ).set_params(random_state=0),
    "dense with principal path": AutoEncoder(
        4, network=SMALL, epochs=1, training=Training(held_out=0, patience=None), random_state=0
    ),
    "dense without principal path": AutoEncoder(
        2,
        network=DenseNetwork(hidden=(8, 4), activation="relu", dropout=0.1, principal=False),
        scaling="columns",
        epochs=2,
        training=Training(batch_size=50, patience=None, noise=0.1),
        random_state=0,
    ),
    "conv": AutoEncoder(
        2, network=ConvNetwork(filters=(3, 4), principal=False), epochs=1, random_state=0
    ),
    "conv with principal path": AutoEncoder(
        2, network=ConvNetwork(filters=(3,)), epochs=1, random_state=0
    ),
    "map": LatentMap(network=SMALL, epochs=2, random_state=0),
    "map in 3D": LatentMap(3, network="dense", epochs=1, random_state=0),
    "map conv": LatentMap(
        network=ConvNetwork(filters=(3,), principal=False), epochs=1, random_state=0
    ),
    "map of a given layout": LatentMap(network=SMALL, epochs=1, random_state=0),
    "variational": VariationalAutoEncoder(2, network=SMALL, beta=2.0, epochs=2, random_state=0),
    "variational conv": VariationalAutoEncoder(
        2, network=ConvNetwork(filters=(3,)), epochs=1, random_state=0
    ),
}
FIT_ARGUMENTS = {
    "map of a given layout": {"layout": np.random.default_rng(0).normal(5e6, 1e3, (200, 3))}
}


@pytest.mark.usefixtures("random_weights")
@pytest.mark.parametrize("kind", sorted(ESTIMATORS))
def test_loaded_model_equals_the_saved_model_exactly(kind, digits, tmp_path):
    model = ESTIMATORS[kind].fit(digits[:200], **FIT_ARGUMENTS.get(kind, {}))
    model.save(tmp_path / "model.safetensors")
    check_equal(model, load_model(tmp_path / "model.safetensors"), digits)


def test_loaded_model_can_be_saved_and_fitted_again(image_model, digits, tmp_path):
    first, second = tmp_path / "1.safetensors", tmp_path / "2.safetensors"
    image_model.save(first)
    load_model(first).save(second)
    loaded = load_model(second)
    check_equal(image_model, loaded, digits)
    loaded.set_params(epochs=1).fit(digits[:100])
    assert loaded.transform(digits).shape == (500, 4)


def test_loaded_model_has_the_feature_names_and_parameters(table_model, iris, tmp_path):
    path = tmp_path / "table.safetensors"
    table_model.save(path)
    loaded = load_model(str(path))
    check_equal(table_model, loaded, iris)
    assert loaded.feature_names_in_.tolist() == iris.columns.tolist()
    assert loaded.get_feature_names_out().tolist() == ["autoencoder0", "autoencoder1"]
    assert loaded.n_components == 2
    assert loaded.epochs == 5
    assert isinstance(loaded.set_output(transform="pandas").transform(iris), pd.DataFrame)


def test_loaded_model_has_the_training_settings(iris, tmp_path):
    settings = Training(batch_size=10, learning_rate=0.01, patience=None)
    AutoEncoder(network="linear", training=settings).fit(iris).save(tmp_path / "a.safetensors")
    loaded = load_model(tmp_path / "a.safetensors")
    assert loaded.training.get_params() == settings.get_params()
    assert loaded.random_state is None


def test_describe_model_returns_the_metadata(table_model, tmp_path):
    path = tmp_path / "table.safetensors"
    table_model.save(path)
    description = describe_model(path)
    assert description["estimator"] == "AutoEncoder"
    assert description["row_shape"] == [4]
    assert description["dtype"] == "float32"  # of the encoded rows
    assert description["feature_names"][0] == "sepal l"
    assert description["parameters"]["n_components"] == 2
    assert description["n_weights"] == sum(w.size for w in get_weights(table_model))


# -- nothing in a file is executed -----------------------------------------------------------------


@pytest.fixture(scope="module")
def path(tmp_path_factory, iris):
    """Return the file of a model with a network, feature names and a report."""
    network = DenseNetwork(hidden=(3,), principal=False)
    model = AutoEncoder(2, network=network, epochs=2, random_state=0).fit(iris)
    model.fit_report_ = {"mse": 0.1}
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    model.save(path)
    return path


def test_load_model_does_not_unpickle_or_execute_code(path, monkeypatch):
    def fail_test(*args, **kwargs):
        pytest.fail("executed something from a file")

    for owner, name in [
        (pickle, "load"),
        (pickle, "loads"),
        (pickle, "Unpickler"),
        (keras.models, "load_model"),
        (keras.saving, "deserialize_keras_object"),
        (builtins, "eval"),
    ]:
        monkeypatch.setattr(owner, name, fail_test)
    load_model(path)


def test_model_file_contains_only_json_and_float_arrays(path):
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    json.loads(header.pop("__metadata__")["latentmap"])
    assert {entry["dtype"] for entry in header.values()} <= {"F32", "F64"}
    assert sum(np.diff(e["data_offsets"])[0] for e in header.values()) == len(content) - 8 - length


def test_names_in_a_file_are_not_used_as_paths(path, tmp_path, iris):
    metadata, arrays = read_model(path)
    metadata["feature_names"] = names = ["../../a", "/etc/passwd", "..", "c:\\d"]
    for column, name in zip(metadata["table"]["columns"], names, strict=True):
        column["name"] = name
    renamed_arrays = {}
    for name, array in arrays.items():
        kind, number, *_ = name.split("/")
        renamed_arrays[f"{kind}/{number}/../../../evil" if kind == "weight" else name] = array
    renamed_arrays["fitted/../../evil"] = np.zeros(1)
    folder = tmp_path / "folder"
    folder.mkdir()
    write_model(folder / "model.safetensors", metadata, renamed_arrays)
    loaded = load_model(folder / "model.safetensors")
    codes = loaded.transform(iris.set_axis(names, axis=1))
    assert np.array_equal(codes, load_model(path).transform(iris))
    assert [p.name for p in folder.iterdir()] == ["model.safetensors"]
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


# -- damaged files ---------------------------------------------------------------------------------


def test_truncated_file_is_refused(path, tmp_path):
    content, truncated = path.read_bytes(), tmp_path / "part.safetensors"
    for length in [*range(0, len(content), len(content) // 40), len(content) - 1]:
        truncated.write_bytes(content[:length])
        with pytest.raises(ModelFileError, match=r"part\.safetensors"):
            load_model(truncated)


def test_corrupted_header_raises_only_model_file_errors(path, tmp_path):
    content, rng = bytearray(path.read_bytes()), np.random.default_rng(0)
    length, corrupted = int.from_bytes(content[:8], "little"), tmp_path / "corrupted.safetensors"
    n_refused = 0
    for _ in range(150):
        changed = bytearray(content)
        for position in rng.integers(0, 8 + length, rng.integers(1, 4)):
            changed[position] = rng.integers(32, 127) if position >= 8 else rng.integers(256)
        corrupted.write_bytes(changed)
        try:
            load_model(corrupted)
        except ModelFileError as error:
            assert "\n" not in str(error)
            n_refused += 1
    assert n_refused > 50


def write_changed(path, tmp_path, change_metadata, arrays=None):
    """Write a copy of the file with changed metadata and arrays, and return its path."""
    metadata, stored_arrays = read_model(path)
    change_metadata(metadata)
    changed_path = tmp_path / "changed.safetensors"
    write_model(changed_path, metadata, stored_arrays if arrays is None else arrays(stored_arrays))
    return changed_path


def set_entry(value, *keys):
    """Return a function that sets the entry ``keys`` of the metadata to ``value``."""

    def change_metadata(metadata):
        for key in keys[:-1]:
            metadata = metadata[key]
        metadata[keys[-1]] = value

    return change_metadata


def apply_all(*changes):
    return lambda metadata: [change_metadata(metadata) for change_metadata in changes]


HUGE_SIZES = {
    "row_shape": set_entry([10**9], "row_shape"),
    "an image": set_entry([10**5, 10**5, 3], "row_shape"),
    "a product beyond 64 bits": set_entry([10**6] * 10, "row_shape"),
    "hidden": set_entry([10**7], "learned", "network", "hidden"),
    "hidden twice": set_entry([10**5, 10**5], "learned", "network", "hidden"),
    "many layers": set_entry([1] * 100, "learned", "network", "hidden"),
    "n_components": set_entry(10**9, "learned", "n_components"),
    "filters": set_entry(
        {"name": "conv", "filters": [10**6, 10**6], "activation": "silu", "principal": False},
        "learned",
        "network",
    ),
    "principal": apply_all(
        set_entry([40], "row_shape"),
        set_entry(40, "learned", "n_components"),
        set_entry([1], "learned", "network", "hidden"),
        set_entry(True, "learned", "principal"),
    ),
    "linear": apply_all(
        set_entry([50], "row_shape"),
        set_entry({"name": "linear", "principal": True}, "learned", "network"),
    ),
}


@pytest.mark.parametrize("kind", sorted(HUGE_SIZES))
def test_huge_sizes_are_refused_before_networks_are_built(kind, path, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "latentmap.autoencoders.loading.restore_estimator",
        lambda *_: pytest.fail("built networks that the file cannot fill"),
    )
    change_metadata = apply_all(HUGE_SIZES[kind], set_entry(None, "feature_names"))
    with pytest.raises(ModelFileError, match=r"expected at least .* arrays with|takes images"):
        load_model(write_changed(path, tmp_path, change_metadata))


INVALID_METADATA = {
    "estimator": set_entry("Pipeline", "estimator"),
    "estimator of another type": set_entry(["AutoEncoder"], "estimator"),
    "another estimator": set_entry("VariationalAutoEncoder", "estimator"),
    "no parameters": set_entry(None, "parameters"),
    "unknown parameter": set_entry(3, "parameters", "n_jobs"),
    "n_components text": set_entry("2", "parameters", "n_components"),
    "n_components 0": set_entry(0, "parameters", "n_components"),
    "n_components -1": set_entry(-1, "parameters", "n_components"),
    "n_components 1": set_entry(1, "learned", "n_components"),
    "n_components missing": set_entry(None, "parameters", "n_components"),
    "noise text": set_entry({"noise": "x"}, "parameters", "training"),
    "noise of format 1": set_entry(0.1, "parameters", "noise"),
    "training text": set_entry("fast", "parameters", "training"),
    "training unknown": set_entry({"speed": 3}, "parameters", "training"),
    "dtype unknown": set_entry("evil", "dtype"),
    "dtype of objects": set_entry("object", "dtype"),
    "dtype of records": set_entry("f4,f4", "dtype"),
    "row_shape text": set_entry("4", "row_shape"),
    "row_shape missing": set_entry(None, "row_shape"),
    "row_shape empty": set_entry([], "row_shape"),
    "row_shape zero": set_entry([4, 0], "row_shape"),
    "row_shape negative": set_entry([-2, -2], "row_shape"),
    "row_shape float": set_entry([4.0], "row_shape"),
    "row_shape of other size": set_entry([2, 3], "row_shape"),
    "names too few": set_entry(["a"], "feature_names"),
    "names numbers": set_entry([1, 2, 3, 4], "feature_names"),
    "names text": set_entry("abcd efgh", "feature_names"),
    "names a number": set_entry(4, "feature_names"),
    "history a list": set_entry([1, 2], "history"),
    "history text": set_entry({"loss": ["a", "b"]}, "history"),
    "history of tables": set_entry({"loss": [{}]}, "history"),
    "history missing": set_entry(None, "history"),
    "fit report text": set_entry("good", "figures"),
    "fit report a list": set_entry([1], "figures"),
    "column errors text": set_entry({"columns": ["a"]}, "figures"),
    "column errors empty": set_entry({"columns": [{}]}, "figures"),
    "column error text": set_entry(
        {
            "columns": [
                {
                    "name": "a",
                    "measure": "rmse",
                    "value": "1",
                    "baseline": 2,
                    "unit": None,
                    "n_values": 3,
                }
            ]
        },
        "figures",
    ),
    "learned missing": set_entry(None, "learned"),
    "network missing": set_entry(None, "learned", "network"),
    "network unknown": set_entry({"name": "os.system"}, "learned", "network"),
    "network name a list": set_entry({"name": ["dense"]}, "learned", "network"),
    "network setting unknown": set_entry(1, "learned", "network", "command"),
    "hidden text": set_entry("x" * 10, "learned", "network", "hidden"),
    "hidden negative": set_entry([-3], "learned", "network", "hidden"),
    "hidden other": set_entry([2], "learned", "network", "hidden"),
    "hidden nested": set_entry([[3]], "learned", "network", "hidden"),
    "activation unknown": set_entry("os.system", "learned", "network", "activation"),
    "activation a table": set_entry({"class_name": "X"}, "learned", "network", "activation"),
    "dropout": set_entry(7, "learned", "network", "dropout"),
    "loss unknown": set_entry("evil", "learned", "loss"),
    "loss a table": set_entry({"class_name": "X"}, "learned", "loss"),
    "seed a list": set_entry([1], "learned", "seed"),
    "principal": set_entry(True, "learned", "principal"),
}


@pytest.mark.parametrize("kind", sorted(INVALID_METADATA))
def test_invalid_metadata_is_refused(kind, path, tmp_path):
    with pytest.raises(ModelFileError, match="the description of the model is damaged") as raised:
        load_model(write_changed(path, tmp_path, INVALID_METADATA[kind]))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("kind", ["history text", "row_shape text", "network missing"])
def test_describe_model_refuses_invalid_metadata(kind, path, tmp_path):
    with pytest.raises(ModelFileError, match="the description of the model is damaged"):
        describe_model(write_changed(path, tmp_path, INVALID_METADATA[kind]))


METADATA_KEYS = [
    "estimator",
    "parameters",
    "row_shape",
    "dtype",
    "feature_names",
    "history",
    "learned",
]


@pytest.mark.parametrize("key", [*METADATA_KEYS, "figures"])
def test_missing_metadata_is_refused(key, path, tmp_path):
    with pytest.raises(ModelFileError, match="damaged"):
        load_model(write_changed(path, tmp_path, lambda metadata: metadata.pop(key)))


def remove_arrays(pattern):
    return lambda arrays: {name: array for name, array in arrays.items() if pattern not in name}


def transpose_arrays(pattern):
    return lambda arrays: {n: (a.T.copy() if pattern in n else a) for n, a in arrays.items()}


@pytest.mark.parametrize(
    "arrays",
    [
        remove_arrays("kernel"),
        remove_arrays("weight/000"),
        remove_arrays("fitted/code_mean"),
        remove_arrays("fitted/scale"),
        remove_arrays(""),
        transpose_arrays("kernel"),
        lambda arrays: {**arrays, "fitted/code_spread": np.zeros((3, 3))},
        lambda arrays: {**arrays, "fitted/code_mean": np.full(2, np.nan)},
        lambda arrays: {**arrays, "fitted/scale": np.ones(3)},
        lambda arrays: {**arrays, "weight/more": np.zeros(3)},
        lambda arrays: {**arrays, "weight/900/more": np.zeros(3)},
    ],
)
def test_arrays_that_do_not_fit_the_network_are_refused(arrays, path, tmp_path):
    with pytest.raises(ModelFileError, match="damaged"):
        load_model(write_changed(path, tmp_path, lambda metadata: None, arrays))


class Weight:
    """Weight that records the assigned value."""

    shape = (1,)

    def assign(self, value):
        self.value = int(value[0])


def test_weights_beyond_a_thousand_are_assigned_in_order():
    objective = SimpleNamespace(weights=[Weight() for _ in range(1100)])
    arrays = {f"weight/{i:03d}/w": np.full(1, i) for i in range(1100)}
    assign_weights(objective, sort_weights(dict(sorted(arrays.items()))))
    assert [weight.value for weight in objective.weights] == list(range(1100))


# -- files of maps ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def map_path(tmp_path_factory, iris):
    """Return the file of a map of a table."""
    network = DenseNetwork(hidden=(3,), principal=False)
    path = tmp_path_factory.mktemp("map") / "map.safetensors"
    LatentMap(network=network, epochs=1, random_state=0).fit(iris).save(path)
    return path


HUGE_MAPS = {
    "n_landmarks": set_entry(10**12, "learned", "n_landmarks"),
    "n_anchors": set_entry(10**12, "learned", "n_anchors"),
    "n_components": set_entry(10**9, "learned", "n_components"),
    "row_shape": set_entry([10**9], "row_shape"),
    "hidden": set_entry([10**7], "learned", "network", "hidden"),
    "hidden back": set_entry([10**7], "learned", "back", "hidden"),
    "many layers back": set_entry([1] * 100, "learned", "back", "hidden"),
    "filters back": apply_all(
        set_entry([4, 4, 1], "row_shape"),
        set_entry(
            {"name": "conv", "filters": [10**6], "activation": "silu", "principal": False},
            "learned",
            "back",
        ),
    ),
}


@pytest.mark.parametrize("kind", sorted(HUGE_MAPS))
def test_huge_sizes_of_maps_are_refused_before_networks_are_built(
    kind, map_path, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        "latentmap.autoencoders.loading.restore_estimator",
        lambda *_: pytest.fail("built networks that the file cannot fill"),
    )
    change_metadata = apply_all(HUGE_MAPS[kind], set_entry(None, "feature_names"))
    with pytest.raises(ModelFileError, match=r"expected at least .* arrays with|takes images"):
        load_model(write_changed(map_path, tmp_path, change_metadata))


INVALID_MAP_METADATA = {
    **{
        f"{name} {value!r}": set_entry(value, "learned", name)
        for name in ("n_landmarks", "n_anchors")
        for value in (-5, 0, 2, "x", None, 1.5, [3])
    },
    **{
        f"{name} {value!r}": set_entry(value, "learned", name)
        for name in ("window", "usual_error", "usual_crowd")
        for value in (-1, "x", None, [1])
    },
    **{
        f"{name} {value!r}": set_entry(value, "learned", name)
        for name in ("seed", "rows", "grown", "reconstruction")
        for value in (-1, "x", None, [1])
    },
    **{f"{name} 1.5": set_entry(1.5, "learned", name) for name in ("seed", "rows", "grown")},
    "reconstruction of 400 digits": set_entry(10**400, "learned", "reconstruction"),
    **{
        f"growth {value!r}": set_entry(value, "learned", "growth")
        for value in (
            "x",
            {},
            dict.fromkeys(("rows", "new_kind", "landmarks", "median_shift"), "x"),
        )
    },
    "window 0": set_entry(0, "learned", "window"),
    "window too large": set_entry(1e300, "learned", "window"),
    "usual_crowd 0": set_entry(0, "learned", "usual_crowd"),
    **{
        f"following {value!r}": set_entry(value, "learned", "following")
        for value in ("x", None, [1], {}, {"r2": "good", "median_shift": 0.1})
    },
    "n_components 1": set_entry(1, "learned", "n_components"),
    "n_components 3": set_entry(3, "learned", "n_components"),
    "n_components 5": set_entry(5, "learned", "n_components"),
    "n_components text": set_entry("2", "learned", "n_components"),
    "n_neighbors 0": set_entry(0, "parameters", "n_neighbors"),
    "n_neighbors text": set_entry("x", "parameters", "n_neighbors"),
    "back missing": set_entry(None, "learned", "back"),
    "back own": set_entry({"name": "own"}, "learned", "back"),
    "back unknown": set_entry({"name": "os.system"}, "learned", "back"),
    "back other": set_entry([2], "learned", "back", "hidden"),
    "back activation": set_entry("os.system", "learned", "back", "activation"),
    "row_shape of other size": set_entry([2, 3], "row_shape"),
    "another estimator": set_entry("AutoEncoder", "estimator"),
    **{
        f"no {name}": lambda metadata, name=name: metadata["learned"].pop(name)
        for name in ("back", "n_landmarks", "n_anchors", "window", "following")
    },
}


@pytest.mark.parametrize("kind", sorted(INVALID_MAP_METADATA))
def test_invalid_metadata_of_maps_is_refused(kind, map_path, tmp_path):
    with pytest.raises(ModelFileError, match="the description of the model is damaged") as raised:
        load_model(write_changed(map_path, tmp_path, INVALID_MAP_METADATA[kind]))
    assert "\n" not in str(raised.value)


def test_networks_of_the_user_are_refused_for_maps(map_path, tmp_path):
    change_metadata = apply_all(
        set_entry({"name": "own"}, "learned", "network"),
        set_entry(10**13, "learned", "n_landmarks"),
    )
    with pytest.raises(ModelFileError, match="damaged"):
        load_model(write_changed(map_path, tmp_path, change_metadata), network=user_networks())


def replace_array(name, change_array):
    return lambda arrays: {**arrays, f"fitted/{name}": change_array(arrays[f"fitted/{name}"])}


@pytest.mark.parametrize(
    "arrays",
    [
        remove_arrays("centers"),
        remove_arrays("anchors"),
        remove_arrays("fitted/landmark_share"),
        remove_arrays("fitted/code_scale"),
        remove_arrays("fitted/code_offset"),
        replace_array("landmark_share", lambda share: share[:-1]),
        replace_array("landmark_share", lambda share: np.append(share, share)),
        replace_array("landmark_share", lambda share: share * np.nan),
        replace_array("landmark_share", lambda share: share * 0),
        replace_array("landmark_share", lambda share: np.append(-0.1, share[1:])),
        replace_array("landmark_share", lambda share: share[:, None]),
        replace_array("offset", lambda offset: np.zeros(3)),
        replace_array("code_scale", lambda scale: np.ones(2)),
        replace_array("code_scale", lambda scale: scale * np.nan),
        replace_array("code_offset", lambda offset: np.ones(3)),
        replace_array("code_offset", lambda offset: offset * np.inf),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_arrays_that_do_not_fit_the_map_are_refused(arrays, map_path, tmp_path):
    with pytest.raises(ModelFileError, match="damaged"):
        load_model(write_changed(map_path, tmp_path, lambda metadata: None, arrays))


# -- networks of the user --------------------------------------------------------------------------


def user_networks(n_components=2):
    encoder = keras.Sequential([keras.Input((4,)), keras.layers.Dense(n_components)])
    decoder = keras.Sequential([keras.Input((n_components,)), keras.layers.Dense(4)])
    return encoder, decoder


@pytest.fixture(scope="module")
def user_model(tmp_path_factory, iris):
    model = AutoEncoder(2, network=user_networks(), epochs=2, random_state=0).fit(iris)
    path = tmp_path_factory.mktemp("own") / "own.safetensors"
    model.save(path)
    return model, path


def test_model_with_networks_of_the_user_is_loaded_with_these_networks(user_model, iris):
    model, path = user_model
    check_equal(model, load_model(path, network=user_networks()), iris)


def test_load_model_requires_the_networks_of_the_user(user_model):
    with pytest.raises(SettingError, match=r"expected them as network=\(encoder, decoder\)"):
        load_model(user_model[1])


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (user_networks(3), r"expected shape \(2,\) for the encoder's output, found \(3,\)"),
        ("dense", r"expected a pair \(encoder, decoder\)"),
        (3, "network: expected"),
    ],
)
def test_networks_of_other_shapes_are_refused(network, message, user_model):
    with pytest.raises(SettingError, match=message) as raised:
        load_model(user_model[1], network=network)
    assert isinstance(raised.value, LatentmapError)


def test_networks_with_other_layers_are_refused(user_model):
    encoder = keras.Sequential([keras.Input((4,)), keras.layers.Dense(7), keras.layers.Dense(2)])
    with pytest.raises(ModelFileError, match="the arrays do not fit the network"):
        load_model(user_model[1], network=(encoder, user_networks()[1]))


# -- older formats ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(FILES.glob("*.safetensors")), ids=lambda path: path.stem)
def test_files_of_all_formats_can_be_loaded(path):
    model = load_model(path)
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as expected:
        rows, codes = expected["rows"], expected["codes"]
        confidence = expected.get("confidence")
    table = pd.DataFrame(rows, columns=["t", "square", "cube", "wave"])
    assert np.allclose(model.transform(table), codes, atol=1e-4)
    reconstructions = np.asarray(model.inverse_transform(codes))
    assert ((reconstructions - rows) ** 2).mean() < 0.2 * rows.var(axis=0).mean()
    if isinstance(model, LatentMap):
        assert np.allclose(model.confidence(table), confidence, atol=1e-3)
        assert (model.density(codes) > 0.1).all()


@pytest.mark.parametrize("number", range(1, FORMAT + 1))
@pytest.mark.parametrize("suffix", ["", "-map"])
def test_a_file_of_each_format_is_stored(number, suffix):
    path = FILES / f"format-{number}{suffix}.safetensors"
    assert read_model(path)[0]["format"] == number


@pytest.mark.parametrize(
    ("name", "noise", "learning_rate"), [("format-1", 0.3, 0.003), ("format-1-map", 0.0, 0.01)]
)
def test_noise_of_format_1_is_loaded_as_a_training_setting(name, noise, learning_rate, tmp_path):
    metadata, arrays = read_model(FILES / f"{name}.safetensors")
    metadata["parameters"] |= {"noise": noise, "training": None}
    path = tmp_path / "model.safetensors"
    save_file(arrays, path, {"latentmap": json.dumps(metadata)})
    training = load_model(path).training
    assert (training.noise, training.learning_rate) == (noise, learning_rate)


def test_training_noise_of_the_stored_files_of_format_1():
    assert load_model(FILES / "format-1.safetensors").training is None
    assert load_model(FILES / "format-1-map.safetensors").training.noise == 0.1


def test_older_maps_store_parameters_that_were_removed(tmp_path):
    metadata, arrays = read_model(FILES / "format-1-map.safetensors")
    assert {"layout", "loss"} <= metadata["parameters"].keys()
    metadata["parameters"] |= {"neighbors": None, "loss": "mae"}
    metadata["learned"]["loss"], metadata["feature_names"] = "mae", None
    path = tmp_path / "model.safetensors"
    save_file(arrays, path, {"latentmap": json.dumps(metadata)})
    loaded = load_model(path)
    assert loaded.transform(np.zeros((1, *loaded.row_shape_))).shape == (1, 2)
    loaded.save(tmp_path / "again.safetensors")
    assert "loss" not in read_model(tmp_path / "again.safetensors")[0]["parameters"]
