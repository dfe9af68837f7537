import pytest

from latentmap.data.folders import list_files, natural_sort_key
from latentmap.errors import FileError


def test_natural_order():
    names = ["a10", "a9", "a09", "b", "a", "10", "9", "a/10", "a/9", "a-b/1", "9" * 5000]
    expected = ["9", "10", "9" * 5000, "a", "a/9", "a/10", "a09", "a9", "a10", "a-b/1", "b"]
    assert sorted(names, key=natural_sort_key) == expected


def test_unusual_file_names_are_listed(tmp_path):
    for name in ["a b.png", "$(touch x).png", "-rf.png", "é.png", "\n.png"]:
        (tmp_path / name).touch()
    assert set(list_files(tmp_path)) == {path.name for path in tmp_path.iterdir()}


def test_message_names_an_unreadable_folder(user_folder):
    (user_folder / "closed").mkdir(mode=0)
    with pytest.raises(FileError, match=r"closed: cannot be read \(Permission denied\)"):
        list_files(user_folder)
