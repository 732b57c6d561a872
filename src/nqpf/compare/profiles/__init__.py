"""What every measure says of one province, computed once for all of them."""

from nqpf.compare.profiles.figures import MAIN, main_figures, province_rows, series
from nqpf.compare.profiles.gaps import breaks, flagged, gaps
from nqpf.compare.profiles.load import DRAWS, SHARES, TFP, TFP_GROWTH, Profiles
from nqpf.compare.profiles.peers import nearest, rank_distance
from nqpf.compare.profiles.standing import dimensions, extremes, obstacles, standing

__all__ = [
    "DRAWS",
    "MAIN",
    "SHARES",
    "TFP",
    "TFP_GROWTH",
    "Profiles",
    "breaks",
    "dimensions",
    "extremes",
    "flagged",
    "gaps",
    "main_figures",
    "nearest",
    "obstacles",
    "province_rows",
    "rank_distance",
    "series",
    "standing",
]
