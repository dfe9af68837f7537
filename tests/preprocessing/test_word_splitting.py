from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from latentmap import AutoEncoder
from latentmap.data import Table
from latentmap.preprocessing.word_splitting import split_named_words, split_words

SPORTS, FOOD = "今天的足球比赛非常精彩", "我们在餐厅吃了美味的面条"


@pytest.mark.parametrize(
    "text", ["maps of 70,000 digits", "naïve Ünicode_1 مرحبا بالعالم", "", "a b"]
)
def test_words_with_spaces_are_those_of_scikit_learn(text):
    assert split_words(text) == CountVectorizer(lowercase=False).build_tokenizer()(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("足球比赛", ["足球", "球比", "比赛"]),
        ("カメラ 猫", ["カメ", "メラ"]),
        ("iPhone手机x", ["iPhone", "手机"]),
    ],
)
def test_texts_without_spaces_become_pairs_of_characters(text, expected):
    assert split_named_words(text) == expected


def test_chinese_texts_are_fitted_by_their_words():
    rows = [SPORTS, FOOD] * 20
    frame = pd.DataFrame({"body": [f"{text}第{i}天" for i, text in enumerate(rows)]})
    model = AutoEncoder(2, epochs=1, random_state=0).fit(Table(frame, text="body"))
    codes = model.transform(frame)
    within = np.abs(codes[0] - codes[2::2]).max()
    assert np.abs(codes[0] - codes[1::2]).max(axis=1).min() > 5 * within
    assert "足球" in model.table_.columns[0].terms
