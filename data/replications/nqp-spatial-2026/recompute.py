"""Recompute the printed tables: a function for each, named as its key in replication.yaml."""

import numpy as np
import pandas as pd
from linearmodels import PanelOLS, RandomEffects
from scipy import optimize

from nqpf import provinces
from nqpf.index import Recipe
from nqpf.space import contiguity
from nqpf.space.durbin import lagrange
from nqpf.space.weights import inverse_distance
from nqpf.systems import IndicatorMatrix

FORCES = [
    "rd_personnel",
    "rd_spending",
    "patents_granted",
    "ecommerce_sales",
    "software_revenue",
    "technology_turnover",
    "telecom_volume",
    "digital_finance",
]
QUALITY = [
    "gdp_per_person",
    "income",
    "openness",
    "pollution_control",
    "hospital_beds",
    "energy_intensity",
]
COSTS = ["energy_intensity"]
CONTROLS = ["urbanisation", "government", "log_roads", "log_railways"]
MATRIX = contiguity(hainan=True).row_standardised()
SAMPLES = {"2011-2023": (2011, 2023), "2011-2017": (2011, 2017), "2018-2023": (2018, 2023)}


def matrix(values):
    """Return indicators with their directions."""
    benefit = pd.Series({name: name not in COSTS for name in values})
    return IndicatorMatrix(values, benefit, pd.Series("all", values.columns))


def index(values, weightings=("entropy", "critic")):
    """Return scores and weights: the mean of weightings of pooled min-max values, added up."""
    found = []
    for name in weightings:
        shift = {"shift": 1e-5} if name == "entropy" else {}
        found.append(Recipe("minmax", name, "linear", **shift).fit(matrix(values)))
    weight = sum(one.weights for one in found) / len(found)
    return (found[0].normalised * weight).sum(axis=1), weight.rename_axis("indicator")


def weights(figures, computed):
    """Figure 3, left."""
    return index(figures[FORCES])[1]


def scores(figures, computed):
    """Table A1."""
    return index(figures[FORCES])[0]


def development_weights(figures, computed):
    """Figure 3, right."""
    return index(figures[QUALITY])[1]


def development(figures, computed):
    """Table A2."""
    return index(figures[QUALITY])[0]


def neighbours(figures, computed):
    """The contiguity matrix, its cells above zero: this book's own list of neighbours."""
    cells = MATRIX.matrix.rename_axis("province").rename_axis("neighbour", axis=1).stack()
    return cells[cells > 0]


def sample(figures, x, y):
    """Return regressors and outcome on (province, year)."""
    frame = figures[["urbanisation", "government"]].assign(x=x, y=y)
    for name in ("roads", "railways"):
        frame[f"log_{name}"] = np.log(figures[name] + 1)
    return frame


def durbin(frame, years, order="file", determinants=1, constant=False):
    """Estimate the model by maximum likelihood as the package's script does.

    With order="file" rows stand as in its panel, by Chinese name, while the matrix is by code;
    the log determinant enters once, not once a year; dummies leave out a province and a year,
    and there is no constant. order="code", determinants="years" and constant=True are the model
    as it is usually understood.
    """
    n, codes = len(MATRIX.labels), provinces.codes()
    rows = sorted(codes, key=lambda code: provinces.name(code, "zh")) if order == "file" else codes
    years = range(years[0], years[1] + 1)
    count = len(years) if determinants == "years" else determinants
    laid = pd.MultiIndex.from_product([years, rows], names=["year", "province"])
    frame = frame.swaplevel().loc[laid]
    w, eye = MATRIX.matrix.loc[codes, codes].to_numpy(), np.eye(n)

    def lag(values):
        return (values.reshape(-1, n) @ w.T).ravel()

    y, x = frame["y"].to_numpy(), frame["x"].to_numpy()
    dummies = [np.tile(eye[:, 1:], (len(years), 1)), np.repeat(np.eye(len(years))[:, 1:], n, 0)]
    z = np.column_stack([x, lag(x), frame[CONTROLS], *dummies, *[np.ones(len(y))] * constant])
    base = np.linalg.qr(z)[0]
    free, moved = (v - base @ (base.T @ v) for v in (y, lag(y)))
    roots = np.linalg.eigvals(w).real

    def loglik(rho):
        sigma2 = ((free - rho * moved) ** 2).mean()
        fit = -len(y) / 2 * (np.log(2 * np.pi * sigma2) + 1)
        return fit + count * np.log(1 - rho * roots).sum()

    ends = max(1 / roots.min(), -0.999), 0.999
    best = optimize.minimize_scalar(lambda r: -loglik(r), bounds=ends, options={"xatol": 1e-10})
    rho, sigma2 = best.x, ((free - best.x * moved) ** 2).mean()
    cross = np.linalg.inv(z.T @ z)
    slopes, errors = cross @ z.T @ (y - rho * lag(y)), np.sqrt(sigma2 * np.diag(cross))
    effect = np.linalg.solve(eye - rho * w, slopes[0] * eye + slopes[1] * w)
    direct, total = np.trace(effect) / n, effect.sum() / n
    found = {"rho": rho, "x": slopes[0], "x error": errors[0], "wx": slopes[1]}
    found |= {"wx error": errors[1], "direct": direct, "indirect": total - direct}
    return found | {"total": total, "log likelihood": loglik(rho)}


def spatial(figures, computed):
    """Tables 4 and 5: the spatial Durbin model, and its effects in two periods."""
    frame = sample(figures, computed["scores"], computed["development"])
    cells = {}
    for name, years in SAMPLES.items():
        found = durbin(frame, years)
        kept = found if name == "2011-2023" else ["direct", "indirect"]
        cells |= {(name, term): found[term] for term in kept}
    return pd.Series(cells).rename_axis(["sample", "term"])


def tests(figures, computed):
    """Tests before the model, by the distance matrix that the package names for them."""
    frame = sample(figures, computed["scores"], computed["development"])
    regressors, near = ["x", *CONTROLS], inverse_distance().row_standardised()
    found = lagrange(frame, "y", regressors, near, correction="none")["statistic"]
    found["Hausman"] = hausman(frame, regressors)
    return found.rename_axis("test")


def hausman(frame, regressors):
    """Compare fixed with random effects of provinces, dummies for years in both."""
    years = pd.get_dummies(frame.index.get_level_values("year"), drop_first=True, dtype=float)
    data = frame.join(years.add_prefix("y").set_axis(frame.index)).assign(constant=1.0)
    given = [*regressors, *(name for name in data if name[:2] == "y2")]
    fixed = PanelOLS(data["y"], data[given], entity_effects=True).fit()
    random = RandomEffects(data["y"], data[["constant", *given]]).fit()
    gap = (fixed.params - random.params)[regressors]
    spread = (fixed.cov - random.cov.loc[given, given]).loc[regressors, regressors]
    return float(gap @ np.linalg.solve(spread, gap))
