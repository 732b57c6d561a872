"""Dynamic panels against sums written out row by row, pydynpd, and a known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_up_panels import keyed

from nqpf.regress import dynamic_gmm


def panel(seed, units=60, years=8, drop=0, gap=False):
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
    keys = pd.MultiIndex.from_product(
        [range(1, units + 1), range(2015, 2015 + years)], names=["province", "year"]
    )
    values = np.stack(rows[burn:], axis=1).reshape(-1, 3)
    frame = pd.DataFrame(values, keys, ["y", "x", "w"])
    if not drop:
        return frame
    lost = rng.integers(0, drop + 1, units)
    late = rng.random(units) < 0.5
    keep = np.ones((units, years), bool)
    for unit, count in enumerate(lost):
        if count:
            keep[unit, slice(-count, None) if late[unit] else slice(0, count)] = False
    if gap:
        keep[rng.random(units) < 0.3, years // 2] = False
    return frame[keep.ravel()]


PANELS = {"balanced": {}, "unbalanced": {"drop": 3}, "gaps": {"drop": 2, "gap": True}}
MODELS = {
    "d": {},
    "d1": {"steps": 1},
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


# pydynpd 0.2.2 (numpy 1.26), run on panel(7, ...) above with
#   y L1.y x w | gmm(y, 2:4) gmm(w, 2:4) iv(x) | collapse timedumm [nolevel [onestep]]   d, d1, s
#   y L1.y x w | gmm(y, 2:3) gmm(w, 2:3) iv(x)                                           su
# L1.y, x, w and the constant: coefficients, errors; Hansen and its degrees of freedom; tests
# of order 1 and 2 (at one step pydynpd's are not robust, so they are left out); instruments.
PYDYNPD = {
    "balanced d": (
        [0.559193478136, 0.467481198795, 0.231387687382],
        [0.155859170353, 0.068230558901, 0.159854548024],
        (6.55037193683, 4),
        [-3.9145430603, 1.66859440447],
        13,
    ),
    "balanced d1": (
        [0.486701835955, 0.432164778428, 0.313426019539],
        [0.139505072537, 0.0656216166165, 0.161499837699],
        (6.55037193683, 4),
        None,
        13,
    ),
    "balanced s": (
        [0.623653791728, 0.423890425416, 0.217339229051, -0.00673866509784],
        [0.0816994129381, 0.0492648925921, 0.147846025241, 0.170483434108],
        (6.33788402135, 6),
        [-4.84593655617, 1.77249297745],
        16,
    ),
    "balanced su": (
        [0.630421856165, 0.391247443397, 0.35336474039, 0.0112201732062],
        [0.0790410263365, 0.0516139954744, 0.143534741217, 0.11858090713],
        (37.4831614922, 32),
        [-4.41733747157, 1.46067768049],
        36,
    ),
    "unbalanced d": (
        [0.595157878411, 0.450373804195, 0.364449570234],
        [0.291415924866, 0.0894575603661, 0.254010536592],
        (12.338975549, 4),
        [-2.53797480384, 1.47970544283],
        13,
    ),
    "unbalanced d1": (
        [0.452114894949, 0.436665207966, 0.362860185822],
        [0.186314817791, 0.0744260433652, 0.168928490742],
        (12.338975549, 4),
        None,
        13,
    ),
    "unbalanced s": (
        [0.665250510486, 0.385101467937, 0.326454988468, 0.459774175373],
        [0.0995608773371, 0.0588026318526, 0.199520907162, 0.238402102671],
        (10.5365664376, 6),
        [-4.19054732362, 1.9118698806],
        16,
    ),
    "unbalanced su": (
        [0.634814730625, 0.441516718219, 0.417923448958, 0.0387647315882],
        [0.102796946992, 0.0604699199464, 0.106510167292, 0.13790923097],
        (35.0935835752, 32),
        [-3.93519238945, 1.46904516987],
        36,
    ),
    "gaps d": (
        [0.662998417626, 0.504413943854, 0.322652786906],
        [0.240252265988, 0.0994815293667, 0.202102698837],
        (8.49112338893, 4),
        [-3.20320177328, 1.96294639829],
        13,
    ),
    "gaps d1": (
        [0.52791378857, 0.493994630957, 0.355844390455],
        [0.185553546633, 0.0911425525806, 0.172582092792],
        (8.49112338893, 4),
        None,
        13,
    ),
    "gaps s": (
        [0.593329654088, 0.393461515582, 0.368053544669, 0.484645694036],
        [0.113696387382, 0.0737977848458, 0.176945799758, 0.249711845274],
        (9.19147107802, 6),
        [-4.20083986605, 2.19128878664],
        16,
    ),
    "gaps su": (
        [0.59165770174, 0.449334392596, 0.475665077169, 0.00183789856718],
        [0.0944931945541, 0.0681817728891, 0.13927032806, 0.123783282553],
        (33.346800006, 32),
        [-3.8736246271, 1.93319532934],
        36,
    ),
}


@pytest.mark.parametrize("case", PYDYNPD)
def test_equals_pydynpd(case):
    kind, model = case.split()
    params, errors, (hansen, df), order, instruments = PYDYNPD[case]
    got = fit(panel(7, **PANELS[kind]), model)
    np.testing.assert_allclose(got.params, params, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(got.std_errors, errors, rtol=1e-10)
    assert got.instruments == instruments
    assert got.diagnostics.hansen.statistic == pytest.approx(hansen, rel=1e-10)
    assert got.diagnostics.hansen.distribution == f"chi2({df})"
    if order:
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

    def noise(self, keys, initial="full"):
        """Covariance of the errors of a unit's rows, from what each row is made of."""
        if initial == "identity":
            return np.eye(len(keys))
        parts = [{t: 1.0, t - 1: -1.0} if kind == "difference" else {t: 1.0} for t, kind in keys]
        cov = np.array([[sum(a[s] * b.get(s, 0) for s in a) for b in parts] for a in parts])
        same = np.array([[a == b for _, b in keys] for _, a in keys])
        return np.where(same, cov, 0) if initial == "blocks" else cov

    def sums(self):
        used = [i for i, rows in enumerate(self.rows) if rows]
        zx = sum(self.z[i].T @ self.x[i] for i in used)
        zy = sum(self.z[i].T @ self.y[i] for i in used)
        return used, zx, zy

    def start(self, initial="full"):
        used, _, _ = self.sums()
        parts = (self.z[i].T @ self.noise(self.keys[i], initial) @ self.z[i] for i in used)
        return np.linalg.pinv(sum(parts), rcond=1e-11)

    def spread(self, b):
        used, _, _ = self.sums()
        total = 0
        for i in used:
            moment = self.z[i].T @ (self.y[i] - self.x[i] @ b)
            total = total + np.outer(moment, moment)
        return total

    def slopes(self, weights):
        _, zx, zy = self.sums()
        return np.linalg.solve(zx.T @ weights @ zx, zx.T @ weights @ zy)

    def second(self, b):
        return np.linalg.pinv(self.spread(b), rcond=1e-12)

    def covariances(self):
        _, zx, _ = self.sums()
        one = self.start()
        b1 = self.slopes(one)
        bread = np.linalg.inv(zx.T @ one @ zx)
        robust = bread @ zx.T @ one @ self.spread(b1) @ one @ zx @ bread
        two = self.second(b1)
        plain = np.linalg.inv(zx.T @ two @ zx)
        return b1, robust, self.slopes(two), plain, two

    def corrected(self):
        """Windmeijer's, with the derivative of step two by differences."""
        b1, robust, _, plain, _ = self.covariances()
        step = 1e-5
        columns = []
        for k in range(len(b1)):
            move = np.zeros(len(b1))
            move[k] = step
            ahead, behind = (self.slopes(self.second(b1 + s * move)) for s in (1, -1))
            columns.append((ahead - behind) / (2 * step))
        d = np.array(columns).T
        return plain + d @ plain + plain @ d.T + d @ robust @ d.T

    def order(self, order, b, weights, cov):
        """Arellano and Bond's m, unit by unit."""
        used, zx, _ = self.sums()
        products, pull, cross = [], 0, 0
        for i in used:
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
    frame = panel(11, units=30, years=6, **PANELS[kind])
    hand = ByHand(frame, 3, system, collapse)
    b1, robust, b2, plain, weights = hand.covariances()
    options = {
        "method": "system" if system else "difference",
        "collapse": collapse,
        "windows": {"y": (2, 3), "w": (2, 3)},
    }
    one, two, uncorrected = (
        fit(frame, "d", **options, **more) for more in ({"steps": 1}, {}, {"windmeijer": False})
    )
    for got, b, cov in ((one, b1, robust), (two, b2, None), (uncorrected, b2, plain)):
        np.testing.assert_allclose(got.params.iloc[:3], b[:3], rtol=1e-7)
        np.testing.assert_allclose(
            got.time_effects["coefficient"], b[3 : 3 + len(hand.dummies)], rtol=1e-6, atol=1e-9
        )
        if cov is not None:
            np.testing.assert_allclose(got.cov.iloc[:3, :3], cov[:3, :3], rtol=1e-6, atol=1e-12)
    corrected = hand.corrected()
    np.testing.assert_allclose(two.cov.iloc[:3, :3], corrected[:3, :3], rtol=2e-5, atol=1e-9)
    _, zx, zy = hand.sums()
    left = zy - zx @ b2
    assert two.diagnostics.hansen.statistic == pytest.approx(left @ weights @ left, rel=1e-6)
    for n in (1, 2):
        robust_m = hand.order(n, b1, hand.start(), robust)
        assert one.diagnostics.autocorrelation[n - 1].statistic == pytest.approx(robust_m, rel=1e-6)
        two_m = hand.order(n, b2, weights, corrected)
        assert two.diagnostics.autocorrelation[n - 1].statistic == pytest.approx(two_m, rel=1e-4)


@pytest.mark.parametrize("initial", ["full", "blocks", "identity"])
def test_first_weighting_matrices_by_hand(initial):
    frame = panel(12, units=30, years=6, **PANELS["gaps"])
    hand = ByHand(frame, 3, True, True)
    options = {"method": "system", "windows": {"y": (2, 3), "w": (2, 3)}, "steps": 1}
    got = fit(frame, "d", initial=initial, **options)
    b = hand.slopes(hand.start(initial))
    np.testing.assert_allclose(got.params.iloc[:3], b[:3], rtol=1e-7)


def test_level_instruments_restore_j_of_the_rest_by_hand():
    """J without the level instruments, weighted by their part of the full matrix."""
    frame = panel(13, units=40, years=6)
    hand = ByHand(frame, 3, True, True)
    b1, _, b2, _, weights = hand.covariances()
    names = sorted({n for rows in hand.rows for *_, z, _ in rows for n in z})
    rest = np.array([not n.startswith("level") for n in names])
    _, zx, zy = hand.sums()
    part = np.linalg.inv(hand.spread(b1)[np.ix_(rest, rest)])
    b = np.linalg.solve(zx[rest].T @ part @ zx[rest], zx[rest].T @ part @ zy[rest])
    without = zy[rest] - zx[rest] @ b
    full = zy - zx @ b2
    gap = full @ weights @ full - without @ part @ without
    options = {"method": "system", "windows": {"y": (2, 3), "w": (2, 3)}}
    test = fit(frame, "d", **options).diagnostics.difference_in_hansen["levels"]
    assert test.statistic == pytest.approx(gap, rel=1e-6)
    assert test.distribution == "chi2(2)"


def replicate(seed, units=50, years=7):
    """A pure autoregression, stationary from the start, rho = 0.5; units by years."""
    rng = np.random.default_rng(seed)
    effect = rng.normal(size=units)
    y = [2 * effect + rng.normal(size=units) / np.sqrt(0.75)]
    for _ in range(years - 1):
        scale = rng.uniform(0.5, 1.5, units)
        y.append(0.5 * y[-1] + effect + scale * rng.normal(size=units))
    return np.stack(y, axis=1)


def test_known_truth():
    """Fixed effects lean by about a quarter, GMM little; only corrected errors are honest."""
    within, slopes, errors = [], {"difference": [], "system": []}, []
    keys = keyed(50, 7, 0)
    for seed in range(60):
        y = replicate(seed)
        now, before = (v - v.mean(axis=0) for v in (y[:, 1:], y[:, :-1]))
        now, before = (v - v.mean(axis=1, keepdims=True) for v in (now, before))
        within.append((now * before).sum() / (before**2).sum())
        frame = pd.DataFrame({"y": y.ravel()}, keys)
        for method in slopes:
            slopes[method].append(dynamic_gmm(frame, "y", method=method).params["L1.y"])
        plain, corrected = (
            dynamic_gmm(frame, "y", collapse=False, windmeijer=windmeijer)
            for windmeijer in (False, True)
        )
        errors.append(
            [plain.params["L1.y"], plain.std_errors["L1.y"], corrected.std_errors["L1.y"]]
        )
    assert -0.35 < np.mean(within) - 0.5 < -0.2
    for values in slopes.values():
        assert abs(np.mean(values) - 0.5) < 0.05 + 3 * np.std(values) / np.sqrt(60)
    slope, plain, corrected = np.array(errors).T
    assert plain.mean() < 0.85 * slope.std()
    assert 0.8 < corrected.mean() / slope.std() < 1.2
