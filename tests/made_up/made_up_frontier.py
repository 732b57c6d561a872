"""Simulated panels with a known frontier."""

import numpy as np
import pandas as pd
from scipy.stats import truncnorm

BETA = (1.0, 0.4, 0.5)


def truncated(rng, mean, sigma):
    """Draw from normals with these means, truncated at zero."""
    mean = np.asarray(mean, dtype=float)
    return truncnorm.rvs(-mean / sigma, np.inf, loc=mean, scale=sigma, random_state=rng)


def frontier_panel(
    seed, units=60, years=6, sigma_v=0.15, sigma_u=0.4, mu=0.0, eta=0.0, delta=None, trend=0.0
):
    """Return a panel of the 1992 model, or of the 1995 model where `delta` is given.

    Columns are output, capital and labour in levels, the determinant ``z`` and the true ``u``.
    """
    rng = np.random.default_rng(seed)
    t = np.arange(1, years + 1)
    capital, labour = rng.normal(3, 1, (2, units, years))
    z = rng.normal(size=(units, years))
    if delta is None:
        u = truncated(rng, np.full(units, mu), sigma_u)[:, None] * np.exp(eta * (years - t))
    else:
        u = truncated(rng, (delta[0] + delta[1] * z).ravel(), sigma_u).reshape(units, years)
    noise = rng.normal(0, sigma_v, (units, years))
    y = BETA[0] + BETA[1] * capital + BETA[2] * labour + trend * t + noise - u
    keys = pd.MultiIndex.from_product([range(units), 2009 + t], names=["firm", "year"])
    columns = {"output": np.exp(y), "capital": np.exp(capital), "labour": np.exp(labour)}
    columns |= {"z": z, "u": u}
    return pd.DataFrame({k: v.ravel() for k, v in columns.items()}, index=keys)
