"""The next years of an index: forecasts, backtests and nowcasts, with a bar to beat."""

from nqpf.forecast._history import latest_run
from nqpf.forecast.autoregression import PanelAutoregression, panel_autoregression
from nqpf.forecast.backtest import Backtest, backtest
from nqpf.forecast.markov import class_probabilities
from nqpf.forecast.methods import METHODS
from nqpf.forecast.nowcast import Nowcast, nowcast
from nqpf.forecast.project import Forecast, forecast

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
