"""Dynamic panels against sums written out row by row, and pydynpd."""

from __future__ import annotations

import numpy as np
import pytest
from made_up_panels import moving_panel

from nqpf.regress import dynamic_gmm

PANELS = {"balanced": {}, "unbalanced": {"drop": 3}, "gaps": {"drop": 2, "gap": True}}
MODELS = {
    "d": {},
    "s": {"method": "system"},
    "su": {
        "method": "system",
        "collapse": False,
        "time_effects": False,
        "windows": {"y": (2, 3), "w": (2, 3)},
    },
}


def fit(frame, model, **options):
    base = {"windows": {"y": (2, 4), "w": (2, 4)}}
    return dynamic_gmm(
        frame, "y", 1, ["x"], endogenous=["w"], **{**base, **MODELS[model], **options}
    )


# pydynpd 0.2.2 (numpy 1.26), run on moving_panel(7, ...) with
#   y L1.y x w | gmm(y, 2:4) gmm(w, 2:4) iv(x) | collapse timedumm [nolevel]             d, s
#   y L1.y x w | gmm(y, 2:3) gmm(w, 2:3) iv(x)                                           su
# L1.y, x, w and the constant: coefficients, errors; Hansen and its degrees of freedom; tests
# of order 1 and 2; instruments.
PYDYNPD = {
    "balanced d": (
        "0.559193478136 0.467481198795 0.231387687382",
        "0.155859170353 0.068230558901 0.159854548024",
        (6.55037193683, 4, -3.9145430603, 1.66859440447, 13),
    ),
    "unbalanced d": (
        "0.595157878411 0.450373804195 0.364449570234",
        "0.291415924866 0.0894575603661 0.254010536592",
        (12.338975549, 4, -2.53797480384, 1.47970544283, 13),
    ),
    "unbalanced s": (
        "0.665250510486 0.385101467937 0.326454988468 0.459774175373",
        "0.0995608773371 0.0588026318526 0.199520907162 0.238402102671",
        (10.5365664376, 6, -4.19054732362, 1.9118698806, 16),
    ),
    "unbalanced su": (
        "0.634814730625 0.441516718219 0.417923448958 0.0387647315882",
        "0.102796946992 0.0604699199464 0.106510167292 0.13790923097",
        (35.0935835752, 32, -3.93519238945, 1.46904516987, 36),
    ),
    "gaps d": (
        "0.662998417626 0.504413943854 0.322652786906",
        "0.240252265988 0.0994815293667 0.202102698837",
        (8.49112338893, 4, -3.20320177328, 1.96294639829, 13),
    ),
    "gaps s": (
        "0.593329654088 0.393461515582 0.368053544669 0.484645694036",
        "0.113696387382 0.0737977848458 0.176945799758 0.249711845274",
        (9.19147107802, 6, -4.20083986605, 2.19128878664, 16),
    ),
    "gaps su": (
        "0.59165770174 0.449334392596 0.475665077169 0.00183789856718",
        "0.0944931945541 0.0681817728891 0.13927032806 0.123783282553",
        (33.346800006, 32, -3.8736246271, 1.93319532934, 36),
    ),
}


@pytest.mark.parametrize("case", PYDYNPD)
def test_equals_pydynpd(case):
    kind, model = case.split()
    params, errors, (hansen, df, *order, instruments) = PYDYNPD[case]
    got = fit(moving_panel(7, **PANELS[kind]), model)
    np.testing.assert_allclose(got.params, np.fromstring(params, sep=" "), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(got.std_errors, np.fromstring(errors, sep=" "), rtol=1e-10)
    assert got.instruments == instruments
    assert got.diagnostics.hansen.statistic == pytest.approx(hansen, rel=1e-10)
    assert got.diagnostics.hansen.distribution == f"chi2({df})"
    found = [test.statistic for test in got.diagnostics.autocorrelation]
    np.testing.assert_allclose(found, order, rtol=1e-10)


class ByHand:
    """The same estimators row by row: one dictionary of instruments per equation.

    Year effects enter as differenced dummies; instruments are named by what they
    are, so that a shared name is a shared column.
    """

    def __init__(self, frame, last, system, collapse):
        self.value = {key: dict(row) for key, row in frame.iterrows()}
        self.last, self.system, self.collapse = last, system, collapse
        self.units = sorted(frame.index.get_level_values(0).unique())
        span = frame.index.get_level_values(1)
        self.years = range(span.min(), span.max() + 1)
        levels = [t for t in self.years if any(self.level(i, t) for i in self.units)]
        linked = [t for t in self.years if any(self.pair(i, t) for i in self.units)]
        self.dummies = levels[1:] if system else linked
        self.rows = [self.of_unit(i) for i in self.units]
        names = sorted({name for rows in self.rows for _, _, _, z, _ in rows for name in z})
        self.x = [np.array([row[1] for row in rows]) for rows in self.rows]
        self.y = [np.array([row[0] for row in rows]) for rows in self.rows]
        self.z = [
            np.array([[row[3].get(n, 0.0) for n in names] for row in rows]) for rows in self.rows
        ]
        self.keys = [[(row[2], row[4]) for row in rows] for rows in self.rows]

    def level(self, i, t):
        return (i, t) in self.value and (i, t - 1) in self.value

    def pair(self, i, t):
        return self.level(i, t) and self.level(i, t - 1)

    def regressors(self, i, t):
        now, before = self.value[i, t], self.value[i, t - 1]
        dummies = [float(t == d) for d in self.dummies]
        return [before["y"], now["x"], now["w"], *dummies, *([1.0] if self.system else [])]

    def shared(self, i, t, row):
        own = dict(zip(self.dummies, row[3:], strict=False))
        return {"x": row[1], "const": 1.0 if self.system else 0.0, **{f"d{d}": own[d] for d in own}}

    def of_unit(self, i):
        rows = []
        for t in self.years:
            if not self.pair(i, t):
                continue
            x = np.subtract(self.regressors(i, t), self.regressors(i, t - 1))
            z = {**self.shared(i, t, x), "const": 0.0}
            for name in ("y", "w"):
                for lag in range(2, self.last + 1):
                    if (i, t - lag) in self.value:
                        label = f"{name} {lag}" if self.collapse else f"{name} {lag} {t}"
                        z[label] = self.value[i, t - lag][name]
            change = self.value[i, t]["y"] - self.value[i, t - 1]["y"]
            rows.append((change, x, t, z, "difference"))
        for t in self.years if self.system else []:
            if not self.level(i, t):
                continue
            x = np.array(self.regressors(i, t))
            z = self.shared(i, t, x)
            for name in ("y", "w"):
                if (i, t - 2) in self.value:
                    label = f"level {name}" if self.collapse else f"level {name} {t}"
                    z[label] = self.value[i, t - 1][name] - self.value[i, t - 2][name]
            rows.append((self.value[i, t]["y"], x, t, z, "level"))
        return rows

    def noise(self, keys):
        """Covariance of the errors of a unit's rows, from what each row is made of."""
        parts = [{t: 1.0, t - 1: -1.0} if kind == "difference" else {t: 1.0} for t, kind in keys]
        return np.array([[sum(a[s] * b.get(s, 0) for s in a) for b in parts] for a in parts])

    def estimate(self):
        """Coefficients, Windmeijer's covariance by differences, and the weights of step two."""
        used = [i for i, rows in enumerate(self.rows) if rows]
        z, x, y = ([part[i] for i in used] for part in (self.z, self.x, self.y))
        keys = [self.keys[i] for i in used]
        self.zx = zx = sum(a.T @ b for a, b in zip(z, x, strict=True))
        self.zy = sum(a.T @ b for a, b in zip(z, y, strict=True))

        def slopes(weights):
            return np.linalg.solve(zx.T @ weights @ zx, zx.T @ weights @ self.zy)

        def spread(b):
            moments = [a.T @ (d - c @ b) for a, c, d in zip(z, x, y, strict=True)]
            return sum(np.outer(m, m) for m in moments)

        def second(b):
            return np.linalg.pinv(spread(b), rcond=1e-12)

        parts = [a.T @ self.noise(key) @ a for a, key in zip(z, keys, strict=True)]
        one = np.linalg.pinv(sum(parts), rcond=1e-11)
        b1 = slopes(one)
        bread = np.linalg.inv(zx.T @ one @ zx)
        robust = bread @ zx.T @ one @ spread(b1) @ one @ zx @ bread
        plain = np.linalg.inv(zx.T @ second(b1) @ zx)
        moves = 1e-5 * np.eye(len(b1))
        d = np.array([slopes(second(b1 + m)) - slopes(second(b1 - m)) for m in moves]).T / 2e-5
        cov = plain + d @ plain + plain @ d.T + d @ robust @ d.T
        return slopes(second(b1)), cov, second(b1)

    def order(self, order, b, weights, cov):
        """Arellano and Bond's m, unit by unit."""
        products, pull, cross, zx = [], 0, 0, self.zx
        for i in [i for i, rows in enumerate(self.rows) if rows]:
            e = self.y[i] - self.x[i] @ b
            at = {t: n for n, (t, kind) in enumerate(self.keys[i]) if kind == "difference"}
            pairs = [(at[t - order], n) for t, n in at.items() if t - order in at]
            product = sum(e[m] * e[n] for m, n in pairs)
            products.append(product)
            pull = pull + sum((e[m] * self.x[i][n] for m, n in pairs), np.zeros(len(b)))
            cross = cross + self.z[i].T @ e * product
        bread = np.linalg.inv(zx.T @ weights @ zx)
        variance = np.square(products).sum() - 2 * pull @ bread @ zx.T @ weights @ cross
        return np.sum(products) / np.sqrt(variance + pull @ cov @ pull)


@pytest.mark.parametrize("kind", PANELS)
@pytest.mark.parametrize(
    ("system", "collapse"), [(False, True), (False, False), (True, True)], ids=["d", "du", "s"]
)
def test_equals_sums_by_hand(kind, system, collapse):
    frame = moving_panel(11, units=30, years=6, **PANELS[kind])
    hand = ByHand(frame, 3, system, collapse)
    b, cov, weights = hand.estimate()
    method = "system" if system else "difference"
    got = fit(frame, "d", method=method, collapse=collapse, windows={"y": (2, 3), "w": (2, 3)})
    np.testing.assert_allclose(got.params.iloc[:3], b[:3], rtol=1e-7)
    np.testing.assert_allclose(got.cov.iloc[:3, :3], cov[:3, :3], rtol=2e-5, atol=1e-9)
    left = hand.zy - hand.zx @ b
    assert got.diagnostics.hansen.statistic == pytest.approx(left @ weights @ left, rel=1e-6)
    for n in (1, 2):
        wanted = hand.order(n, b, weights, cov)
        assert got.diagnostics.autocorrelation[n - 1].statistic == pytest.approx(wanted, rel=1e-4)
