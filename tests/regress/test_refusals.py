"""What estimators refuse: samples and requests that all refuse alike, and those of each."""

from functools import partial

import numpy as np
import pandas as pd
from made_up_panels import normals, refusals

from nqpf import regress
from nqpf.errors import DataError, EstimationError, MethodError, SampleError

FRAME, _ = normals(0, "yxzvwq", 12, 8)
FRAME["x"] += FRAME["z"] + FRAME["v"]
FRAME["y"] += FRAME["x"]
fixed = partial(regress.fixed_effects, outcome="y", regressors=["x", "w"])
wild = partial(regress.wild_bootstrap, outcome="y", regressors=["x", "w"])
placebo = partial(regress.permutation_placebo, outcome="y", regressors=["x", "w"])
gmm = partial(regress.dynamic_gmm, outcome="y", lags=1, exogenous=["x", "w"])
iv = partial(regress.instrumental, outcome="y", endogenous="x", instruments="z", exogenous=["w"])
cut = partial(regress.threshold, outcome="y", regime="x", threshold="q", controls="w", bootstrap=0)
middle = partial(regress.mediation, outcome="y", treatment="z", mediator="x", controls="w")
middle = partial(middle, bootstrap=0)
EVERY = [fixed, iv, gmm, cut, middle, wild, placebo]


def unit(frame):
    return frame.index.get_level_values(0).to_numpy(float)


def year(frame):
    return frame.index.get_level_values(1).to_numpy(float)


def at(change):
    """Return a sample whose years are changed."""
    return lambda f: f.set_axis(f.index.map(lambda k: (k[0], change(k[1]))).rename(f.index.names))


EVERY_REFUSES = [
    (lambda f: f.drop(columns="w"), DataError, "unknown variable 'w'"),
    (lambda f: f.assign(w="high"), DataError, "not numbers"),
    (lambda f: f.assign(w=1.0), EstimationError, "'w'"),
    (lambda f: f.mask(f == f["w"].max()), SampleError, "variable w"),
    (lambda f: f.replace(f["w"].max(), np.inf), SampleError, "infinite"),
    (lambda f: pd.concat([f, f.iloc[:1]]), SampleError, "more than once .province 0"),
    (lambda f: f.iloc[:0], SampleError, "no rows"),
    (lambda f: f.assign(year=2010), DataError, "'year' 2 times"),
]
FEW = {"effects": "pooled", "errors": "two-way clustered"}
CHANGES = {"effects": "differenced"}
BOTH = {"instruments": ["z", "v"]}
CONST = {"exogenous": ["const"], "effects": "pooled"}
ONE_MOMENT = {"lags": 2, "exogenous": (), "time_effects": False, "windows": {"y": (2, 2)}}
PARTS = "no value of 'q' parts 96 rows into"
OWN = [
    (fixed, None, {"regressors": []}, MethodError, "1 or more"),
    (fixed, None, {"regressors": ["x", "y"]}, MethodError, "'y' twice"),
    (fixed, lambda f: f.loc[[0]], {"effects": "time"}, EstimationError, "1 cluster is too few"),
    (fixed, lambda f: f[year(f) == 2012], FEW, EstimationError, "for two-way clustered"),
    (fixed, lambda f: f.iloc[7:], {}, SampleError, r"single row.*\[province 0\]"),
    (fixed, lambda f: f.loc[[0, 1]].groupby(level=0).head(2), {}, EstimationError, "no degree of"),
    (fixed, lambda f: f.assign(y=2.0), {}, EstimationError, "outcome 'y' does not vary"),
    (fixed, lambda f: f.iloc[::2], CHANGES, SampleError, "years that follow each other"),
    *((fixed, lambda f: f.rename(index=str), options, SampleError, "not whole years")
      for options in (CHANGES, {"errors": "driscoll-kraay"})),
    (iv, None, {"errors": "driscoll-kraay"}, MethodError, "unknown errors 'driscoll-kraay'"),
    (iv, lambda f: f.assign(z=year(f)), {}, EstimationError, "'z'"),
    (iv, lambda f: f.assign(v=2 * f["z"] + f["w"]), BOTH, EstimationError, "'z', 'v', 'w' are"),
    (iv, lambda f: f.assign(y=year(f) ** 2), {}, EstimationError, "'y' does not vary"),
    (iv, lambda f: f.loc[:1], BOTH, EstimationError, "2 instruments with 2 clusters"),
    (iv, lambda f: f.assign(x=fixed(f, outcome="x", regressors=["z", "w"]).residuals), {},
     EstimationError, "'z' do not identify the coefficients of 'x'"),
    (iv, lambda f: f.rename(columns={"w": "const"}), CONST, MethodError, "'const' twice"),
    (iv, None, {"endogenous": ["x", "w"], "exogenous": []}, EstimationError, "'z' do not"),
    (iv, None, {"endogenous": []}, MethodError, "endogenous regressors are"),
    (gmm, None, {"method": "systems"}, MethodError, "[Dd]id you mean 'system'"),
    (gmm, None, {"lags": 0}, MethodError, "lags is 0"),
    (gmm, None, {"exogenous": "L1.y"}, MethodError, "'L1.y' twice"),
    *((gmm, None, {"windows": {"y": w}}, MethodError, "of 'y'") for w in [(1, 3), (4, 3), 2]),
    (gmm, None, {"windows": {"x": (2, 3)}}, MethodError, "window 'x'"),
    (gmm, None, {"lags": 7}, SampleError, "9 consecutive years"),
    (gmm, None, ONE_MOMENT, EstimationError, "1 instruments? for 2 coefficients"),
    (gmm, lambda f: f.assign(x=unit(f)), {}, EstimationError, "'x'"),
    (gmm, lambda f: f.assign(x=2 * f["w"]), {}, EstimationError, "is not identified"),
    (gmm, at(lambda year: 10000 * year), {}, SampleError, "consecutive periods"),
    (gmm, at(lambda year: year / 2), {}, SampleError, "whole number"),
    (gmm, lambda f: f.loc[:4], {}, EstimationError, "rank 5 for 9 coefficients"),
    (cut, None, {"thresholds": 4}, MethodError, "thresholds is 4; expected a whole number from 1"),
    (cut, None, {"bootstrap": 9.5}, MethodError, "bootstrap is 9.5"),
    (cut, None, {"draws": "wilde"}, MethodError, "unknown draws 'wilde'.*Did you mean 'wild'"),
    (cut, None, {"trim": 0.5}, MethodError, "trim is 0.5"),
    (cut, None, {"thresholds": 3, "trim": 0.3}, SampleError, f"{PARTS} 3 regimes"),
    (cut, None, {"threshold": "y"}, MethodError, "'y' twice"),
    (cut, None, {"regime": []}, MethodError, "regime variables are"),
    (cut, lambda f: f.drop([(4, 2015)]), {}, SampleError, "row is missing .province 4, year 2015"),
    (cut, lambda f: f.loc[[3]], {}, SampleError, r"1 province is too few \[province 3\]"),
    (cut, lambda f: f.assign(q=np.arange(len(f)) == 5), {}, SampleError, f"{PARTS} 2 regimes of 5"),
    (cut, lambda f: f.assign(x=unit(f)), {}, EstimationError, "'x' does not vary within any"),
    (cut, lambda f: f.assign(y=unit(f) + 0.1), {}, EstimationError, "fits the outcome perfectly"),
    (cut, lambda f: f.assign(x=f["x"] + 1e7), {}, EstimationError, "'x' varies by less than 1e-06"),
    (cut, lambda f: f.assign(w=2 * f["x"]), {}, EstimationError, "are collinear"),
    (cut, lambda f: f.assign(y=f["x"] * (1 + (f["q"] > 0))), {}, EstimationError, "perfectly"),
    (middle, None, {"mediator": "z"}, MethodError, "'z' twice"),
    (middle, lambda f: f.loc[[3]], {}, SampleError, r"1 province is too few \[province 3\]"),
    (middle, lambda f: f.assign(x=2 * f["z"] + 1), {}, EstimationError, "collinear"),
    *((call, None, {"draws": 98}, MethodError, "below 99") for call in (wild, placebo)),
    *((call, None, {"variable": "A"}, MethodError, "variable 'A'") for call in (wild, placebo)),
    (placebo, lambda f: f.drop((3, 2012)), {}, SampleError, "missing .province 3, year 2012.*bala"),
]  # fmt: skip
NO_VARIATION = [
    (lambda f: 1e9, "regressor 'w' is constant"),
    (lambda f: unit(f) ** 2 * 1e6, "'w' does not vary within any province"),
    (lambda f: np.sqrt(year(f)), "'w' is the same for every province"),
    (lambda f: 1e9 + unit(f) * 0.1 + year(f) * 0.7, "by the province and year effects"),
    (lambda f: 1e6 * f["x"] + 3, "regressors 'x', 'w' are collinear"),
    (lambda f: f["x"] + unit(f) - year(f), "'x', 'w' are collinear once the effects"),
    (lambda f: f["x"] - 2 * f["q"], "regressors 'x', 'w', 'q' are collinear"),
]


def on(call, change=None, **options):
    return partial(call, FRAME if change is None else change(FRAME), **options)


test_what_estimators_refuse = refusals(
    MethodError,
    *((said, on(call, change), error) for call in EVERY for change, error, said in EVERY_REFUSES),
    *(("unknown effects 'twoway'.*Did you mean 'two-way'", on(call, effects="twoway"))
      for call in (fixed, iv, cut, middle, wild, placebo)),
    *((f"Did you mean '{near}'", on(call, **{name: near[:-2]})) for call in (fixed, iv, cut, middle)
      for name, near in (("errors", "clustered"), ("convention", "nested"))),
    *((said, on(call, change, **options), error) for call, change, options, error, said in OWN),
    # regressors without a variation of their own
    *((said, partial(fixed, FRAME.iloc[drop:].assign(w=column),
                     regressors=["x", "w", *(["q"] * ("'q'" in said)), "v"]), EstimationError)
      for column, said in NO_VARIATION for drop in (0, 6)),
)  # fmt: skip
