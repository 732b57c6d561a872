"""The algebra of two-stage least squares."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError
from nqpf.regress.conventions import SampleSize
from nqpf.regress.instruments.diagnostics import InstrumentDiagnostics, diagnose
from nqpf.regress.instruments.partial import Partialled, meat, residuals
from nqpf.tfp.within import demean

__all__ = ["TwoStage"]


class TwoStage:
    """Two-stage least squares on variables scaled to unit variance, and scaled back.

    Parameters
    ----------
    data : DataFrame indexed (unit, time)
    outcome : str
    xs, zs, ws : list of str
        Endogenous regressors, instruments, exogenous regressors.
    used : pair of (N,) integer codes or None
        Unit and time effects to remove; a regression without either has a constant.
    errors : str
    clusters : (N,) integer codes

    Attributes
    ----------
    params : Series
    cov : DataFrame
        Plain covariance, without a small-sample factor.
    left : (N,) array
        Residuals.
    rsquared : float
    """

    def __init__(
        self,
        data: pd.DataFrame,
        outcome: str,
        xs: list[str],
        zs: list[str],
        ws: list[str],
        used: list[np.ndarray | None],
        errors: str,
        clusters: np.ndarray,
    ) -> None:
        self.xs, self.errors, self.clusters = xs, errors, clusters
        pooled = used[0] is None and used[1] is None
        self.spread = data.std()
        if not self.spread[outcome] > 0:
            raise EstimationError(f"outcome {outcome!r} does not vary")
        centre = 0.0 if pooled else data.mean()
        scaled = (data - centre) / self.spread
        within = scaled if pooled else scaled.copy()
        if not pooled:
            within = pd.DataFrame(demean(scaled.to_numpy(), *used), data.index, data.columns)
        constant = {"const": 1.0} if pooled else {}
        self.y = within[outcome].to_numpy()
        self.x = within[xs].to_numpy()
        self.w = within[ws].assign(**constant).to_numpy()
        self.z = residuals(within[zs].to_numpy(), self.w)
        self._check_rank(outcome, zs)
        self._solve(outcome, [*xs, *ws, *constant])
        centred = self.y - self.y.mean() if pooled else self.y
        self.unit_of_y = self.spread[outcome]
        self.rsquared = 1 - float(self.left @ self.left) / float(centred @ centred)
        self.left = self.left * self.unit_of_y

    def _check_rank(self, outcome: str, zs: list[str]) -> None:
        if np.linalg.norm(residuals(self.y, self.w)) <= 1e-9 * np.sqrt(len(self.y)):
            raise EstimationError(
                f"outcome {outcome!r} does not vary beside the effects and exogenous regressors",
                expected="an outcome that they do not fit exactly",
            )
        x = residuals(self.x, self.w)
        x, q = (np.linalg.qr(values)[0] for values in (x, self.z))
        strength = np.linalg.svd(q.T @ x, compute_uv=False)
        if strength[-1] < 1e-9:
            names = [", ".join(map(repr, names)) for names in (zs, self.xs)]
            raise EstimationError(
                f"instruments {names[0]} do not identify the coefficients of {names[1]}",
                expected="instruments that move each endogenous regressor",
            )

    def _solve(self, outcome: str, names: list[str]) -> None:
        regressors = np.hstack([self.x, self.w])
        basis = np.linalg.qr(np.hstack([self.z, self.w]))[0]
        fitted = basis @ (basis.T @ regressors)
        bread = np.linalg.pinv(fitted)  # (K, N), so that b = bread y
        slopes = bread @ self.y
        self.left = self.y - regressors @ slopes
        if self.errors == "unadjusted":
            cov = bread @ bread.T * (self.left @ self.left) / len(self.y)
        else:
            groups = self.clusters if self.errors == "clustered" else None
            cov = meat(bread.T * self.left[:, None], groups)
        units = pd.concat([self.spread, pd.Series({"const": 1.0})])
        back = self.spread[outcome] / units[names].to_numpy()
        self.params = pd.Series(slopes * back, index=names, name="coefficient")
        self.cov = pd.DataFrame(cov * np.outer(back, back), index=names, columns=names)

    def diagnostics(self, size: SampleSize, convention: str, level: float) -> InstrumentDiagnostics:
        """Return diagnostics in the variables' own units."""
        values = residuals(np.column_stack([self.y, self.x]), self.w)
        partialled = Partialled(
            outcome=values[:, 0] * self.unit_of_y,
            endogenous=values[:, 1:] * self.spread[self.xs].to_numpy(),
            instruments=np.linalg.qr(self.z)[0],
            size=size,
            clusters=self.clusters,
            errors=self.errors,
            convention=convention,
        )
        return diagnose(partialled, self.xs, level)
