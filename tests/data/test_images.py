import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentmap.data import open_data, write_rows
from latentmap.data.images import IMAGE_SUFFIXES
from latentmap.errors import DataError, FileError, SettingError

FACES = Path(__file__).parents[2].parent / "shared" / "data" / "faces"
GREY = (np.arange(30).reshape(5, 6) * 8).astype(np.uint8)
COLOUR = np.stack([GREY, GREY.T.reshape(5, 6), 255 - GREY], axis=-1)


def save(folder, name, pixels, mode=None, **options):
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(pixels))
    (image.convert(mode) if mode else image).save(place, **options)
    return place


def test_faces():
    if not FACES.is_dir():
        pytest.skip(f"the faces are not at {FACES}")
    faces = open_data(FACES)
    assert (len(faces), faces.row_shape, faces.dtype) == (400, (64, 64), np.uint8)
    assert faces.paths[:2] == ["person-01/01.png", "person-01/02.png"]
    names, counts = np.unique(faces.labels, return_counts=True)
    assert (names[0], names[-1], set(counts)) == ("person-01", "person-40", {10})
    assert np.array_equal(faces[13], np.asarray(Image.open(FACES / "person-02" / "04.png")))


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".gif", ".tif", ".tiff", ".pgm"])
def test_grey_formats(tmp_path, suffix):
    save(tmp_path, f"a{suffix}", GREY)
    source = open_data(tmp_path)
    assert (source.row_shape, source.dtype) == ((5, 6), np.uint8)
    assert np.array_equal(source[0], GREY)


@pytest.mark.parametrize(
    ("suffix", "options"), [(".png", {}), (".bmp", {}), (".ppm", {}), (".webp", {"lossless": True})]
)
def test_colour_formats(tmp_path, suffix, options):
    save(tmp_path, f"a{suffix}", COLOUR, **options)
    source = open_data(tmp_path)
    assert (source.row_shape, source.dtype) == ((5, 6, 3), np.uint8)
    assert np.array_equal(source[0], COLOUR)


def test_mixed_types_are_read_as_colour_if_one_is(tmp_path):
    save(tmp_path, "a.png", GREY)
    save(tmp_path, "b.JPG", np.full((5, 6), 70, np.uint8))
    save(tmp_path, "c.gif", GREY)
    save(tmp_path, "d.png", GREY.astype(np.uint16) * 256)
    grey = open_data(tmp_path)
    assert grey.row_shape == (5, 6)
    assert np.array_equal(grey[[0, 2, 3]], [GREY] * 3)
    assert np.abs(grey[1].astype(int) - 70).max() <= 1
    save(tmp_path, "e.png", COLOUR)
    mixed = open_data(tmp_path)
    assert mixed.row_shape == (5, 6, 3)
    assert np.array_equal(mixed[4], COLOUR)
    assert np.array_equal(mixed[3], np.repeat(GREY[..., None], 3, axis=-1))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
def test_sixteen_bits_are_kept(tmp_path, suffix):
    deep = GREY.astype(np.uint16) * 257
    save(tmp_path, f"a{suffix}", deep)
    source = open_data(tmp_path)
    assert source.dtype == np.uint16
    assert np.array_equal(source[0], deep)


def test_black_is_0_and_white_is_255(tmp_path):
    save(tmp_path, "a.png", GREY > 100)
    assert np.array_equal(open_data(tmp_path)[0], np.where(GREY > 100, 255, 0))


def test_transparent_parts_are_white(tmp_path):
    alpha = np.full((5, 6, 1), 255, np.uint8)
    alpha[0, 0] = 0
    save(tmp_path / "rgba", "a.png", np.concatenate([COLOUR, alpha], axis=-1))
    save(tmp_path / "la", "a.png", np.concatenate([GREY[..., None], alpha], axis=-1))
    colour, grey = open_data(tmp_path / "rgba")[0], open_data(tmp_path / "la")[0]
    assert colour[0, 0].tolist() == [255, 255, 255]
    assert np.array_equal(colour[1:], COLOUR[1:])
    assert grey[0, 0] == 255
    assert np.array_equal(grey[1:], GREY[1:])


def test_transparent_parts_of_sixteen_bits_are_white(tmp_path):
    save(tmp_path, "a.png", GREY.astype(np.uint16) * 100, transparency=0)
    white = open_data(tmp_path)[0]
    assert white[0, 0] == 65535
    assert np.array_equal(white.ravel()[1:], GREY.ravel()[1:].astype(np.uint16) * 100)


def test_palette_with_transparency(tmp_path):
    palette = Image.fromarray(COLOUR).quantize(8)
    palette.save(tmp_path / "a.png", transparency=bytes([0] * 8))  # every colour is transparent
    assert np.all(open_data(tmp_path)[0] == 255)


def test_sub_folders_are_labels_in_natural_order(tmp_path):
    for name in ["img10.png", "img9.png"]:
        for folder in ["b10", "b9"]:
            save(tmp_path, f"{folder}/{name}", GREY)
    source = open_data(tmp_path)
    expected = ["b9/img9.png", "b9/img10.png", "b10/img9.png", "b10/img10.png"]
    assert list(source.paths) == expected
    assert source.labels.tolist() == ["b9", "b9", "b10", "b10"]


def test_flat_folders_have_no_labels_and_other_files_are_ignored(tmp_path):
    save(tmp_path, "a.png", GREY)
    save(tmp_path, ".hidden.png", GREY)
    save(tmp_path, ".cache/b.png", GREY)
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    source = open_data(tmp_path)
    assert list(source.paths) == ["a.png"]
    assert source.labels is None


def test_images_are_read_lazily(tmp_path):
    first, second = save(tmp_path, "a.png", GREY), save(tmp_path, "b.png", GREY)
    source = open_data(tmp_path)
    first.unlink()
    assert np.array_equal(source[1], GREY)
    with pytest.raises(FileError, match=r"^a.png: cannot be read as an image \(No such file"):
        source[0]
    save(tmp_path, "b.png", GREY[:4])
    with pytest.raises(DataError, match=r"^b.png: expected 6×5 pixels as in a.png, found 6×4$"):
        source[1]
    assert second.exists()


def test_image_that_has_grown_since_opening_raises(tmp_path, recwarn):
    save(tmp_path, "a.png", GREY)
    source = open_data(tmp_path)
    source._decode = lambda _: pytest.fail("decoded before its size was looked at")
    (tmp_path / "a.png").write_bytes(claiming(11_000))  # of which Pillow warns
    with pytest.raises(DataError, match=r"expected 6×5 pixels as in a.png, found 11000×11000"):
        source[0]
    assert not recwarn.list


def test_file_that_has_become_a_pipe_raises(tmp_path):
    path = save(tmp_path, "a.png", GREY)
    source = open_data(tmp_path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(FileError, match=r"^a.png: cannot be read as an image"):
        source[0]


def test_message_names_an_image_of_another_size(tmp_path):
    save(tmp_path, "a/1.png", GREY)
    save(tmp_path, "b/2.png", GREY[:, :3])
    with pytest.raises(DataError, match=r"^b/2.png: expected 6×5 pixels as in a/1.png, found 3×5$"):
        open_data(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no", 99_999 * b"no", b"%!PS-Adobe-3.0 EPSF\n"])
def test_message_names_an_unreadable_image(tmp_path, content):
    save(tmp_path, "a.png", GREY)
    (tmp_path / "b.png").write_bytes(content)
    with pytest.raises(FileError, match=r"^b.png: cannot be read as an image"):
        open_data(tmp_path)


def test_message_does_not_contain_the_folder(tmp_path):
    save(tmp_path, "a.png", GREY)
    (tmp_path / "b.png").write_bytes(b"no")
    with pytest.raises(FileError) as caught:
        open_data(tmp_path)
    assert str(caught.value).endswith("(expected PNG, JPEG, BMP, GIF, TIFF, WEBP or PPM)")


def test_large_and_small_files_give_the_same_pixels(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (2, 300, 300), dtype=np.uint8)
    for row, name in zip(noise, ("a.png", "b.tif"), strict=True):
        assert save(tmp_path, name, row).stat().st_size > 2**16
    assert np.array_equal(open_data(tmp_path)[:], noise)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".gif", ".tif", ".bmp"])
def test_message_names_a_truncated_image(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    path = save(tmp_path, f"a{suffix}", noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(FileError, match=rf"^a\{suffix}: cannot be read as an image"):
        open_data(tmp_path)[0]


def test_message_names_a_dangling_link(tmp_path):
    save(tmp_path, "a.png", GREY)
    (tmp_path / "b.png").symlink_to(tmp_path / "absent.png")
    with pytest.raises(FileError, match=r"^b.png: cannot be read as an image \(No such file"):
        open_data(tmp_path)


def test_loops_of_links_end(tmp_path):
    save(tmp_path, "a/1.png", GREY)
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    assert list(open_data(tmp_path).paths) == ["a/1.png"]


def claiming(side):
    """A PNG of no pixels that claims to have so many."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b""))


def test_decompression_bombs_raise_at_the_header(tmp_path):
    for i, side in enumerate([9_000, 60_000]):  # below and above Pillow's own limit
        (tmp_path / str(i)).mkdir()
        (tmp_path / str(i) / "x.png").write_bytes(claiming(side))
        with pytest.raises(FileError, match=r"^x.png: .*pixels"):
            open_data(tmp_path / str(i))


def test_float_images_raise(tmp_path):
    save(tmp_path, "a.tif", GREY.astype(np.float32))
    with pytest.raises(FileError, match=r"^a.tif: .*expected pixels of 8 or 16 bits"):
        open_data(tmp_path)


def test_no_images_and_no_label_column(tmp_path):
    with pytest.raises(DataError, match=r"expected .parquet files or images, found none$"):
        open_data(tmp_path)
    save(tmp_path, "a.png", GREY)
    with pytest.raises(SettingError, match=r"^label 'kind': expected data with columns"):
        open_data(tmp_path, label="kind")


def test_every_suffix_is_decoded(tmp_path):
    for i, suffix in enumerate(IMAGE_SUFFIXES):
        save(tmp_path, f"{i}{suffix}", COLOUR if suffix in {".ppm", ".webp"} else GREY)
    assert open_data(tmp_path).load()[:].shape == (len(IMAGE_SUFFIXES), 5, 6, 3)


def test_folder_names_that_are_not_text_become_valid_labels(tmp_path):
    for folder in (b"caf\xe8", b"caf\xe9", b"caf?"):
        save(tmp_path, f"{os.fsdecode(folder)}/\udcff.png", GREY)
    source = open_data(tmp_path)
    assert set(source.labels.tolist()) == {r"caf\xe8", r"caf\xe9", "caf?"}
    assert source[:].shape == (3, *GREY.shape)
    write_rows(tmp_path / "rows.csv", [source[:]], length=3, labels=source.labels)
