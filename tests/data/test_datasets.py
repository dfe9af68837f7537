import functools
import hashlib
import http.server
import threading

import numpy as np
import pytest

from latentmap.data import datasets, list_datasets, load_dataset, open_data
from latentmap.data.datasets import fetch
from latentmap.errors import FileError, UnknownNameError

LOCAL = ["mnist", "digits", "wine", "breast_cancer", "penguins"]


@pytest.mark.parametrize("name", LOCAL)
@pytest.mark.parametrize("part", ["fit", "unseen"])
def test_sizes_match_the_description(name, part):
    source = load_dataset(name, part)
    dataset = list_datasets()[name]
    assert len(source) == (dataset.n_fit if part == "fit" else dataset.n_unseen)
    assert source.labels.shape == (len(source),)
    assert source.name == (name if part == "fit" else f"{name}:unseen")


def test_mnist():
    source = load_dataset("mnist")
    assert (source.row_shape, source.dtype) == ((28, 28), np.uint8)
    assert source.labels[:8].tolist() == [5, 0, 4, 1, 9, 2, 1, 3]
    assert source.labels.dtype == np.int64


def test_digits_are_images_and_tables_have_names():
    digits = load_dataset("digits")
    assert (digits.row_shape, digits.dtype) == ((8, 8), np.float64)
    assert set(digits.labels) == set(range(10))
    cancer = load_dataset("breast_cancer")
    assert cancer.feature_names[:2] == ["mean radius", "mean texture"]
    assert set(cancer.labels) == {"malignant", "benign"}


def test_penguins_are_a_table_with_missing_values():
    penguins = load_dataset("penguins")
    assert penguins.feature_names[:2] == ["island", "bill_length_mm"]
    assert set(penguins.labels) == {"Adelie", "Chinstrap", "Gentoo"}
    assert penguins.take(range(len(penguins))).column("sex").null_count > 0


def test_parts_share_no_rows():
    fitted, unseen = (load_dataset("wine", part)[:] for part in ("fit", "unseen"))
    assert len(np.unique(np.concatenate([fitted, unseen]), axis=0)) == 178


def test_list_datasets_returns_a_copy():
    list_datasets().clear()
    assert list(list_datasets()) == [
        "mnist",
        "fashion-mnist",
        "digits",
        "wine",
        "breast_cancer",
        "penguins",
    ]


def test_unknown_names():
    with pytest.raises(UnknownNameError, match="unknown data set 'fashion', did you mean"):
        load_dataset("fashion")
    with pytest.raises(UnknownNameError, match="unknown part 'train'"):
        load_dataset("wine", "train")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        self.server.asked.append(self.path)


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A web server on this machine; ``server.asked`` lists the requests."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "www").mkdir()
    handler = functools.partial(Quiet, directory=tmp_path / "www")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.asked, server.files = [], tmp_path / "www"
        server.url = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def test_file_is_downloaded_once(server, tmp_path):
    (server.files / "x.gz").write_bytes(b"content")
    for _ in range(2):
        path = fetch("set", server.url + "x.gz", sha256(b"content"))
        assert path.read_bytes() == b"content"
        assert path.is_relative_to(tmp_path / "cache")
    assert server.asked == ["/x.gz"]


def test_file_with_a_wrong_checksum_is_not_cached(server, tmp_path):
    (server.files / "x.gz").write_bytes(b"other content")
    with pytest.raises(FileError, match=r"^set: expected a file of SHA-256 .* at http.*, found"):
        fetch("set", server.url + "x.gz", sha256(b"content"))
    assert [p for p in (tmp_path / "cache").rglob("*") if p.is_file()] == []


def test_damaged_file_is_downloaded_again(server):
    (server.files / "x.gz").write_bytes(b"content")
    path = fetch("set", server.url + "x.gz", sha256(b"content"))
    path.write_bytes(b"damaged")
    assert fetch("set", server.url + "x.gz", sha256(b"content")).read_bytes() == b"content"


def test_missing_file_and_unreachable_server(server):
    with pytest.raises(FileError, match=r"^set: cannot be downloaded .*the server answered 404\)"):
        fetch("set", server.url + "absent.gz", sha256(b""))
    with pytest.raises(FileError, match=r"^set: cannot be downloaded .*network is") as caught:
        fetch("set", "http://127.0.0.1:9/x.gz", sha256(b""))
    assert "\n" not in str(caught.value)


def test_fashion_mnist_is_downloaded(server, monkeypatch):
    checksums = {}
    for kind in ("fit", "unseen"):
        for name in datasets._IDX_FILES[kind]:
            content = (datasets._MNIST / name).read_bytes()
            (server.files / name).write_bytes(content)
            checksums[name] = sha256(content)
    assert set(checksums) == set(datasets._FASHION_SHA256)
    monkeypatch.setattr(datasets, "_FASHION_URL", server.url)
    with pytest.raises(FileError, match=r"^fashion-mnist: expected a file of SHA-256 346e55b948d9"):
        open_data("fashion-mnist:unseen")
    monkeypatch.setattr(datasets, "_FASHION_SHA256", checksums)
    source = open_data("fashion-mnist:unseen")
    assert (len(source), source.row_shape, source.dtype) == (10_000, (28, 28), np.uint8)
    assert not any("train" in path for path in server.asked)
