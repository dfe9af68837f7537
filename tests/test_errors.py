import pickle

import pytest
from sklearn import exceptions

from latentmap import errors
from latentmap.errors import LatentmapError, UnknownNameError

BASE_CLASSES = {
    "DataError": (ValueError,),
    "RowTypeError": (errors.DataError, TypeError),
    "SettingError": (ValueError,),
    "UnknownNameError": (errors.SettingError,),
    "FileError": (OSError, ValueError),
    "ModelFileError": (errors.FileError,),
    "TooLargeError": (MemoryError,),
    "ClusterError": (RuntimeError,),
    "ForkError": (RuntimeError,),
    "NotFittedError": (exceptions.NotFittedError, ValueError, AttributeError),
    "LatentmapError": (Exception,),
}


def test_all_errors_are_tested():
    assert set(BASE_CLASSES) == set(errors.__all__)


@pytest.mark.parametrize("name", sorted(BASE_CLASSES))
def test_errors_have_their_base_classes(name):
    error_class = getattr(errors, name)
    assert issubclass(error_class, (LatentmapError, *BASE_CLASSES[name]))
    for base_class in BASE_CLASSES[name]:
        assert issubclass(error_class, base_class)
    assert name in errors.__doc__
    assert error_class.__doc__


@pytest.mark.parametrize("name", sorted(set(BASE_CLASSES) - {"UnknownNameError"}))
def test_errors_keep_their_message(name):
    error_class = getattr(errors, name)
    assert str(error_class("rows.csv, line 17")) == "rows.csv, line 17"
    copy = pickle.loads(pickle.dumps(error_class("rows.csv, line 17")))
    assert type(copy) is error_class
    assert str(copy) == "rows.csv, line 17"


def test_not_fitted_error_is_created_once():
    assert errors.NotFittedError is errors.NotFittedError


def test_unknown_attribute_raises():
    with pytest.raises(AttributeError, match="no attribute 'Typo'"):
        errors.Typo  # noqa: B018


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("artcle", "unknown recipe 'artcle', did you mean 'article'? (known: article, dense)"),
        ("xyz", "unknown recipe 'xyz' (known: article, dense)"),
        (None, "unknown recipe None (known: article, dense)"),
        (["a"], "unknown recipe ['a'] (known: article, dense)"),
    ],
)
def test_unknown_name_suggests_a_similar_one(name, message):
    assert str(UnknownNameError("recipe", name, ["dense", "article"])) == message
