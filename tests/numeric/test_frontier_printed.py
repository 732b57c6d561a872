"""The cross-section that FRONTIER 4.1 is distributed with, and what that program prints for it.

The table is not part of the project. The test looks for front41Data.csv (firm, output, capital,
labour in levels) in the folder that NQPF_CASES names, or in ../shared/cases beside the project.
"""

import os
from pathlib import Path

import pandas as pd
import pytest

from nqpf import files as paths
from nqpf.tfp.frontier import battese_coelli

NAME = "front41Data.csv"
# Coelli (1996), output of example 1.
PRINTED = {
    "constant": 0.5616193,
    "capital": 0.2811022,
    "labour": 0.5364798,
    "sigma2": 0.2170003,
    "gamma": 0.7972069,
}
LOG_LIKELIHOOD = -17.027229


def table() -> pd.DataFrame:
    folder = os.environ.get("NQPF_CASES") or paths.root().parent / "shared" / "cases"
    file = Path(folder) / NAME
    if not file.is_file():
        pytest.skip(f"{NAME} is not distributed with the project; NQPF_CASES names its folder")
    return pd.read_csv(file).assign(year=1)


def test_frontier_41_cross_section():
    result = battese_coelli(table(), "output", ["capital", "labour"], "firm", "year")
    assert result.convergence.converged
    for name, value in PRINTED.items():
        assert result.parameters.loc[name, "estimate"] == pytest.approx(value, abs=1e-3), name
    assert result.loglik == pytest.approx(LOG_LIKELIHOOD, abs=1e-2)
    # The program prints its maximum with the logs of figures that the table rounds.
    assert result.loglik >= LOG_LIKELIHOOD - 1e-5
    assert result.test_no_inefficiency().statistic == pytest.approx(2.8392402, abs=1e-3)
