"""Whole measures compared: agreement, standings, certainty of ranks."""

from nqpf.compare.certainty import sensitivity, uncertainty
from nqpf.compare.declaration import variables
from nqpf.compare.measures import agreement, circular, holders, measures, standings
from nqpf.compare.partial import partial_year
