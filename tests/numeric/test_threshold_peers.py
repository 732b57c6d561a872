"""Panel thresholds against refits candidate by candidate and pyxthreg.

pyxthreg 0.0.3 (Python, of the model of Stata's xthreg) was run once with ``grid=0``, which
tries every distinct value.
"""

import numpy as np
import pytest
from made_up_panels import dummies, grunfeld, normals

from nqpf.regress import threshold

CUTS, SLOPES = (-0.5, 0.6), (1.0, 1.8, 0.7)


def sample(seed, units=9, years=7, noise=0.6):
    """A small panel with two thresholds, ties in q and serial correlation."""
    frame, _ = normals(seed, "yxzqw", units, years, 0)
    frame["q"] = frame["q"].round(1)
    frame["x"] += 1.5
    slope = np.array(SLOPES)[np.searchsorted(CUTS, frame["q"])]
    walk = frame["y"].groupby(level=0).cumsum()
    frame["y"] = noise * walk + slope * frame["x"] + 0.5 * frame["w"]
    return frame


class Refits:
    """Least squares at given thresholds, each fitted on its own."""

    def __init__(self, frame, regimes, effects, least):
        self.q, self.w = frame["q"].to_numpy(), frame[["w"]].to_numpy()
        self.regimes, self.values = frame[regimes].to_numpy(), sorted(frame["q"].unique())
        basis = np.linalg.qr(dummies(frame, effects))[0]
        self.less, self.least = np.eye(len(frame)) - basis @ basis.T, least

    def residuals(self, y, cuts):
        member = np.searchsorted(np.sort(cuts), self.q)
        parts = [self.regimes * (member == r)[:, None] for r in range(len(cuts) + 1)]
        x = self.less @ np.hstack([self.w, *parts])
        return self.less @ y - x @ np.linalg.lstsq(x, self.less @ y, rcond=None)[0]

    def ssr(self, y, cuts):
        return float((self.residuals(y, cuts) ** 2).sum())

    def allowed(self, cut, others):
        cuts = sorted([*others, cut])
        sizes = np.bincount(np.searchsorted(cuts, self.q), minlength=len(cuts) + 1)
        return cut not in others and sizes.min() >= self.least

    def best(self, y, others):
        """The further threshold with the least sum of squares, and all sums by value."""
        sums = {c: self.ssr(y, [*others, c]) for c in self.values if self.allowed(c, others)}
        return min(sums, key=sums.get), sums


@pytest.mark.parametrize("regimes", [["x"], ["x", "z"]], ids=["one-slope", "two-slopes"])
@pytest.mark.parametrize("effects", ["unit", "two-way"])
def test_search_and_profiles_equal_a_refit_at_each_value(regimes, effects):
    frame = sample(0)
    y, refits = frame["y"].to_numpy(), Refits(frame, regimes, effects, 7)
    options = {"thresholds": 3, "bootstrap": 0, "trim": 0.1, "effects": effects}
    result = threshold(frame, "y", regimes, "q", ["w"], **options)
    found = []
    for number in range(3):
        before = refits.ssr(y, found)
        cut, sums = refits.best(y, found)
        row = result.tests.iloc[number]
        assert row["ssr"] == pytest.approx(sums[cut], rel=1e-10)
        assert row["F"] == pytest.approx(result.df * (before / sums[cut] - 1), rel=1e-9)
        found, total, moved = [*found, cut], sums[cut], number > 0
        while moved:
            moved = False
            for place in range(len(found)):
                others = found[:place] + found[place + 1 :]
                other, sums = refits.best(y, others)
                if sums[other] < total * (1 - 1e-12):
                    found, moved = [*others[:place], other, *others[place:]], True
                    total = sums[other]
    assert result.thresholds["estimate"].tolist() == sorted(found)
    assert result.ssr == pytest.approx(total, rel=1e-10)
    for cut, ratio in zip(sorted(found), result.profiles, strict=True):
        sums = refits.best(y, [c for c in found if c != cut])[1]
        assert ratio.index.tolist() == list(sums)
        naive = result.df * (np.array(list(sums.values())) / total - 1)
        np.testing.assert_allclose(ratio, naive, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("regimes", [["x"], ["x", "z"]], ids=["one-slope", "two-slopes"])
@pytest.mark.parametrize("effects", ["unit", "two-way"])
@pytest.mark.parametrize("draws", ["histories", "wild"])
def test_bootstrap_equals_a_refit_of_each_sample(draws, regimes, effects):
    frame = sample(1, units=8, years=5, noise=2.0)
    refits, size = Refits(frame, regimes, effects, 8), 12
    options = {"thresholds": 2, "bootstrap": size, "trim": 0.2, "effects": effects, "draws": draws}
    result = threshold(frame, "y", regimes, "q", ["w"], seed=3, **options)
    rng, y, known, larger = np.random.default_rng(3), frame["y"].to_numpy(), [], []
    for number in range(2):
        cut, _ = refits.best(y, known)
        fitted = y - refits.residuals(y, known)
        if draws == "histories":
            histories = refits.residuals(y, [*known, cut]).reshape(8, 5)
            errors = histories[rng.integers(8, size=(size, 8))].reshape(size, -1)
        else:
            signs = rng.choice([-1.0, 1.0], size=(size, 8))
            errors = np.repeat(signs, 5, axis=1) * refits.residuals(y, known)
        simulated = []
        for error in errors:
            # Under the null in full, fitted values and errors: F does not depend on the former.
            again = fitted + error
            sums = refits.best(again, known)[1]
            simulated.append(result.df * (refits.ssr(again, known) / min(sums.values()) - 1))
        row = result.tests.iloc[number]
        larger.append(int((np.array(simulated) >= row["F"] * (1 - 1e-9)).sum()))
        assert row["p_value"] == pytest.approx((1 + larger[-1]) / (1 + size), abs=1e-12)
        quantiles = np.quantile(simulated, [0.9, 0.95, 0.99])
        np.testing.assert_allclose(row[["10%", "5%", "1%"]].to_numpy(float), quantiles, rtol=1e-9)
        known = [*known, cut]
    assert any(0 < count < size for count in larger)  # or the comparison says little


def test_grunfeld_equals_pyxthreg():
    """Ten firms of statsmodels' Grunfeld data, value by capital: pyxthreg 0.0.3, trim 0.1."""
    roles = "invest", "value", "capital", "capital"
    options = {"bootstrap": 0, "trim": 0.1, "errors": "unadjusted", "convention": "all"}
    result = threshold(grunfeld(), *roles, unit="firm", **options)
    row = result.thresholds.iloc[0]
    assert row[["estimate", "lower", "upper"]].tolist() == [279.1, 213.8, 344.0]
    assert result.ssr == pytest.approx(477059.8873481145, rel=1e-12)
    linear = result.ssr + result.tests["F"].iloc[0] * result.ssr / result.df
    assert linear == pytest.approx(523478.1473862516, rel=1e-12)
    slopes = [0.21966054220966197, 0.11509541391001682, 0.14477878516798015]
    errors = [0.026928151539287633, 0.011408725164051434, 0.013957260339850763]
    np.testing.assert_allclose(result.regression.params, slopes, rtol=1e-11)
    np.testing.assert_allclose(result.regression.std_errors, errors, rtol=1e-11)
