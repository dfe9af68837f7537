import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentmap.data import TableOptions, open_data, write_rows
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


def test_images_of_several_sizes_are_cropped_and_resized(tmp_path):
    # The left and the right quarter of a wide image are outside the square around its centre.
    wide = np.zeros((100, 200), np.uint8)
    wide[:, 50:150] = 200
    save(tmp_path, "a.png", wide)
    save(tmp_path, "b.png", np.full((80, 80), 50, np.uint8))
    source = open_data(tmp_path)
    assert source.row_shape == (64, 64)
    assert np.abs(source[0].astype(int) - 200).max() < 16 and (source[1] == 50).all()
    assert source.notes == ("cropped and resized from 80×80 to 200×100 to 64×64 pixels (--size)",)


def test_large_images_of_one_size_keep_their_aspect(tmp_path):
    save(tmp_path, "a.png", np.tile((np.arange(400) // 2).astype(np.uint8), (200, 1)))
    source = open_data(tmp_path)
    assert source.row_shape == (64, 128)
    assert (np.diff(source[0].astype(int), axis=1) >= 0).all()
    assert source.notes == ("resized from 400×200 to 128×64 pixels (--size)",)


@pytest.mark.parametrize(
    ("size", "shape"), [("8", (8, 10)), ("12x20", (20, 12)), ("12×20", (20, 12)), ("6x5", (5, 6))]
)
def test_a_size_is_requested(tmp_path, size, shape):
    save(tmp_path, "a.png", GREY)
    source = open_data(tmp_path, options=TableOptions(size=size))
    assert source[0].shape == source.row_shape == shape
    assert bool(source.notes) is (size != "6x5")


@pytest.mark.parametrize("size", ["0", "x", "64x", "-3", "9999", "8 8"])
def test_wrong_sizes_are_errors(tmp_path, size):
    save(tmp_path, "a.png", GREY)
    with pytest.raises(SettingError, match=r"size: expected pixels such as 64 or 96x64"):
        open_data(tmp_path, options=TableOptions(size=size))


def test_sizes_are_for_images_only():
    with pytest.raises(SettingError, match="size: expected a folder of images for this option"):
        open_data("mnist", options=TableOptions(size="64"))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_exif_orientation_is_applied(tmp_path, suffix, orientation):
    pixels = np.zeros((40, 60), np.uint8)
    pixels[:20, :30] = 255  # The upper left corner is white.
    exif = Image.Exif()
    exif[0x0112] = orientation
    save(tmp_path, f"a{suffix}", pixels, exif=exif)
    expected = {1: pixels, 3: np.rot90(pixels, 2), 6: np.rot90(pixels, 3), 8: np.rot90(pixels)}
    source = open_data(tmp_path)
    pixels = source[0] if source[0].ndim == 2 else source[0][..., 0]
    assert np.abs(pixels.astype(int) - expected[orientation]).max() < 40


def test_a_large_photo_is_decoded_at_a_lower_resolution(tmp_path):
    rows = np.linspace(0, 255, 1600)[:, None] * np.ones(2400)
    exif = Image.Exif()
    exif[0x0112] = 6  # Rotated, so that the first row is the right column.
    save(tmp_path, "a.jpg", rows.astype(np.uint8), exif=exif)
    image = open_data(tmp_path)[0].astype(int)
    assert image.shape == (96, 64)
    np.testing.assert_allclose(image, np.tile(np.linspace(253, 2, 64), (96, 1)), atol=4)


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
    assert str(caught.value).endswith("(expected a format that Pillow reads)")


def test_large_and_small_files_give_the_same_pixels(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (2, 300, 300), dtype=np.uint8)
    for row, name in zip(noise, ("a.png", "b.tif"), strict=True):
        assert save(tmp_path, name, row).stat().st_size > 2**16
    source = open_data(tmp_path, options=TableOptions(size="300x300"))
    assert np.array_equal(source[:], noise)


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
    (tmp_path / "a.heic").touch()
    with pytest.raises(DataError, match=r"found only files with the suffix \.heic$"):
        open_data(tmp_path)
    save(tmp_path, "a.png", GREY)
    with pytest.raises(SettingError, match=r"^label 'kind': expected data with columns"):
        open_data(tmp_path, label="kind")


# Formats that run another program, have no decoder in Pillow, or are not images.
NOT_READ = {"EPS", "BUFR", "GRIB", "HDF5", "MPEG", "WMF"}


def test_every_suffix_that_pillow_decodes_is_an_image():
    Image.init()
    readable = {s for s, f in Image.registered_extensions().items() if f in Image.OPEN}
    excluded = {s for s, f in Image.registered_extensions().items() if f in NOT_READ}
    # The JPEG reader of Pillow opens .mpo files, whose format has no reader of its own.
    assert set(IMAGE_SUFFIXES) == readable - excluded | {".mpo"}


def test_every_suffix_that_pillow_writes_is_decoded(tmp_path):
    formats = Image.registered_extensions()
    only_read = {
        ".qoi",
        ".im",
        ".icns",
        ".ico",
        ".xbm",
        ".msp",
        ".pfm",
        ".blp",
        ".ftc",
        ".ftu",
        ".cur",
        ".pcd",
    }
    suffixes = [s for s in IMAGE_SUFFIXES if formats[s] in Image.SAVE and s not in only_read]
    for i, suffix in enumerate(suffixes):
        save(tmp_path, f"{i}{suffix}", COLOUR if suffix in {".ppm", ".webp"} else GREY)
    assert len(suffixes) > 25
    assert open_data(tmp_path).load()[:].shape == (len(suffixes), 5, 6, 3)


def test_folder_names_that_are_not_text_become_valid_labels(tmp_path):
    for folder in (b"caf\xe8", b"caf\xe9", b"caf?"):
        save(tmp_path, f"{os.fsdecode(folder)}/\udcff.png", GREY)
    source = open_data(tmp_path)
    assert set(source.labels.tolist()) == {r"caf\xe8", r"caf\xe9", "caf?"}
    assert source[:].shape == (3, *GREY.shape)
    write_rows(tmp_path / "rows.csv", [source[:]], length=3, labels=source.labels)
