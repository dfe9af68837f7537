"""Differences between groups of rows and all other rows, and names of groups made of them."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from latentmap.errors import DataError
from latentmap.number_checks import check_number
from latentmap.preprocessing.word_splitting import is_unspaced, split_named_words

MAX_WORDS = 5000
MIN_EFFECT = 0.5  # J. Cohen calls an effect size of 0.2 small, 0.5 medium, and 0.8 large.
MIN_STANDARD_ERRORS = 4  # Smaller effects occur by chance among thousands of words.
MIN_LABEL_SHARE, PURE_LABEL_SHARE = 0.5, 0.9
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
        compared = compare(groups, name, array)
        for group, difference in compared:
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
    within = squares.sum() - sizes * means**2 - other_sizes * other_means**2
    std = np.sqrt(np.maximum(within, 0) / max(len(numbers) - 2, 1))
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
    # Few categories are common in a group, so only larger shares are named.
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
    except ValueError:  # No text contains a word.
        return {}
    n = len(groups)
    members = csr_array((np.ones(n), (groups, np.arange(n))), shape=(groups.max() + 1, n))
    counts = (members @ words).toarray().astype(np.float64)
    names = vectorizer.get_feature_names_out()
    compared = defaultdict(list)
    for group, difference in _larger_shares(counts, np.bincount(groups).astype(float), "", names):
        compared[group].append(difference)
    return compared


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


def name_groups(
    groups: ArrayLike,
    columns: Mapping[str, ArrayLike],
    texts: Sequence[Sequence[str | None]] = (),
    labels: Sequence[object] | None = None,
    n_parts: int = 2,
) -> list[str]:
    """Name each group of rows by its label, or by its differences from all other rows.

    Parameters
    ----------
    groups : array-like of shape (n,), int
        Group of each row, from 0.
    columns, texts
        As for `explain_groups`.
    labels : sequence of n objects, optional
        Label of each row, None if it is missing. A group in which most rows have the same label is
        named by this label.
    n_parts : int
        Maximum number of differences in a name.

    Returns
    -------
    list of str
        Distinct names; a group without differences is named by its number.

    Examples
    --------
    >>> groups = [0, 0, 1, 1] * 10
    >>> columns = {"age": [20, 22, 60, 61] * 10, "member": ["false", "false", "true", "true"] * 10}
    >>> name_groups(groups, columns)
    ['age low, member no', 'age high, member yes']
    >>> name_groups(groups, columns, labels=["cat", "cat", "dog", "dog"] * 10)
    ['cat', 'dog']
    """
    groups = np.asarray(groups, np.intp)
    names = []
    for number, description in enumerate(describe_groups(groups, columns, texts, n_parts)):
        name = (
            None
            if labels is None
            else _label_name([labels[int(i)] for i in np.flatnonzero(groups == number)])
        )
        names.append(name or description or str(number))
    return _make_distinct(names)


def describe_groups(
    groups: ArrayLike,
    columns: Mapping[str, ArrayLike],
    texts: Sequence[Sequence[str | None]] = (),
    n_parts: int = 2,
) -> list[str]:
    """Describe each group by its differences from all other rows.

    The differences have at least a medium effect, and at least four standard errors.

    Parameters
    ----------
    groups, columns, texts, n_parts
        As for `name_groups`.

    Returns
    -------
    list of str
        Empty for a group without differences; two groups may have equal descriptions.

    Raises
    ------
    DataError
        If a column has another number of rows.

    Examples
    --------
    >>> groups = [0, 0, 1, 1, 1, 2, 2, 2] * 10
    >>> describe_groups(groups, {"age": [20, 22, 60, 61, 60, 38, 44, 50] * 10})
    ['age low', 'age high', '']
    """
    check_number("n_parts", n_parts, Integral, 1)
    explained = explain_groups(groups, columns, texts, 4 * n_parts)
    sizes = np.bincount(np.asarray(groups, np.intp))
    # The standard error of Cohen's d and of Cohen's h, if the groups do not differ.
    errors = np.sqrt(1 / np.maximum(sizes, 1) + 1 / np.maximum(sizes.sum() - sizes, 1))
    return [
        _description(differences, max(MIN_EFFECT, MIN_STANDARD_ERRORS * error), n_parts)
        for differences, error in zip(explained, errors.tolist(), strict=True)
    ]


def _label_name(labels: Sequence[object]) -> str | None:
    counts = Counter(str(label) for label in labels if label is not None and label == label)
    counts.pop("", None)
    if not counts:
        return None
    label, count = counts.most_common(1)[0]
    share = count / len(labels)
    if share < MIN_LABEL_SHARE:
        return None
    return label if share >= PURE_LABEL_SHARE else f"mostly {label}"


def _description(differences: Sequence[Difference], min_effect: float, n_parts: int) -> str:
    """Join the texts of the largest differences, at most one of each column."""
    parts: dict[str, str] = {}
    for difference in differences:
        key = difference.column or difference.text
        if abs(difference.effect) >= min_effect and key not in parts and len(parts) < n_parts:
            parts[key] = difference.text
    return ", ".join(parts.values())


def _make_distinct(names: Sequence[str]) -> list[str]:
    totals, numbers = Counter(names), Counter[str]()
    result = []
    for name in names:
        numbers[name] += 1
        result.append(f"{name} ({numbers[name]})" if totals[name] > 1 else name)
    return result
