"""Names of written image files, which must not lead out of the output folder."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from latentmap.errors import SettingError

# On Windows a backslash separates folders and a colon selects a drive. Control characters can
# change the output of a terminal.
_UNSAFE_CHARACTERS = re.compile(r"[\\:\x00-\x1f\x7f]")


def numbered_file_names(length: int) -> list[str]:
    """Return 00000.png, 00001.png, ..., with enough digits that they sort by number."""
    width = max(5, len(str(length - 1)))
    return [f"{i:0{width}}.png" for i in range(length)]


def safe_file_names(names: Sequence[str]) -> list[str]:
    """Return relative paths with the suffix .png, or raise SettingError if one is not safe."""
    originals: dict[str, str] = {}
    for name in names:
        # Some file systems do not distinguish A.png from a.png.
        key = _with_png_suffix(name).casefold()
        if key in originals:
            raise SettingError(
                f"image name {name!r}: expected a unique name, found {originals[key]!r} as well"
            )
        originals[key] = name
    return [_with_png_suffix(name) for name in names]


def _with_png_suffix(name: str) -> str:
    parts = name.split("/")
    if _UNSAFE_CHARACTERS.search(name) or any(
        part.strip() == "" or part.startswith(".") for part in parts
    ):
        raise SettingError(
            f"image name {name!r}: expected a relative path that stays in its folder"
        )
    return PurePosixPath(name).with_suffix(".png").as_posix()
