"""Axes put numbers where they belong."""

import pytest

from softfix.report.axis import Axis, spanning


@pytest.mark.parametrize("log", [False, True])
def test_an_axis_holds_all_its_values_and_its_ticks(log):
    values = [0.013, 0.4, 27.0]
    axis = spanning(values, 10.0, 210.0, log=log)
    assert all(10.0 < axis(value) < 210.0 for value in values)
    ticks = axis.ticks()
    assert len(ticks) >= 3
    assert all(10.0 - 1e-6 <= axis(tick) <= 210.0 + 1e-6 for tick in ticks)


def test_a_logarithmic_axis_has_equal_steps_for_equal_ratios():
    axis = Axis(0.1, 1000.0, 0.0, 400.0, log=True)
    assert [axis(x) for x in (0.1, 1.0, 100.0)] == pytest.approx([0.0, 100.0, 300.0])


@pytest.mark.parametrize("values", [[], [2.0], [2.0, 2.0], [0.0]])
def test_an_axis_of_one_value_or_none_is_still_an_axis(values):
    for log in (False, True):
        axis = spanning(values, 0.0, 100.0, log=log)
        assert axis.low < axis.high
        assert axis.ticks()
