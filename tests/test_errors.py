import pickle

import pytest
from sklearn import exceptions

from latentmap import errors
from latentmap.errors import LatentmapError, UnknownNameError

CAUGHT_AS = {
    "DataError": (ValueError,),
    "RowTypeError": (errors.DataError, TypeError),
    "SettingError": (ValueError,),
    "UnknownNameError": (errors.SettingError,),
    "FileError": (OSError, ValueError),
    "ModelFileError": (errors.FileError,),
    "TooLargeError": (MemoryError,),
    "ClusterError": (RuntimeError,),
    "NotFittedError": (exceptions.NotFittedError, ValueError, AttributeError),
    "LatentmapError": (Exception,),
}


def test_every_error_is_tested():
    assert set(CAUGHT_AS) == set(errors.__all__)


@pytest.mark.parametrize("name", sorted(CAUGHT_AS))
def test_base_classes_of_errors(name):
    kind = getattr(errors, name)
    assert issubclass(kind, (LatentmapError, *CAUGHT_AS[name]))
    for caught in CAUGHT_AS[name]:
        assert issubclass(kind, caught)
    assert name in errors.__doc__
    assert kind.__doc__


@pytest.mark.parametrize("name", sorted(set(CAUGHT_AS) - {"UnknownNameError"}))
def test_errors_keep_their_message(name):
    kind = getattr(errors, name)
    assert str(kind("rows.csv, line 17")) == "rows.csv, line 17"
    copy = pickle.loads(pickle.dumps(kind("rows.csv, line 17")))
    assert type(copy) is kind
    assert str(copy) == "rows.csv, line 17"


def test_not_fitted_is_one_class():
    assert errors.NotFittedError is errors.NotFittedError


def test_unknown_attribute_raises():
    with pytest.raises(AttributeError, match="no attribute 'Typo'"):
        errors.Typo  # noqa: B018


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("artcle", "unknown recipe 'artcle', did you mean 'article'? (known: article, dense)"),
        ("xyz", "unknown recipe 'xyz' (known: article, dense)"),
        (None, "unknown recipe None (known: article, dense)"),
        (["a"], "unknown recipe ['a'] (known: article, dense)"),
    ],
)
def test_unknown_name_suggests_a_similar_one(name, told):
    assert str(UnknownNameError("recipe", name, ["dense", "article"])) == told
