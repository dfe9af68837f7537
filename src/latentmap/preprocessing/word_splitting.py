"""Words of texts, also of texts that have no spaces between words.

Chinese and Japanese texts are split into overlapping pairs of characters, because most of their
words have two characters, and a dictionary would be another dependency.
"""

import re

# Kana, and Han characters of the basic and the supplementary planes.
_UNSPACED_SCRIPTS = re.compile(
    "([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+)"
)
TERM = re.compile(r"\w\w+")
"""A word or number of at least two characters, as in scikit-learn."""
NAMED_WORD = re.compile(r"\b[^\W\d]\w+")
"""A word of at least two characters that does not start with a digit."""


def split_words(text: str, pattern: re.Pattern[str] = TERM) -> list[str]:
    """Return the words of a text that match a pattern; pairs of Chinese or Japanese characters.

    Examples
    --------
    >>> split_words("maps of 70,000 digits")
    ['maps', 'of', '70', '000', 'digits']
    >>> split_words("足球比赛 in Tokyo")
    ['足球', '球比', '比赛', 'in', 'Tokyo']
    """
    words = pattern.findall(text)
    if _UNSPACED_SCRIPTS.search(text) is None:
        return words
    return [part for word in words for part in _split_word(word)]


def _split_word(word: str) -> list[str]:
    """Return the pairs of characters of each part without spaces, and the other parts."""
    parts: list[str] = []
    for k, part in enumerate(_UNSPACED_SCRIPTS.split(word)):
        is_unspaced = k % 2 == 1
        pairs = [part[i : i + 2] for i in range(len(part) - 1)]
        parts += pairs if is_unspaced else [part] * (len(part) > 1)
    return parts


def split_named_words(text: str) -> list[str]:
    """Return the words of a text that can name a group of texts.

    Examples
    --------
    >>> split_named_words("7 maps of 1st rank")
    ['maps', 'of', 'rank']
    """
    return split_words(text, NAMED_WORD)


def is_unspaced(word: str) -> bool:
    """Return whether a word consists of Chinese or Japanese characters.

    Examples
    --------
    >>> is_unspaced("足球"), is_unspaced("maps")
    (True, False)
    """
    return _UNSPACED_SCRIPTS.fullmatch(word) is not None
