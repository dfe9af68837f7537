"""Tests of context values in nested blocks, in threads and after errors."""

import threading

import pytest

from latentmap.context import ContextValue


def get_in_a_thread(value):
    values = []
    thread = threading.Thread(target=lambda: values.append(value.get()))
    thread.start()
    thread.join()
    return values[0]


def test_inner_block_replaces_the_value_until_it_ends():
    value = ContextValue("value", "default")
    with value.set_to("outer"):
        with value.set_to("inner"):
            assert value.get() == "inner"
        assert value.get() == "outer"
    assert value.get() == "default"


@pytest.mark.parametrize("all_threads", [False, True])
def test_error_restores_the_value(all_threads):
    value = ContextValue("value", 0, all_threads=all_threads)
    with pytest.raises(KeyError), value.set_to(1):
        raise KeyError
    assert value.get() == get_in_a_thread(value) == 0


def test_value_is_visible_in_other_threads_only_if_requested():
    thread_value, shared_value = ContextValue("a", 0), ContextValue("b", 0, all_threads=True)
    with thread_value.set_to(1), shared_value.set_to(1):
        assert get_in_a_thread(thread_value) == 0
        assert get_in_a_thread(shared_value) == 1
    assert get_in_a_thread(shared_value) == 0
