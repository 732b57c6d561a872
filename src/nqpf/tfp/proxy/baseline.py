"""Least squares and fixed effects: what the proxy estimators correct."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nqpf.tfp.proxy.result import ProxyResult
from nqpf.tfp.proxy.sample import Roles, Sample, prepare
from nqpf.tfp.within import check_regressors

__all__ = ["fixed_effects", "ols"]


def ols(
    frame: pd.DataFrame,
    output: str,
    free: str | Sequence[str],
    state: str | Sequence[str],
    unit: str,
    time: str,
) -> ProxyResult:
    """Estimate a production function by ordinary least squares, through statsmodels.

    Firms that know their productivity hire by it, so the elasticity of labour
    is biased upwards (Marschak and Andrews 1944).

    Parameters
    ----------
    frame, output, free, state, unit, time
        As in :func:`nqpf.tfp.proxy.levinsohn_petrin`, **logarithms**.

    Returns
    -------
    ProxyResult
        Standard errors clustered by firm; ``criterion`` is the mean squared
        residual.

    Raises
    ------
    nqpf.errors.NqpfError
        As in :func:`nqpf.tfp.proxy.levinsohn_petrin`.

    Examples
    --------
    >>> from nqpf.tfp.simulate import simulate_firms
    >>> fit = ols(simulate_firms(1, firms=200), "output", "labour", "capital", "firm", "year")
    >>> bool(fit.params["labour"] > 0.8)
    True
    """
    from statsmodels.regression.linear_model import OLS

    roles = Roles.of(output, free, state)
    sample = prepare(frame, roles, unit, time, lagged=False)
    x = sample.frame[roles.inputs].assign(const=1.0)
    fitted = OLS(sample.frame[output], x).fit(
        cov_type="cluster", cov_kwds={"groups": sample.firms.code}
    )
    return _result("ordinary least squares", sample, roles, fitted.params, fitted.bse, fitted.resid)


def fixed_effects(
    frame: pd.DataFrame,
    output: str,
    free: str | Sequence[str],
    state: str | Sequence[str],
    unit: str,
    time: str,
) -> ProxyResult:
    """Estimate a production function with firm effects, through linearmodels.

    Right if productivity does not change over a firm's life; productivity that
    does change still moves inputs.

    Parameters
    ----------
    frame, output, free, state, unit, time
        As in :func:`nqpf.tfp.proxy.levinsohn_petrin`, **logarithms**.

    Returns
    -------
    ProxyResult
        Standard errors clustered by firm; ``criterion`` is the mean squared
        residual within firms.

    Raises
    ------
    nqpf.errors.NqpfError
        As in :func:`nqpf.tfp.proxy.levinsohn_petrin`; EstimationError if an
        input does not vary within any firm.

    Examples
    --------
    >>> from nqpf.tfp.simulate import simulate_firms
    >>> firms = simulate_firms(1, firms=200)
    >>> fit = fixed_effects(firms, "output", "labour", "capital", "firm", "year")
    >>> fit.params.index.tolist()
    ['labour', 'capital']
    """
    from linearmodels.panel import PanelOLS

    roles = Roles.of(output, free, state)
    sample = prepare(frame, roles, unit, time, lagged=False)
    check_regressors(sample.frame[roles.inputs], sample.firms.code, None)
    # linearmodels takes numbers for firms whatever their labels are.
    numbered = sample.frame.set_axis(
        pd.MultiIndex.from_arrays([sample.firms.code, sample.frame.index.get_level_values(1)])
    )
    fitted = PanelOLS(numbered[output], numbered[roles.inputs], entity_effects=True).fit(
        cov_type="clustered", cluster_entity=True
    )
    return _result("firm effects", sample, roles, fitted.params, fitted.std_errors, fitted.resids)


def _result(
    method: str,
    sample: Sample,
    roles: Roles,
    params: pd.Series,
    std_errors: pd.Series,
    residuals: pd.Series,
) -> ProxyResult:
    names = roles.inputs
    used = sample.frame[names].to_numpy() @ params[names].to_numpy()
    return ProxyResult(
        method=method,
        params=params[names].rename("elasticity"),
        std_errors=std_errors[names].rename("std_error"),
        errors="clustered by firm",
        tfp=(sample.frame[roles.output] - used).rename("tfp"),
        criterion=float(np.mean(np.square(residuals))),
        converged=True,
        n=len(sample.frame),
        firms=len(sample.firms.first) - 1,
        dropped=sample.dropped,
    )
