"""Total factor productivity: capital, growth accounting, frontiers and firms."""

from nqpf.tfp.accounts import capital_stock, production, real_gdp, solow_residual, splice
