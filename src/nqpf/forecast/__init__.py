"""The next years of an index: forecasts, backtests and nowcasts, with a bar to beat."""

from nqpf.forecast.backtest import Backtest, Nowcast, backtest, nowcast
from nqpf.forecast.methods import (
    METHODS,
    PanelAutoregression,
    class_probabilities,
    panel_autoregression,
)
from nqpf.forecast.project import Forecast, forecast, latest_run

__all__ = [
    "METHODS",
    "Backtest",
    "Forecast",
    "Nowcast",
    "PanelAutoregression",
    "backtest",
    "class_probabilities",
    "forecast",
    "latest_run",
    "nowcast",
    "panel_autoregression",
]
