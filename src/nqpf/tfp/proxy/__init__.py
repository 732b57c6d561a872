"""Production functions of firms: least squares, and the estimators that proxy productivity."""

from nqpf.tfp.proxy.ackerberg import ackerberg_caves_frazer
from nqpf.tfp.proxy.baseline import fixed_effects, ols
from nqpf.tfp.proxy.control import levinsohn_petrin, olley_pakes
from nqpf.tfp.proxy.result import ProxyResult
from nqpf.tfp.proxy.wooldridge import wooldridge

__all__ = [
    "ProxyResult",
    "ackerberg_caves_frazer",
    "fixed_effects",
    "levinsohn_petrin",
    "ols",
    "olley_pakes",
    "wooldridge",
]
