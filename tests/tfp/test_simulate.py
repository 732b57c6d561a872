"""Simulated firms: seeds, moments, and that labour and investment are the best choices."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from made_up_panels import refusals

from nqpf.errors import MethodError
from nqpf.tfp.proxy import simulate_firms

SD_WAGE = {1: 0.1, 2: 0.0, 3: 0.1, 4: 0.0}
SD_LABOUR = {1: 0.0, 2: 0.37, 3: 0.37, 4: 0.37}


def test_seeds_repeat_and_an_error_in_materials_changes_materials_alone():
    clean, noisy = (simulate_firms(1, 2000, 3, 9, sd_materials=sd) for sd in (0.0, 0.2))
    pd.testing.assert_frame_equal(clean, simulate_firms(1, 2000, 3, 9))
    assert not clean.equals(simulate_firms(1, 2000, 3, 8))
    same = [c for c in clean.columns if c != "materials"]
    pd.testing.assert_frame_equal(noisy[same], clean[same])
    assert (noisy["materials"] - clean["materials"]).std() == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("design", SD_WAGE)
def test_moments_of_the_simulated_firms(design):
    f, count = simulate_firms(design, firms=3000, years=8, seed=4), 3000
    for name, sd, rho in (("productivity", 0.3, 0.7), ("wage", SD_WAGE[design], 0.3)):
        wide = f.pivot(index="firm", columns="year", values=name)
        np.testing.assert_allclose(wide.std(), sd, atol=4 * sd / np.sqrt(2 * count))
        if sd:
            found = np.corrcoef(wide[4], wide[5])[0, 1]
            assert found == pytest.approx(rho, abs=4 * (1 - rho**2) / np.sqrt(count))
    error = f["output"] - 0.6 * f["labour"] - 0.4 * f["capital"] - f["productivity"]
    assert error.std() == pytest.approx(0.1, abs=0.002)
    levels = np.exp(f.set_index(["firm", "year"]))
    after = levels["capital"].groupby("firm").shift(-1)
    wanted = (0.8 * levels["capital"] + levels["investment"])[after.notna()]
    np.testing.assert_allclose(after.dropna(), wanted)


def test_labour_maximises_expected_profit():
    f = simulate_firms(design=2, firms=4000, years=1, seed=3)
    # Without a lead, productivity is known: the planned wage bill is 0.6 of planned output,
    # and the error in labour has mean zero in logarithms.
    gap = f["labour"] - f["materials"] - np.log(0.6)
    assert gap.mean() == pytest.approx(0, abs=4 * 0.37 / np.sqrt(4000))
    assert gap.std() == pytest.approx(0.37, abs=0.02)


@pytest.mark.parametrize("design", [1, 3])
def test_investment_is_the_expected_value_of_capital(design):
    """Expected profits of sixty years by quadrature; phi, the firm's own, drops out of changes."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    weights = weights / weights.sum()
    late, noise = 0.7**0.5, SD_LABOUR[design] ** 2 / 2

    def profit(early, wage):
        # Best labour for K = 1, then profit averaged over what is not known when it is chosen.
        mean = np.exp(late * early + 0.3**2 * (1 - late**2) / 2)
        labour = (0.6 * mean / np.exp(wage)) ** 2.5
        revenue = mean * labour**0.6 * np.exp(0.36 * noise)
        return revenue - np.exp(wage) * labour * np.exp(noise)

    def value(omega, wage):
        total = 0.0
        for s in range(1, 61):
            rho, rho_wage = 0.7 ** (s - 0.5), 0.3**s
            early = rho * omega + 0.3 * np.sqrt(1 - rho**2) * nodes[:, None]
            later = rho_wage * wage + 0.1 * np.sqrt(1 - rho_wage**2) * nodes
            total += 0.95**s * 0.8 ** (s - 1) * (weights @ profit(early, later) @ weights)
        return total

    f = simulate_firms(design, firms=4, years=3, seed=7)
    rest = f["investment"] - np.log([value(*row) for row in f[["productivity", "wage"]].to_numpy()])
    np.testing.assert_allclose(rest, rest.groupby(f["firm"]).transform("mean"), atol=1e-9)


test_simulations_that_cannot_be_made = refusals(
    MethodError,
    ("unknown design 7", partial(simulate_firms, design=7)),
    ("firms is 0", partial(simulate_firms, firms=0)),
    ("years is", partial(simulate_firms, years=0)),
)
