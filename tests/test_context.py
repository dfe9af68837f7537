"""Ambient values: nesting, threads, errors inside a block."""

import threading

import pytest

from latentmap.context import ContextValue


def value_in_a_thread(value):
    values = []
    thread = threading.Thread(target=lambda: values.append(value.get()))
    thread.start()
    thread.join()
    return values[0]


def test_an_inner_block_replaces_the_value_until_it_ends():
    value = ContextValue("value", "default")
    with value.set_to("outer"):
        with value.set_to("inner"):
            assert value.get() == "inner"
        assert value.get() == "outer"
    assert value.get() == "default"


@pytest.mark.parametrize("all_threads", [False, True])
def test_an_error_restores_the_value(all_threads):
    value = ContextValue("value", 0, all_threads=all_threads)
    with pytest.raises(KeyError), value.set_to(1):
        raise KeyError
    assert value.get() == value_in_a_thread(value) == 0


def test_a_value_holds_in_other_threads_only_if_requested():
    alone, everywhere = ContextValue("a", 0), ContextValue("b", 0, all_threads=True)
    with alone.set_to(1), everywhere.set_to(1):
        assert value_in_a_thread(alone) == 0
        assert value_in_a_thread(everywhere) == 1
    assert value_in_a_thread(everywhere) == 0
