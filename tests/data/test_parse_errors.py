import pytest

from latentmap.data.parse_errors import as_file_error
from latentmap.errors import DataError, FileError


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (EOFError(), "it is truncated"),
        (FileNotFoundError(2, "No such file or directory"), "No such file or directory"),
        (ValueError("wrong magic.\nand more"), "wrong magic"),
        (ValueError(), "ValueError"),
    ],
)
def test_parser_errors_become_one_sentence(error, reason):
    with (
        pytest.raises(FileError, match=rf"^x.npy: cannot be read as an array \({reason}\)$"),
        as_file_error("x.npy", "an array", ValueError, EOFError),
    ):
        raise error


def test_own_and_unlisted_errors_pass():
    with pytest.raises(DataError, match="own"), as_file_error("x", "y", Exception):
        raise DataError("own")
    with pytest.raises(TypeError), as_file_error("x", "y", ValueError):
        raise TypeError
