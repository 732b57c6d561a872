"""Dynamic panels: identities, counts, gaps, warnings; sums row by row, and pydynpd."""

import warnings
from functools import partial

import numpy as np
import pytest
from made_up_panels import moving_panel as sample
from made_up_panels import rearranged

from nqpf.errors import MethodError, SampleError
from nqpf.regress import RegressionTable, dynamic_gmm


@pytest.mark.parametrize(
    ("method", "collapse", "count"),
    [
        ("difference", False, 21 + 6),  # lags 2.. of six years: 1 + 2 + ... + 6; six years
        ("difference", True, 6 + 6),
        ("system", False, 21 + 6 + 6 + 1),  # a lagged difference in six of seven years
        ("system", True, 6 + 1 + 6 + 1),
    ],
)
def test_number_of_instruments_and_what_is_dependent_is_not_counted(method, collapse, count):
    frame, options = sample(), {"method": method, "collapse": collapse}
    fit = dynamic_gmm(frame, "y", **options)
    assert fit.instruments == count
    assert fit.diagnostics.hansen.distribution == f"chi2({count - len(fit.params) - 6})"
    assert (fit.groups, fit.nobs) == (60, 60 * (7 if method == "system" else 6))
    last = (frame.index.get_level_values("year") == 2022).astype(float)  # a year effect already
    again = dynamic_gmm(frame.assign(last=last), "y", 1, "last", **options, time_effects=False)
    assert again.instruments == count - 5
    with_window = dynamic_gmm(frame, "y", predetermined="w", windows={"w": (1, 1)}, method=method)
    exogenous = dynamic_gmm(frame, "y", exogenous="w", method=method)  # its own instrument
    assert with_window.instruments == exogenous.instruments + (method == "system")


@pytest.mark.parametrize("method", ["difference", "system"])
def test_row_order_key_place_and_units_do_not_matter(method):
    call = partial(dynamic_gmm, outcome="y", exogenous=["x"], endogenous=["w"], method=method)
    fit, other = rearranged(call, sample(1).iloc[3:], y=1e6, x=1e-5, w=100)
    np.testing.assert_allclose(other.tstats, fit.tstats, rtol=1e-8)
    assert other.params["w"] == pytest.approx(fit.params["w"] * 1e6 / 100, rel=1e-8)
    hansen = other.diagnostics.hansen.statistic
    assert hansen == pytest.approx(fit.diagnostics.hansen.statistic, rel=1e-8)


def test_a_figure_is_needed_only_where_an_equation_uses_it():
    """Dropping the row of a figure that is not used would throw the lag of the outcome away."""
    frame = sample(3, 40, 8)
    first, third = (frame.index.get_level_values("year") == year for year in (2015, 2017))
    for method, start in (("difference", first), ("system", first)):
        options = {"exogenous": ["x"], "method": method}
        unused = frame.assign(x=frame["x"].mask(start))
        full, fit = (dynamic_gmm(one, "y", **options) for one in (frame, unused))
        assert fit.nobs == full.nobs
        np.testing.assert_allclose(fit.params, full.params, rtol=1e-10)
        lost = frame.assign(x=frame["x"].mask(third))
        with pytest.raises(SampleError, match="no figure for an equation .*year 2017, variable x"):
            dynamic_gmm(lost, "y", **options)
        with pytest.raises(MethodError, match="a list of"):
            dynamic_gmm(frame, "y", exogenous={"x": 1})
        unknown = frame.assign(y=frame["y"].mask(first & (frame.index.get_level_values(0) == 1)))
        gone = frame.drop((1, 2015))
        one, other = (dynamic_gmm(each, "y", **options) for each in (unknown, gone))
        np.testing.assert_allclose(one.params, other.params, rtol=1e-10)


def test_a_missing_year_is_no_neighbour():
    """Dropping a year of every unit leaves only equations that do not reach over it."""
    holed = sample(3).drop(2018, level="year")
    fit = dynamic_gmm(holed, "y", time_effects=False)
    assert sorted(fit.residuals.index.unique("year")) == [2017, 2021, 2022]
    # Differences say nothing of 2020, which no equation links to the year before.
    assert dynamic_gmm(holed, "y").instruments == fit.instruments + 3


def test_a_table_prints_it():
    fit = dynamic_gmm(sample(), "y", 1, "x", vintage="census5", method="system")
    assert list(fit.params.index) == ["L1.y", "x", "const"]
    assert fit.covariance_label == "two-step, Windmeijer-corrected, clustered by province"
    assert "census5" in RegressionTable({"system": fit}).to_html()
    assert fit.notes[0] == f"{fit.instruments} instruments (collapsed) for 60 groups."
    assert [note.split(":")[0] for note in fit.notes[1:]] == ["Hansen J", "AR(2)"]
    assert fit.estimator == "system GMM"


def test_many_instruments_and_a_singular_weighting_matrix_are_named():
    with (
        pytest.warns(UserWarning, match="34 instruments for 20 units of province"),
        pytest.warns(UserWarning, match="second step has rank 20 with 34"),
    ):
        dynamic_gmm(sample(units=20), "y", collapse=False, method="system")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dynamic_gmm(sample(), "y", method="system")


# Peers


PANELS = {"balanced": {}, "unbalanced": {"drop": 3}, "gaps": {"drop": 2, "gap": True}}
SYSTEM = {"method": "system"}
NOT_COLLAPSED = SYSTEM | {"collapse": False, "time_effects": False}


def peer_fit(frame, last, **options):
    windows = {"y": (2, last), "w": (2, last)}
    return dynamic_gmm(frame, "y", 1, ["x"], endogenous=["w"], windows=windows, **options)


# pydynpd 0.2.2 (numpy 1.26), run on sample(7, ...) with
#   y L1.y x w | gmm(y, 2:4) gmm(w, 2:4) iv(x) | collapse timedumm [nolevel]             d, s
#   y L1.y x w | gmm(y, 2:3) gmm(w, 2:3) iv(x)                                           su
# L1.y, x, w and the constant: coefficients, errors; Hansen and its degrees of freedom; tests
# of order 1 and 2; instruments.
@pytest.mark.parametrize(
    ("kind", "last", "model", "params", "errors", "others"),
    [("balanced", 4, {}, [0.559193478136, 0.467481198795, 0.231387687382],
      [0.155859170353, 0.068230558901, 0.159854548024],
      [6.55037193683, 4, -3.9145430603, 1.66859440447, 13]),
     ("unbalanced", 3, NOT_COLLAPSED, [0.634814730625, 0.441516718219, 0.417923448958,
       0.0387647315882],
      [0.102796946992, 0.0604699199464, 0.106510167292, 0.13790923097],
      [35.0935835752, 32, -3.93519238945, 1.46904516987, 36]),
     ("gaps", 4, SYSTEM, [0.593329654088, 0.393461515582, 0.368053544669, 0.484645694036],
      [0.113696387382, 0.0737977848458, 0.176945799758, 0.249711845274],
      [9.19147107802, 6, -4.20083986605, 2.19128878664, 16])],
)  # fmt: skip
def test_equals_pydynpd(kind, last, model, params, errors, others):
    got = peer_fit(sample(7, **PANELS[kind]), last, **model)
    np.testing.assert_allclose(got.params, params, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(got.std_errors, errors, rtol=1e-10)
    hansen, orders = got.diagnostics.hansen, [t.statistic for t in got.diagnostics.autocorrelation]
    df = float(hansen.distribution[5:-1])
    found = [hansen.statistic, df, *orders, got.instruments]
    np.testing.assert_allclose(found, others, rtol=1e-10)


class ByHand:
    """The same estimators from all equations of a unit, each instrument of each year a column.

    The years of `dummies` are those of equations; in levels, the constant stands for the first.
    """

    def __init__(self, frame, last, system, collapse):
        wide = np.stack([frame[name].unstack() for name in ("y", "x", "w")], axis=2)
        years, own = wide.shape[1], np.eye(wide.shape[1])
        levels = slice(0, years * system)
        made_of = np.vstack([np.diff(own, axis=0), own[levels]])  # the errors of each equation

        def before(v, lag):
            return np.vstack([np.full((lag, v.shape[1]), np.nan), v[:-lag]])

        def equations(v):
            return np.vstack([np.diff(v, axis=0), v[levels]])

        def spread(rows, first):
            """A column for all years or one per year, with zeros where there is no figure."""
            rows = np.nan_to_num(np.pad(rows, (first, len(made_of) - first - len(rows))))
            return rows[:, None] if collapse else np.diag(rows)

        full = [np.hstack([v, before(v, 1)[:, :1]]) for v in wide]
        there = [np.isfinite(equations(v)).all(axis=1) for v in full]
        seen = np.any(there, axis=0)[years - 1 :] if system else [False, *np.any(there, axis=0)]
        dummies = np.hstack([own[:, seen][:, int(system) :], np.ones((years, int(system)))])
        self.units = []
        for v, kept in zip(full, there, strict=True):
            fixed = equations(np.hstack([v[:, 1:2], dummies]))
            z = [spread(before(v, lag)[1:, at], 0) for lag in range(2, last + 1) for at in (0, 2)]
            if system:
                fixed[: years - 1, -1] = 0
                lagged = before(v, 1)
                z += [spread(np.diff(lagged[:, at], prepend=np.nan), years - 1) for at in (0, 2)]
            x = equations(np.column_stack([v[:, 3], v[:, 1], v[:, 2], dummies]))
            parts = equations(v[:, :1])[:, 0], x, np.hstack([fixed, *z]), made_of
            dated = np.where(np.arange(len(kept)) < years - 1, np.arange(len(kept)), -99)
            self.units.append([part[kept] for part in (*parts, dated)])
        self.zx = sum(z.T @ x for _, x, z, _, _ in self.units)
        self.zy = sum(z.T @ y for y, _, z, _, _ in self.units)

    def slopes(self, weights):
        return np.linalg.solve(self.zx.T @ weights @ self.zx, self.zx.T @ weights @ self.zy)

    def spread(self, b):
        moments = np.array([z.T @ (y - x @ b) for y, x, z, _, _ in self.units])
        return moments.T @ moments

    def second(self, b):
        return np.linalg.pinv(self.spread(b), rcond=1e-12)

    def estimate(self):
        """Coefficients, Windmeijer's covariance by differences, and the weights of step two."""
        first = sum(z.T @ made @ made.T @ z for _, _, z, made, _ in self.units)
        one, zx = np.linalg.pinv(first, rcond=1e-11), self.zx
        b1 = self.slopes(one)
        bread = np.linalg.inv(zx.T @ one @ zx) @ zx.T @ one
        robust = bread @ self.spread(b1) @ bread.T
        plain = np.linalg.inv(zx.T @ self.second(b1) @ zx)
        ends = [[self.slopes(self.second(b1 + sign * move)) for sign in (1, -1)]
                for move in 1e-5 * np.eye(len(b1))]  # fmt: skip
        d = np.array([up - down for up, down in ends]).T / 2e-5
        cov = plain + d @ plain + plain @ d.T + d @ robust @ d.T
        return self.slopes(self.second(b1)), cov, self.second(b1)

    def order(self, order, b, weights, cov):
        """Arellano and Bond's m, unit by unit."""
        products, pull, cross, zx = [], 0, 0, self.zx
        for y, x, z, _, dated in self.units:
            e = y - x @ b
            pairs = dated[:, None] + order == dated  # of a row with one that many years later
            products.append(e @ pairs @ e)
            pull = pull + e @ pairs @ x
            cross = cross + z.T @ e * products[-1]
        bread = np.linalg.inv(zx.T @ weights @ zx)
        variance = np.square(products).sum() - 2 * pull @ bread @ zx.T @ weights @ cross
        return np.sum(products) / np.sqrt(variance + pull @ cov @ pull)


@pytest.mark.parametrize("kind", PANELS)
@pytest.mark.parametrize(
    ("system", "collapse"), [(False, True), (False, False), (True, True)], ids=["d", "du", "s"]
)
def test_equals_sums_by_hand(kind, system, collapse):
    frame = sample(11, units=30, years=6, **PANELS[kind])
    hand = ByHand(frame, 3, system, collapse)
    b, cov, weights = hand.estimate()
    got = peer_fit(frame, 3, collapse=collapse, **(SYSTEM if system else {}))
    np.testing.assert_allclose(got.params.iloc[:3], b[:3], rtol=1e-7)
    np.testing.assert_allclose(got.cov.iloc[:3, :3], cov[:3, :3], rtol=2e-5, atol=1e-9)
    left = hand.zy - hand.zx @ b
    assert got.diagnostics.hansen.statistic == pytest.approx(left @ weights @ left, rel=1e-6)
    for n in (1, 2):
        wanted = hand.order(n, b, weights, cov)
        assert got.diagnostics.autocorrelation[n - 1].statistic == pytest.approx(wanted, rel=1e-4)
