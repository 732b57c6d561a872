"""Panels, dummies and peers that comparisons of regressions share."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nqpf import files as paths

NAMES = ["a", "b", "c"]
EFFECTS = ("two-way", "unit", "time", "pooled")
_UNIT, _TIME = ("two-way", "unit"), ("two-way", "time")


def keyed(units=31, years=11, first=2010):
    """Keys of so many years of units, which are listed or counted from 0."""
    units = range(units) if isinstance(units, int) else units
    names = ["province", "year"]
    return pd.MultiIndex.from_product([units, range(first, first + years)], names=names)


def normals(seed, names, units=31, years=11, first=2010):
    """A panel of independent normal figures, and the generator that drew them."""
    rng, keys = np.random.default_rng(seed), keyed(units, years, first)
    return pd.DataFrame(rng.normal(size=(len(keys), len(names))), keys, list(names)), rng


def lacking(frame, rng, drop):
    """The frame without `drop` rows at random."""
    return frame.iloc[np.sort(rng.permutation(len(frame))[drop:])]


def small_panel(seed=0, units=8, years=6, drop=5):
    """A small unbalanced panel in which a moves y."""
    frame, rng = normals(seed, "yabc", units, years)
    frame["y"] += 0.5 * frame["a"] + np.repeat(rng.normal(size=units), years)
    return lacking(frame, rng, drop)


def rearranged(call, frame, **factors):
    """What a call gives for a frame, and for it in another order, its keys as columns.

    Columns named are multiplied in the second. Both frames must be left as they were.
    """
    other = frame.assign(**{name: frame[name] * factor for name, factor in factors.items()})
    for one in (frame, other.sample(frac=1, random_state=1).reset_index()):
        before = one.copy()
        yield call(one)
        pd.testing.assert_frame_equal(one, before)


def ring(labels):
    """Weights of units in a circle, half on either side."""
    one = np.eye(len(labels))
    return pd.DataFrame((np.roll(one, 1, axis=0) + np.roll(one, -1, axis=0)) / 2, labels, labels)


def walks(seed, drop, units=31, years=11, columns=("y", *NAMES), shocks=False, change=None):
    """A panel with serial correlation within provinces, `drop` rows missing at random.

    `shocks` are common to all provinces in a year; `change` is made before rows are lost.
    """
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(units, years, len(columns))).cumsum(axis=1)
    if shocks:
        values += rng.normal(size=(1, years, len(columns)))
    frame = pd.DataFrame(values.reshape(-1, len(columns)), keyed(units, years), list(columns))
    if change is None:
        frame["y"] += 0.3 * frame["a"] - 0.2 * frame["b"]
    else:
        change(frame)
    return lacking(frame, rng, drop)


def moving_panel(seed=0, units=60, years=8, drop=0, gap=False):
    """A dynamic panel; units lose up to `drop` first or last years, some one in the middle."""
    rng = np.random.default_rng(seed)
    burn = 10
    effect = rng.normal(size=units)
    y, x, w = effect / 0.5, np.zeros(units), effect.copy()
    rows = []
    for _ in range(burn + years):
        x = 0.6 * x + rng.normal(size=units)
        error = rng.normal(size=units)
        w = 0.5 * w + 0.3 * effect + 0.4 * error + rng.normal(size=units)
        y = 0.5 * y + 0.4 * x + 0.3 * w + effect + error
        rows.append(np.column_stack([y, x, w]))
    values = np.stack(rows[burn:], axis=1).reshape(-1, 3)
    frame = pd.DataFrame(values, keyed(range(1, units + 1), years, 2015), ["y", "x", "w"])
    if not drop:
        return frame
    lost = rng.integers(0, drop + 1, units)
    late = rng.random(units) < 0.5
    year, place = np.arange(years), np.where(late, years - lost, lost)[:, None]
    keep = np.where(late[:, None], year < place, year >= place)
    if gap:
        keep[rng.random(units) < 0.3, years // 2] = False
    return frame[keep.ravel()]


def dummies(frame, effects="two-way"):
    """A constant, and dummies of all units and years but the first that have effects."""
    columns = [np.ones((len(frame), 1))]
    for level, present in enumerate((_UNIT, _TIME)):
        if effects in present:
            codes = frame.index.get_level_values(level)
            columns.append(pd.get_dummies(codes).to_numpy(float)[:, 1:])
    return np.hstack(columns)


def clustered_fit(y, x, unit):
    """Fit by statsmodels, errors clustered without a small-sample factor."""
    from statsmodels.regression.linear_model import OLS

    options = {"groups": pd.factorize(unit)[0], "use_correction": False}
    return OLS(np.asarray(y), x).fit(cov_type="cluster", cov_kwds=options)


def linearmodels_fit(frame, effects, errors, names=NAMES):
    """Fit by linearmodels without its R2s between units and overall: half of its time."""
    from linearmodels.panel import PanelOLS

    class Quick(PanelOLS):
        def _rsquared(self, *args, **options):
            return np.nan, np.nan, np.nan

        _rsquared_corr = _rsquared

    exog = frame[names].assign(const=1.0) if effects == "pooled" else frame[names]
    both = {"entity_effects": effects in _UNIT, "time_effects": effects in _TIME}
    options = {"cov_type": "kernel" if errors == "driscoll-kraay" else errors}
    if "clustered" in errors:
        clusters = {"cluster_entity": True, "cluster_time": errors != "clustered"}
        options = {"cov_type": "clustered", **clusters}
    return Quick(frame["y"], exog, **both).fit(**options)


def pyfixest_fit(frame, effects, vcov, **correction):
    import pyfixest as pf

    absorbed = {"two-way": "| province + year", "unit": "| province", "time": "| year"}
    formula = f"y ~ {' + '.join(NAMES)} {absorbed.get(effects, '')}"
    options = {"ssc": pf.ssc(**correction), "demeaner": pf.MapDemeaner(fixef_tol=1e-13)}
    return pf.feols(formula, frame.reset_index(), vcov=vcov, **options)


def grunfeld(balanced=True):
    """Ten firms; unbalanced, each starts a year after the one before it."""
    from statsmodels.datasets import grunfeld

    frame = grunfeld.load_pandas().data
    frame = frame[frame["firm"] != "American Steel"]
    return frame if balanced else frame[frame["year"] >= 1934 + pd.factorize(frame["firm"])[0]]


def effect_weights(table, estimator="imputation"):
    """Return the weights of an estimator of staggered adoption, which no outcome moves."""
    from nqpf.regress.staggered import reassign

    return reassign(pd.DataFrame({"y": 0.0}, table.index), table, estimator, draws=99).weights


def case(name, **options):
    """A table that is not distributed with the project; NQPF_CASES names its folder."""
    file = Path(os.environ.get("NQPF_CASES") or paths.root().parent / "shared" / "cases") / name
    if not file.is_file():
        pytest.skip(f"{name} is not distributed with the project; NQPF_CASES names its folder")
    return pd.read_csv(file, **options)


def refuses(error, said, call, *arguments, **options):
    """Assert that a call is refused by an error that says so."""
    with pytest.raises(error, match=said):
        call(*arguments, **options)


def refusals(error, *cases):
    """Return a test that each call is refused by the error, or by its own, which says so."""

    @pytest.mark.parametrize("case", cases)
    def test(case):
        said, call, *own = case
        refuses(own[0] if own else error, said, call)

    return test
