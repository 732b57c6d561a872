"""Whole measures compared: agreement, standings, certainty of ranks."""

from nqpf.compare.certainty import RankSensitivity, RankUncertainty, sensitivity, uncertainty
from nqpf.compare.measures import (
    Agreement,
    Concordance,
    agreement,
    circular,
    clusters,
    concordance,
    holders,
    join,
    measures,
    top_overlap,
)
from nqpf.compare.profiles import Profiles
from nqpf.compare.standings import Standings, standings, yearly_intervals

__all__ = [
    "Agreement",
    "Concordance",
    "Profiles",
    "RankSensitivity",
    "RankUncertainty",
    "Standings",
    "agreement",
    "circular",
    "clusters",
    "concordance",
    "holders",
    "join",
    "measures",
    "sensitivity",
    "standings",
    "top_overlap",
    "uncertainty",
    "yearly_intervals",
]
