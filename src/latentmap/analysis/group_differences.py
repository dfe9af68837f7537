"""Differences between groups of rows and all other rows: effect sizes of columns and words."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from latentmap.errors import DataError
from latentmap.number_checks import check_number
from latentmap.preprocessing.word_splitting import is_unspaced, split_named_words

MAX_WORDS = 5000
_MAX_VALUE_LENGTH = 18  # Number of characters of a category in the text of a difference.
_TRUE_NAMES = {"true": "yes", "false": "no"}


@dataclass(frozen=True, order=True)
class Difference:
    """A difference between a group and all other rows.

    Attributes
    ----------
    effect : float
        Cohen's d of a number, or Cohen's h of the share of rows with a category or word. It is
        positive if the group has larger numbers, or a larger share.
    column : str
        Name of the column; empty for a word.
    value : str or None
        Category or word; None for a number or a date.
    is_date : bool
        Whether the values of the column are dates, so that larger ones are later.
    """

    effect: float
    column: str
    value: str | None = None
    is_date: bool = False

    @property
    def text(self) -> str:
        """The difference in words: "age high", "born late", "member yes", or a word of a text."""
        if self.value is None:
            low, high = ("early", "late") if self.is_date else ("low", "high")
            return f"{self.column} {high if self.effect > 0 else low}"
        value = _TRUE_NAMES.get(self.value, self.value)
        if len(value) > _MAX_VALUE_LENGTH:
            value = f"{value[: _MAX_VALUE_LENGTH - 1].rstrip()}…"
        return f"{self.column} {value}".strip()


def explain_groups(
    groups: ArrayLike,
    columns: Mapping[str, ArrayLike],
    texts: Sequence[Sequence[str | None]] = (),
    n_differences: int = 5,
) -> list[list[Difference]]:
    """Find the columns, categories and words that distinguish each group from all other rows.

    Parameters
    ----------
    groups : array-like of shape (n,), int
        Group of each row, from 0.
    columns : mapping of str to array-like of shape (n,)
        Numbers, of which NaN is missing, dates and durations (datetime64 and timedelta64), truth
        values, or categories as strings, of which None is missing.
    texts : sequence of sequences of n strings
        Texts whose words are counted; English stop words are ignored. Chinese and Japanese texts
        are split into pairs of characters.
    n_differences : int
        Maximum number of differences that are returned for each group.

    Returns
    -------
    list of list of Difference
        For each group, the differences in descending order of their absolute effect.

    Raises
    ------
    DataError
        If a column has another number of rows.

    Notes
    -----
    Cohen's d is the difference of the means divided by the pooled standard deviation. Cohen's h of
    shares p and q is 2 arcsin √p − 2 arcsin √q (J. Cohen, "Statistical Power Analysis for the
    Behavioral Sciences", 1988).

    Examples
    --------
    >>> columns = {"age": [20, 22, 60, 61], "member": ["no", "no", "yes", "no"]}
    >>> [group[0].text for group in explain_groups([0, 0, 1, 1], columns)]
    ['age low', 'age high']
    >>> texts = [["red apples", "red pears", "blue rivers", "blue lakes"]]
    >>> [group[0].text for group in explain_groups([0, 0, 1, 1], {}, texts)]
    ['red', 'blue']
    """
    check_number("n_differences", n_differences, Integral, 1)
    groups = np.asarray(groups, np.intp)
    differences: list[list[Difference]] = [[] for _ in range(groups.max(initial=-1) + 1)]
    for name, values in columns.items():
        array = np.asarray(values)
        if array.shape != groups.shape:
            raise DataError(
                f"column {name}: expected {len(groups)} values, found shape {array.shape}"
            )
        if array.dtype.kind == "b":
            array = np.where(array, "true", "false")
        compare = _compare_numbers if array.dtype.kind in "iufmM" else _compare_categories
        for group, difference in compare(groups, name, array):
            differences[group].append(difference)
    for text in texts:
        for group, words in _compare_words(groups, text).items():
            differences[group] += _join_pairs(words)
    return [
        sorted(group, key=lambda item: (-abs(item.effect), item.column))[:n_differences]
        for group in differences
    ]


def _compare_numbers(
    groups: np.ndarray, name: str, values: np.ndarray
) -> list[tuple[int, Difference]]:
    is_known = np.isfinite(values)
    is_date = values.dtype.kind == "M"
    known_groups, numbers = groups[is_known], values[is_known].astype(np.float64)
    if len(numbers) == 0:
        return []
    # Sums of squares lose all digits if the mean is much larger than the deviation.
    numbers = numbers - numbers.mean()
    n_groups = groups.max() + 1
    sizes = np.bincount(known_groups, minlength=n_groups).astype(np.float64)
    sums, squares = (np.bincount(known_groups, numbers**p, n_groups) for p in (1, 2))
    other_sizes = len(numbers) - sizes
    means = sums / np.maximum(sizes, 1)
    other_means = (sums.sum() - sums) / np.maximum(other_sizes, 1)
    squares_within = squares.sum() - sizes * means**2 - other_sizes * other_means**2
    std = np.sqrt(np.maximum(squares_within, 0) / max(len(numbers) - 2, 1))
    effects = np.where(std > 0, (means - other_means) / np.where(std > 0, std, 1), 0.0)
    is_compared = (sizes > 0) & (other_sizes > 0) & (effects != 0)
    return [
        (int(g), Difference(float(effects[g]), name, is_date=is_date))
        for g in np.flatnonzero(is_compared)
    ]


def _compare_categories(
    groups: np.ndarray, name: str, values: np.ndarray
) -> list[tuple[int, Difference]]:
    is_known = np.array([value is not None and value == value for value in values], bool)
    if not is_known.any():
        return []
    categories, codes = np.unique(values[is_known].astype(str), return_inverse=True)
    counts = np.zeros((groups.max() + 1, len(categories)))
    np.add.at(counts, (groups[is_known], codes), 1.0)
    # A category that is rarer in a group is not reported, because most categories are rare.
    return _larger_shares(counts, counts.sum(axis=1), name, categories)


def _compare_words(groups: np.ndarray, texts: Sequence[str | None]) -> dict[int, list[Difference]]:
    from scipy.sparse import csr_array
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(
        binary=True,
        stop_words="english",
        max_features=MAX_WORDS,
        tokenizer=split_named_words,
        token_pattern=None,
    )
    try:
        words = vectorizer.fit_transform(text or "" for text in texts)
    except ValueError:  # scikit-learn raises ValueError if no text contains a word.
        return {}
    n = len(groups)
    members = csr_array((np.ones(n), (groups, np.arange(n))), shape=(groups.max() + 1, n))
    counts = (members @ words).toarray().astype(np.float64)
    names = vectorizer.get_feature_names_out()
    differences = defaultdict(list)
    for group, difference in _larger_shares(counts, np.bincount(groups).astype(float), "", names):
        differences[group].append(difference)
    return differences


def _join_pairs(words: list[Difference]) -> list[Difference]:
    """Join overlapping pairs of Chinese or Japanese characters with equal effects to one word."""
    for first, second in itertools.permutations(words, 2):
        start, end = str(first.value), str(second.value)
        is_equal = first.effect == second.effect and start[-1] == end[0]
        if is_equal and is_unspaced(start) and is_unspaced(end):
            others = [word for word in words if word not in (first, second)]
            return _join_pairs([*others, replace(first, value=start + end[1:])])
    return words


def _larger_shares(
    counts: np.ndarray, sizes: np.ndarray, name: str, values: np.ndarray
) -> list[tuple[int, Difference]]:
    """Return the values that are more frequent in a group, with Cohen's h."""
    other_sizes = sizes.sum() - sizes
    shares = counts / np.maximum(sizes, 1)[:, None]
    other_shares = (counts.sum(axis=0) - counts) / np.maximum(other_sizes, 1)[:, None]
    effects = 2 * np.arcsin(np.sqrt(shares)) - 2 * np.arcsin(np.sqrt(np.minimum(other_shares, 1)))
    effects[(sizes == 0) | (other_sizes == 0)] = 0
    result = []
    for group, row in enumerate(effects):
        largest = [j for j in np.argsort(-row, kind="stable")[:5] if row[j] > 0]
        result += [(group, Difference(float(row[j]), name, str(values[j]))) for j in largest]
    return result
