import numpy as np
import pytest

from latentmap.data import list_datasets, load_dataset
from latentmap.errors import UnknownNameError

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
