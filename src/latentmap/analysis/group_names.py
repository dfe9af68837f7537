"""Names of groups of rows: their labels, or their differences from all other rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from latentmap.analysis.group_differences import Difference, explain_groups
from latentmap.number_checks import check_number

MIN_EFFECT = 0.5  # J. Cohen calls an effect size of 0.2 small, 0.5 medium, and 0.8 large.
MIN_STANDARD_ERRORS = 4  # Smaller effects occur by chance among thousands of words.
MIN_LABEL_SHARE, PURE_LABEL_SHARE = 0.5, 0.9
MAX_JOINED_LABELS, MIN_JOINED_SHARE = 3, 0.1


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
        named by this label, and a group without a majority and without differences by its most
        frequent labels.
    n_parts : int
        Maximum number of differences in a name.

    Returns
    -------
    list of str
        Distinct names; a group without differences and labels is named by its number, such as "0",
        or "group 0" if other groups have labels.

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
    descriptions = describe_groups(groups, columns, texts, n_parts)
    if labels is None:
        return _make_distinct([text or str(number) for number, text in enumerate(descriptions)])
    names = []
    for number, description in enumerate(descriptions):
        group_labels = [labels[int(i)] for i in np.flatnonzero(groups == number)]
        name = _label_name(group_labels) or description or _joined_labels(group_labels)
        # A number alone could be mistaken for a label.
        names.append(name or f"group {number}")
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
    differences_by_group = explain_groups(groups, columns, texts, 4 * n_parts)
    sizes = np.bincount(np.asarray(groups, np.intp))
    # The standard error of Cohen's d and of Cohen's h, if the groups do not differ.
    errors = np.sqrt(1 / np.maximum(sizes, 1) + 1 / np.maximum(sizes.sum() - sizes, 1))
    return [
        _description(differences, max(MIN_EFFECT, MIN_STANDARD_ERRORS * error), n_parts)
        for differences, error in zip(differences_by_group, errors.tolist(), strict=True)
    ]


def _count_labels(labels: Sequence[object]) -> Counter[str]:
    """Count the labels that are not missing."""
    counts = Counter(str(label) for label in labels if label is not None and label == label)
    counts.pop("", None)
    return counts


def _joined_labels(labels: Sequence[object]) -> str:
    """Join the most frequent labels, each of at least a tenth of the rows."""
    frequent = _count_labels(labels).most_common(MAX_JOINED_LABELS)
    return ", ".join(text for text, n in frequent if n >= MIN_JOINED_SHARE * len(labels))


def _label_name(labels: Sequence[object]) -> str | None:
    """Return the label of most rows, None if there is no majority."""
    counts = _count_labels(labels)
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
