"""Total factor productivity: capital, growth accounting and the residual."""

from nqpf.tfp.capital import capital_stock, perpetual_inventory, rebase

__all__ = ["capital_stock", "perpetual_inventory", "rebase"]
