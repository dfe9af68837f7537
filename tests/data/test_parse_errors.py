import pytest

from latentmap.data.parse_errors import as_file_error
from latentmap.errors import DataError, FileError, TooLargeError


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


def test_a_failed_allocation_is_a_file_that_is_too_large():
    expected = r"^x.npy: too large to be read as an array into memory$"
    with (
        pytest.raises(TooLargeError, match=expected),
        as_file_error("x.npy", "an array", ValueError),
    ):
        raise MemoryError
