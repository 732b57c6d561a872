"""Indicator systems: cards, safe formulas, their evaluation on a panel, and what they share."""

from nqpf.systems.overlap import filled, twins
from nqpf.systems.replication import Replication
from nqpf.systems.standard import Standard
from nqpf.systems.study import Study
from nqpf.systems.system import IndicatorMatrix, System, available
