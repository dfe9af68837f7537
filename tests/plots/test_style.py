from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from latentmap.plots.style import PALETTE, darken, display_text


def luminance(color):
    rgb = np.array(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("color", PALETTE)
def test_darkened_colours_are_readable_on_white(color):
    assert 1.05 / (luminance(darken(color)) + 0.05) > 4.5  # WCAG 2.2, contrast of text


def test_display_text_replaces_characters_that_cannot_be_printed():
    assert display_text("$5 a\nb") == "$5 a b"
    assert display_text("\x1b[0m") == "�[0m"
    assert len(display_text("x" * 500)) == 28


# The matrices of Machado et al. (2009) for severity 1, and OKLab by B. Ottosson (2020).
VISION_MATRICES = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}
TO_LMS = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
]
TO_LAB = [
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
]


@pytest.mark.parametrize("kind", VISION_MATRICES)
def test_colours_are_distinct_for_every_colour_vision(kind):
    rgb = np.array([to_rgb(color) for color in PALETTE])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    visible_rgb = np.clip(linear @ np.transpose(VISION_MATRICES[kind]), 0, 1)
    lab = np.cbrt(visible_rgb @ np.transpose(TO_LMS)) @ np.transpose(TO_LAB)
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(lab, 2)) > 0.07
