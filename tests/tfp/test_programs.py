"""Samples of frontier analysis: what every measure of efficiency and every index refuses."""

import numpy as np
import pandas as pd
import pytest

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.tfp.dea import efficiency, malmquist
from nqpf.tfp.sbm import global_malmquist_luenberger, malmquist_luenberger, slacks

KEYS = pd.MultiIndex.from_product([range(6), range(2010, 2014)], names=["province", "year"])
COLUMNS = ["x1", "x2", "y", "b"]
PANEL = pd.DataFrame(np.random.default_rng(0).lognormal(0, 0.4, (24, 4)), KEYS, COLUMNS)
YEAR = PANEL.xs(2011, level="year")


def radial(frame, inputs=("x1", "x2"), good=("y", "b"), bad=None, **options):
    if "year" in frame.index.names:
        return malmquist(frame, inputs, good, "province", "year", **options)
    return efficiency(frame, inputs, good, "province", **options)


def by(function, **fixed):
    def measure(frame, inputs=("x1", "x2"), good="y", bad="b", **options):
        return function(frame, inputs, good, bad, **fixed, **options)

    return measure


INDICES = [radial, by(malmquist_luenberger), by(global_malmquist_luenberger)]
measures = pytest.mark.parametrize("measure", [*INDICES, by(slacks, time="year")])


def spoilt(column, amount):
    frame = PANEL.copy()
    frame.loc[(3, 2012), column] = amount
    return frame


AT = r"\[province 3, year 2012"
SAMPLES = {
    "zero input": (spoilt("x1", 0.0), DataError, "x1 is 0 " + AT),
    "negative output": (spoilt("y", -1.0), DataError, "y is -1 " + AT),
    "negative bad": (spoilt("b", -1.0), DataError, "b is -1 " + AT),
    "nothing produced": (spoilt(["y", "b"], 0.0), DataError, "is 0 " + AT),
    "missing": (spoilt("y", np.nan), SampleError, AT + ", variable y"),
    "infinite": (spoilt("x2", np.inf), SampleError, AT + ", variable x2"),
    "one unit": (PANEL.loc[[3]], SampleError, "one unit.*province 3"),
    "doubled key": (pd.concat([PANEL, PANEL.iloc[[5]]]), SampleError, "more than once"),
    "no rows": (PANEL.iloc[:0], SampleError, "no rows"),
    "unknown column": (PANEL.rename(columns={"x2": "x22"}), DataError, "Did you mean 'x22'"),
    "two columns": (pd.concat([PANEL, PANEL[["x1"]]], axis=1), DataError, "'x1' 2 times"),
}


@measures
@pytest.mark.parametrize("case", SAMPLES)
def test_samples_that_are_refused(measure, case):
    frame, error, said = SAMPLES[case]
    with pytest.raises(error, match=said):
        measure(frame)


@measures
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"inputs": []}, "inputs are"),
        ({"good": []}, "outputs are"),
        ({"good": ["y", "x1"]}, "name 'x1' twice"),
        ({"good": ["year"]}, "name 'year' twice"),
    ],
)
def test_options_and_roles_that_are_refused(measure, options, said):
    with pytest.raises(MethodError, match=said):
        measure(PANEL, **options)


@pytest.mark.parametrize(
    ("measure", "option"),
    [
        *((radial, option) for option in ("returns", "reference", "split")),
        (by(global_malmquist_luenberger), "measure"),
        (by(slacks, time="year"), "disposability"),
    ],
)
def test_options_of_their_own_that_are_refused(measure, option):
    with pytest.raises(MethodError, match=f"unknown {option} 'free'"):
        measure(PANEL, **{option: "free"})


@pytest.mark.parametrize("measure", INDICES)
def test_an_index_needs_a_balanced_sample_of_two_periods(measure):
    with pytest.raises(SampleError, match="a row is missing .*province 5, year 2011"):
        measure(PANEL.drop((5, 2011)))
    with pytest.raises(SampleError, match="one period .*2011"):
        measure(PANEL.loc[(slice(None), [2011]), :])


def test_what_else_is_refused():
    for measure in (by(slacks), lambda f: efficiency(f, "x1", "y", "province")):
        with pytest.raises(SampleError, match="more than once.*province 0"):
            measure(pd.concat([YEAR, YEAR.iloc[:1]]))
    assert len(by(slacks, time="year")(PANEL.drop((5, 2011))).rho) == 23
    with pytest.raises(SampleError, match="gap.*year 2011"):
        radial(PANEL.drop(2011, level="year"))
    with pytest.raises(MethodError, match="returns='vrs'"):
        radial(PANEL, split="ray-desli")
    with pytest.raises(EstimationError, match="own frontier.*2012.*unit of measure"):
        radial(spoilt(["x1", "x2"], 1e300))
