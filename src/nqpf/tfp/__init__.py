"""Total factor productivity: capital, growth accounting and the residual."""

from nqpf.tfp.accounts import (
    capital_stock,
    perpetual_inventory,
    production,
    real_gdp,
    rebase,
    splice,
)
from nqpf.tfp.solow import SolowResult, solow_residual

__all__ = [
    "SolowResult",
    "capital_stock",
    "perpetual_inventory",
    "production",
    "real_gdp",
    "rebase",
    "solow_residual",
    "splice",
]
