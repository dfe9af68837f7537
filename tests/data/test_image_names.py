import pytest

from latentmap.data.image_names import numbered_file_names, safe_file_names
from latentmap.errors import SettingError


def test_numbered_names_sort_by_number():
    names = numbered_file_names(123_456)
    assert names[7] == "000007.png"
    assert names == sorted(names)


def test_safe_names_get_png():
    assert safe_file_names(["a.b/c.d.jpg", "x"]) == ["a.b/c.d.png", "x.png"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/etc/passwd",
        "../x",
        "a/../x",
        "a//b",
        "./a",
        "~/..",
        "a\\b",
        "C:x",
        "a\0b",
        "a\n",
        ".x",
    ],
)
def test_unsafe_names(name):
    with pytest.raises(SettingError, match="expected a relative path that stays in its folder"):
        safe_file_names(["fine.png", name])


def test_equal_names_raise():
    with pytest.raises(SettingError, match=r"image name 'A.jpg': expected a unique name, found 'a"):
        safe_file_names(["a.png", "A.jpg"])
