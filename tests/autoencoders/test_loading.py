"""Estimators into a file and back; and files that lie."""

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
from latentmap.autoencoders.loading import describe_model
from latentmap.autoencoders.model_file import FORMAT, read_model, write_model
from latentmap.autoencoders.persistence import assign_weights
from latentmap.errors import LatentmapError, ModelFileError, SettingError
from latentmap.networks.conv import ConvNetwork
from latentmap.networks.dense import DenseNetwork, LinearNetwork

FILES = Path(__file__).parents[1] / "files"
SMALL = DenseNetwork(hidden=(8,))


# -- there and back --------------------------------------------------------------------------------


def weights(model):
    return [keras.ops.convert_to_numpy(w.value) for w in model._objective.weights]


def same(model, again, rows):
    assert type(again) is type(model)
    for ours, theirs in zip(weights(model), weights(again), strict=True):
        assert np.array_equal(ours, theirs)
    codes = model.transform(rows)
    assert np.array_equal(again.transform(rows), codes)
    assert np.array_equal(again.inverse_transform(codes), model.inverse_transform(codes))
    assert np.array_equal(again.reconstruction_error(rows), model.reconstruction_error(rows))
    assert again.score(rows) == model.score(rows)
    assert np.array_equal(again.sample(3), model.sample(3))
    np.testing.assert_equal(again.history_, model.history_)
    if isinstance(model, LatentMap):
        assert np.array_equal(again.confidence(rows), model.confidence(rows))
        assert np.array_equal(again.density(codes), model.density(codes))
        assert np.array_equal(again.landmarks_, model.landmarks_)
        assert again.layout_fit_ == model.layout_fit_
    assert again.row_shape_ == model.row_shape_
    assert getattr(again, "uses_network_", None) == getattr(model, "uses_network_", None)
    assert again.n_features_in_ == model.n_features_in_


ESTIMATORS = {
    "linear": AutoEncoder(3, network="linear", epochs=2, random_state=0),
    "article": AutoEncoder(
        2, network=LinearNetwork(principal=False), loss="binary_crossentropy", epochs=1
    ).set_params(random_state=0),
    "dense beside PCA": AutoEncoder(4, network=SMALL, epochs=40, random_state=0),
    "dense alone": AutoEncoder(
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
    "conv beside PCA": AutoEncoder(2, network=ConvNetwork(filters=(3,)), epochs=1, random_state=0),
    "map": LatentMap(network=SMALL, epochs=2, random_state=0),
    "map in space": LatentMap(3, network="dense", loss="mae", epochs=1, random_state=0),
    "map conv": LatentMap(
        network=ConvNetwork(filters=(3,), principal=False), epochs=1, random_state=0
    ),
    "map of a layout": LatentMap(
        layout=np.random.default_rng(0).normal(5e6, 1e3, (200, 3)), network=SMALL, epochs=1
    ).set_params(random_state=0),
    "variational": VariationalAutoEncoder(2, network=SMALL, beta=2.0, epochs=2, random_state=0),
    "variational conv": VariationalAutoEncoder(
        2, network=ConvNetwork(filters=(3,)), epochs=1, random_state=0
    ),
}


@pytest.mark.parametrize("kind", sorted(ESTIMATORS))
def test_every_kind_comes_back_bit_for_bit(kind, digits, tmp_path):
    model = ESTIMATORS[kind].fit(digits[:200])
    model.save(tmp_path / "model.safetensors")
    same(model, load_model(tmp_path / "model.safetensors"), digits)


def test_what_comes_back_can_be_saved_and_fitted_again(image_model, digits, tmp_path):
    first, second = tmp_path / "1.safetensors", tmp_path / "2.safetensors"
    image_model.save(first)
    load_model(first).save(second)
    again = load_model(second)
    same(image_model, again, digits)
    again.set_params(epochs=1).fit(digits[:100])
    assert again.transform(digits).shape == (500, 4)


def test_names_and_parameters_come_back(table_model, iris, tmp_path):
    path = tmp_path / "table.safetensors"
    table_model.save(path)
    again = load_model(str(path))
    same(table_model, again, iris)
    assert again.feature_names_in_.tolist() == iris.columns.tolist()
    assert again.get_feature_names_out().tolist() == ["autoencoder0", "autoencoder1"]
    assert again.n_components == 2
    assert again.epochs == 5
    assert isinstance(again.set_output(transform="pandas").transform(iris), pd.DataFrame)


def test_training_settings_come_back(iris, tmp_path):
    settings = Training(batch_size=10, learning_rate=0.01, patience=None)
    AutoEncoder(network="linear", training=settings).fit(iris).save(tmp_path / "a.safetensors")
    again = load_model(tmp_path / "a.safetensors")
    assert again.training.get_params() == settings.get_params()
    assert again.random_state is None


def test_describe_model_tells_what_is_in_a_file(table_model, tmp_path):
    path = tmp_path / "table.safetensors"
    table_model.save(path)
    told = describe_model(path)
    assert told["estimator"] == "AutoEncoder"
    assert told["row_shape"] == [4]
    assert told["dtype"] == "float64"
    assert told["feature_names"][0] == "sepal l"
    assert told["parameters"]["n_components"] == 2
    assert told["n_weights"] == sum(w.size for w in weights(table_model))


# -- nothing in a file is executed -----------------------------------------------------------------


@pytest.fixture(scope="module")
def path(tmp_path_factory, iris):
    """The file of a model with a network, a table's names and figures."""
    network = DenseNetwork(hidden=(3,), principal=False)
    model = AutoEncoder(2, network=network, epochs=2, random_state=0).fit(iris)
    model.figures_ = {"mse": 0.1}
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    model.save(path)
    return path


def test_nothing_is_unpickled_or_executed(path, monkeypatch):
    def fail(*args, **kwargs):
        pytest.fail("executed something from a file")

    for place, name in [
        (pickle, "load"),
        (pickle, "loads"),
        (pickle, "Unpickler"),
        (keras.models, "load_model"),
        (keras.saving, "deserialize_keras_object"),
        (builtins, "eval"),
    ]:
        monkeypatch.setattr(place, name, fail)
    load_model(path)


def test_there_is_no_pickle_in_a_file(path):
    whole = path.read_bytes()
    length = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + length])
    json.loads(header.pop("__metadata__")["latentmap"])
    assert {entry["dtype"] for entry in header.values()} <= {"F32", "F64"}
    assert sum(np.diff(e["data_offsets"])[0] for e in header.values()) == len(whole) - 8 - length


def test_names_in_a_file_are_never_paths(path, tmp_path, iris):
    about, arrays = read_model(path)
    about["feature_names"] = names = ["../../a", "/etc/passwd", "..", "c:\\d"]
    turned = {}
    for name, array in arrays.items():
        kind, number, *_ = name.split("/")
        turned[f"{kind}/{number}/../../../evil" if kind == "weight" else name] = array
    turned["fitted/../../evil"] = np.zeros(1)
    folder = tmp_path / "only"
    folder.mkdir()
    write_model(folder / "model.safetensors", about, turned)
    again = load_model(folder / "model.safetensors")
    codes = again.transform(iris.set_axis(names, axis=1))
    assert np.array_equal(codes, load_model(path).transform(iris))
    assert [p.name for p in folder.iterdir()] == ["model.safetensors"]
    assert [p.name for p in tmp_path.iterdir()] == ["only"]


# -- damaged files ---------------------------------------------------------------------------------


def test_a_file_cut_at_many_places(path, tmp_path):
    whole, part = path.read_bytes(), tmp_path / "part.safetensors"
    for length in [*range(0, len(whole), len(whole) // 40), len(whole) - 1]:
        part.write_bytes(whole[:length])
        with pytest.raises(ModelFileError, match=r"part\.safetensors"):
            load_model(part)


def test_bytes_flipped_in_the_header_never_crash(path, tmp_path):
    whole, rng = bytearray(path.read_bytes()), np.random.default_rng(0)
    length, odd = int.from_bytes(whole[:8], "little"), tmp_path / "odd.safetensors"
    refused = 0
    for _ in range(150):
        changed = bytearray(whole)
        for place in rng.integers(0, 8 + length, rng.integers(1, 4)):
            changed[place] = rng.integers(32, 127) if place >= 8 else rng.integers(256)
        odd.write_bytes(changed)
        try:
            load_model(odd)
        except ModelFileError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 50


def lying(path, tmp_path, change, arrays=None):
    """Write the file again with a changed description."""
    about, found = read_model(path)
    change(about)
    place = tmp_path / "lying.safetensors"
    write_model(place, about, found if arrays is None else arrays(found))
    return place


def put(value, *keys):
    """Give what sets the place ``keys`` of a description to a value."""

    def change(about):
        for key in keys[:-1]:
            about = about[key]
        about[keys[-1]] = value

    return change


def both(*changes):
    return lambda about: [change(about) for change in changes]


HUGE = {
    "row_shape": put([10**9], "row_shape"),
    "an image": put([10**5, 10**5, 3], "row_shape"),
    "a product beyond 64 bits": put([10**6] * 10, "row_shape"),
    "hidden": put([10**7], "learned", "network", "hidden"),
    "hidden twice": put([10**5, 10**5], "learned", "network", "hidden"),
    "many layers": put([1] * 100, "learned", "network", "hidden"),
    "n_components": put(10**9, "learned", "n_components"),
    "filters": put(
        {"name": "conv", "filters": [10**6, 10**6], "activation": "silu", "principal": False},
        "learned",
        "network",
    ),
    "principal": both(
        put([40], "row_shape"),
        put(40, "learned", "n_components"),
        put([1], "learned", "network", "hidden"),
        put(True, "learned", "principal"),
    ),
    "linear": both(
        put([50], "row_shape"),
        put({"name": "linear", "principal": True}, "learned", "network"),
    ),
}


@pytest.mark.parametrize("kind", sorted(HUGE))
def test_huge_claims_are_refused_before_anything_is_built(kind, path, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "latentmap.autoencoders.loading.restore_estimator",
        lambda *_: pytest.fail("built networks that the file cannot fill"),
    )
    change = both(HUGE[kind], put(None, "feature_names"))
    with pytest.raises(ModelFileError, match=r"layers of .* the file holds|takes images"):
        load_model(lying(path, tmp_path, change))


WRONG = {
    "estimator": put("Pipeline", "estimator"),
    "estimator of another type": put(["AutoEncoder"], "estimator"),
    "another estimator": put("VariationalAutoEncoder", "estimator"),
    "no parameters": put(None, "parameters"),
    "unknown parameter": put(3, "parameters", "n_jobs"),
    "n_components text": put("2", "parameters", "n_components"),
    "n_components 0": put(0, "parameters", "n_components"),
    "n_components -1": put(-1, "parameters", "n_components"),
    "n_components 1": put(1, "learned", "n_components"),
    "n_components nothing": put(None, "parameters", "n_components"),
    "noise text": put({"noise": "x"}, "parameters", "training"),
    "noise of format 1": put(0.1, "parameters", "noise"),
    "training text": put("fast", "parameters", "training"),
    "training unknown": put({"speed": 3}, "parameters", "training"),
    "row_shape text": put("4", "row_shape"),
    "row_shape nothing": put(None, "row_shape"),
    "row_shape empty": put([], "row_shape"),
    "row_shape zero": put([4, 0], "row_shape"),
    "row_shape negative": put([-2, -2], "row_shape"),
    "row_shape float": put([4.0], "row_shape"),
    "row_shape another": put([2, 3], "row_shape"),
    "names too few": put(["a"], "feature_names"),
    "names numbers": put([1, 2, 3, 4], "feature_names"),
    "names text": put("abcd efgh", "feature_names"),
    "names a number": put(4, "feature_names"),
    "history a list": put([1, 2], "history"),
    "history text": put({"loss": ["a", "b"]}, "history"),
    "history of tables": put({"loss": [{}]}, "history"),
    "history nothing": put(None, "history"),
    "figures text": put("good", "figures"),
    "figures a list": put([1], "figures"),
    "learned nothing": put(None, "learned"),
    "network nothing": put(None, "learned", "network"),
    "network unknown": put({"name": "os.system"}, "learned", "network"),
    "network name a list": put({"name": ["dense"]}, "learned", "network"),
    "network setting unknown": put(1, "learned", "network", "command"),
    "hidden text": put("x" * 10, "learned", "network", "hidden"),
    "hidden negative": put([-3], "learned", "network", "hidden"),
    "hidden other": put([2], "learned", "network", "hidden"),
    "hidden nested": put([[3]], "learned", "network", "hidden"),
    "activation unknown": put("os.system", "learned", "network", "activation"),
    "activation a table": put({"class_name": "X"}, "learned", "network", "activation"),
    "dropout": put(7, "learned", "network", "dropout"),
    "loss unknown": put("evil", "learned", "loss"),
    "loss a table": put({"class_name": "X"}, "learned", "loss"),
    "seed a list": put([1], "learned", "seed"),
    "principal": put(True, "learned", "principal"),
}


@pytest.mark.parametrize("kind", sorted(WRONG))
def test_a_description_that_makes_no_sense(kind, path, tmp_path):
    with pytest.raises(ModelFileError, match="the description of the model is damaged") as caught:
        load_model(lying(path, tmp_path, WRONG[kind]))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["history text", "row_shape text", "network nothing"])
def test_describing_a_description_that_makes_no_sense(kind, path, tmp_path):
    with pytest.raises(ModelFileError, match="the description of the model is damaged"):
        describe_model(lying(path, tmp_path, WRONG[kind]))


MISSING = ["estimator", "parameters", "row_shape", "dtype", "feature_names", "history", "learned"]


@pytest.mark.parametrize("key", [*MISSING, "figures"])
def test_a_description_with_something_missing(key, path, tmp_path):
    with pytest.raises(ModelFileError, match="damaged"):
        load_model(lying(path, tmp_path, lambda about: about.pop(key)))


def without(part):
    return lambda arrays: {name: array for name, array in arrays.items() if part not in name}


def turned(part):
    return lambda arrays: {n: (a.T.copy() if part in n else a) for n, a in arrays.items()}


@pytest.mark.parametrize(
    "arrays",
    [
        without("kernel"),
        without("weight/000"),
        without("fitted/code_mean"),
        without("fitted/scale"),
        without(""),
        turned("kernel"),
        lambda arrays: {**arrays, "fitted/code_spread": np.zeros((3, 3))},
        lambda arrays: {**arrays, "fitted/code_mean": np.full(2, np.nan)},
        lambda arrays: {**arrays, "fitted/scale": np.ones(3)},
        lambda arrays: {**arrays, "weight/more": np.zeros(3)},
        lambda arrays: {**arrays, "weight/900/more": np.zeros(3)},
    ],
)
def test_arrays_that_do_not_fill_the_network(arrays, path, tmp_path):
    with pytest.raises(ModelFileError, match="damaged"):
        load_model(lying(path, tmp_path, lambda about: None, arrays))


class Weight:
    """A weight that notes what it is given."""

    shape = (1,)

    def assign(self, value):
        self.value = int(value[0])


def test_more_than_a_thousand_weights_keep_their_order():
    objective = SimpleNamespace(weights=[Weight() for _ in range(1100)])
    arrays = {f"weight/{i:03d}/w": np.full(1, i) for i in range(1100)}
    assign_weights(objective, dict(sorted(arrays.items())))
    assert [weight.value for weight in objective.weights] == list(range(1100))


# -- a map's file ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def map_path(tmp_path_factory, iris):
    """The file of a map of a table."""
    network = DenseNetwork(hidden=(3,), principal=False)
    path = tmp_path_factory.mktemp("map") / "map.safetensors"
    LatentMap(network=network, epochs=1, random_state=0).fit(iris).save(path)
    return path


HUGE_MAPS = {
    "n_landmarks": put(10**12, "learned", "n_landmarks"),
    "n_anchors": put(10**12, "learned", "n_anchors"),
    "n_components": put(10**9, "learned", "n_components"),
    "row_shape": put([10**9], "row_shape"),
    "hidden": put([10**7], "learned", "network", "hidden"),
    "hidden back": put([10**7], "learned", "back", "hidden"),
    "many layers back": put([1] * 100, "learned", "back", "hidden"),
    "filters back": both(
        put([4, 4, 1], "row_shape"),
        put(
            {"name": "conv", "filters": [10**6], "activation": "silu", "principal": False},
            "learned",
            "back",
        ),
    ),
}


@pytest.mark.parametrize("kind", sorted(HUGE_MAPS))
def test_huge_maps_are_refused_before_anything_is_built(kind, map_path, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "latentmap.autoencoders.loading.restore_estimator",
        lambda *_: pytest.fail("built networks that the file cannot fill"),
    )
    change = both(HUGE_MAPS[kind], put(None, "feature_names"))
    with pytest.raises(ModelFileError, match=r"layers of .* the file holds|takes images"):
        load_model(lying(map_path, tmp_path, change))


WRONG_MAPS = {
    **{
        f"{name} {value!r}": put(value, "learned", name)
        for name in ("n_landmarks", "n_anchors")
        for value in (-5, 0, 2, "x", None, 1.5, [3])
    },
    **{
        f"{name} {value!r}": put(value, "learned", name)
        for name in ("window", "usual_error", "usual_crowd")
        for value in (-1, "x", None, [1])
    },
    **{
        f"{name} {value!r}": put(value, "learned", name)
        for name in ("seed", "rows", "grown", "reconstruction")
        for value in (-1, "x", None, [1])
    },
    **{f"{name} 1.5": put(1.5, "learned", name) for name in ("seed", "rows", "grown")},
    "reconstruction of 400 digits": put(10**400, "learned", "reconstruction"),
    **{
        f"growth {value!r}": put(value, "learned", "growth")
        for value in (
            "x",
            {},
            dict.fromkeys(("rows", "new_kind", "landmarks", "median_shift"), "x"),
        )
    },
    "window 0": put(0, "learned", "window"),
    "window without end": put(1e300, "learned", "window"),
    "usual_crowd 0": put(0, "learned", "usual_crowd"),
    **{
        f"following {value!r}": put(value, "learned", "following")
        for value in ("x", None, [1], {}, {"r2": "good", "median_shift": 0.1})
    },
    "n_components 1": put(1, "learned", "n_components"),
    "n_components 3": put(3, "learned", "n_components"),
    "n_components 5": put(5, "learned", "n_components"),
    "n_components text": put("2", "learned", "n_components"),
    "n_neighbors 0": put(0, "parameters", "n_neighbors"),
    "n_neighbors text": put("x", "parameters", "n_neighbors"),
    "back nothing": put(None, "learned", "back"),
    "back own": put({"name": "own"}, "learned", "back"),
    "back unknown": put({"name": "os.system"}, "learned", "back"),
    "back other": put([2], "learned", "back", "hidden"),
    "back activation": put("os.system", "learned", "back", "activation"),
    "width another": put([2, 3], "row_shape"),
    "another estimator": put("AutoEncoder", "estimator"),
    **{
        f"no {name}": lambda about, name=name: about["learned"].pop(name)
        for name in ("back", "n_landmarks", "n_anchors", "window", "following")
    },
}


@pytest.mark.parametrize("kind", sorted(WRONG_MAPS))
def test_a_map_that_makes_no_sense(kind, map_path, tmp_path):
    with pytest.raises(ModelFileError, match="the description of the model is damaged") as caught:
        load_model(lying(map_path, tmp_path, WRONG_MAPS[kind]))
    assert "\n" not in str(caught.value)


def test_a_map_has_no_networks_of_ones_own(map_path, tmp_path):
    change = both(put({"name": "own"}, "learned", "network"), put(10**13, "learned", "n_landmarks"))
    with pytest.raises(ModelFileError, match="damaged"):
        load_model(lying(map_path, tmp_path, change), network=pair())


def replaced(name, make):
    return lambda arrays: {**arrays, f"fitted/{name}": make(arrays[f"fitted/{name}"])}


@pytest.mark.parametrize(
    "arrays",
    [
        without("centers"),
        without("anchors"),
        without("fitted/landmark_share"),
        without("fitted/code_scale"),
        without("fitted/code_offset"),
        replaced("landmark_share", lambda share: share[:-1]),
        replaced("landmark_share", lambda share: np.append(share, share)),
        replaced("landmark_share", lambda share: share * np.nan),
        replaced("landmark_share", lambda share: share * 0),
        replaced("landmark_share", lambda share: np.append(-0.1, share[1:])),
        replaced("landmark_share", lambda share: share[:, None]),
        replaced("code_scale", lambda scale: np.ones(2)),
        replaced("code_scale", lambda scale: scale * np.nan),
        replaced("code_offset", lambda offset: np.ones(3)),
        replaced("code_offset", lambda offset: offset * np.inf),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_arrays_that_do_not_fill_the_map(arrays, map_path, tmp_path):
    with pytest.raises(ModelFileError, match="damaged"):
        load_model(lying(map_path, tmp_path, lambda about: None, arrays))


# -- a pair of the user's own ----------------------------------------------------------------------


def pair(n_components=2):
    encoder = keras.Sequential([keras.Input((4,)), keras.layers.Dense(n_components)])
    decoder = keras.Sequential([keras.Input((n_components,)), keras.layers.Dense(4)])
    return encoder, decoder


@pytest.fixture(scope="module")
def own(tmp_path_factory, iris):
    model = AutoEncoder(2, network=pair(), epochs=2, random_state=0).fit(iris)
    path = tmp_path_factory.mktemp("own") / "own.safetensors"
    model.save(path)
    return model, path


def test_ones_own_pair_is_handed_in_again(own, iris):
    model, path = own
    same(model, load_model(path, network=pair()), iris)


def test_without_ones_own_pair_it_is_refused(own):
    with pytest.raises(SettingError, match=r"expected them as network=\(encoder, decoder\)"):
        load_model(own[1])


@pytest.mark.parametrize(
    ("network", "told"),
    [
        (pair(3), r"expected shape \(2,\) for the encoder's output, found \(3,\)"),
        ("dense", r"expected a pair \(encoder, decoder\)"),
        (3, "network: expected"),
    ],
)
def test_another_pair_is_refused(network, told, own):
    with pytest.raises(SettingError, match=told) as caught:
        load_model(own[1], network=network)
    assert isinstance(caught.value, LatentmapError)


def test_a_pair_of_other_layers_is_refused(own):
    encoder = keras.Sequential([keras.Input((4,)), keras.layers.Dense(7), keras.layers.Dense(2)])
    with pytest.raises(ModelFileError, match="the arrays do not fit the network"):
        load_model(own[1], network=(encoder, pair()[1]))


# -- older formats ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(FILES.glob("*.safetensors")), ids=lambda path: path.stem)
def test_files_of_every_format_keep_loading(path):
    model = load_model(path)
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as beside:
        rows, codes = beside["rows"], beside["codes"]
        confidence = beside.get("confidence")
    named = pd.DataFrame(rows, columns=["t", "square", "cube", "wave"])
    assert np.allclose(model.transform(named), codes, atol=1e-4)
    assert ((model.inverse_transform(codes) - rows) ** 2).mean() < 0.2 * rows.var(axis=0).mean()
    if isinstance(model, LatentMap):
        assert np.allclose(model.confidence(named), confidence, atol=1e-3)
        assert (model.density(codes) > 0.1).all()


@pytest.mark.parametrize("number", range(1, FORMAT + 1))
@pytest.mark.parametrize("suffix", ["", "-map"])
def test_there_are_files_of_every_format(number, suffix):
    path = FILES / f"format-{number}{suffix}.safetensors"
    assert read_model(path, arrays=False)[0]["format"] == number


@pytest.mark.parametrize(
    ("name", "noise", "learning_rate"), [("format-1", 0.3, 0.003), ("format-1-map", 0.0, 0.01)]
)
def test_noise_of_format_1_becomes_a_training_setting(name, noise, learning_rate, tmp_path):
    metadata, arrays = read_model(FILES / f"{name}.safetensors")
    metadata["parameters"] |= {"noise": noise, "training": None}
    path = tmp_path / "model.safetensors"
    save_file(arrays, path, {"latentmap": json.dumps(metadata)})
    training = load_model(path).training
    assert (training.noise, training.learning_rate) == (noise, learning_rate)


def test_noise_in_the_files_of_format_1():
    assert load_model(FILES / "format-1.safetensors").training is None
    assert load_model(FILES / "format-1-map.safetensors").training.noise == 0.1
