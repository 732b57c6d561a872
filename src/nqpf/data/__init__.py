"""Official figures of the 31 provinces: catalogue, panel, building and checking."""

from nqpf.data.catalogue import Catalogue
from nqpf.data.panel import Panel
