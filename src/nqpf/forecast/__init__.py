"""Forecasts of an index, their backtests and the nowcast of the newest year."""

from nqpf.forecast.backtest import backtest, nowcast
from nqpf.forecast.methods import forecast
