"""Made-up source files, their catalogue entries and a mirror that holds them."""

import hashlib
import os
from pathlib import Path

import pandas as pd
import pytest
import rdata
from made_up import REPOSITORY, variable

from nqpf.data import Catalogue
from nqpf.provinces import codes, name

COMMIT = "0123456789ab" + "c" * 28


NEIGHBOUR = REPOSITORY.parent / "shared"
MIRROR = Path(os.environ.get("NQPF_MIRROR") or NEIGHBOUR)  # before a test takes it away


def at_hand(patch):
    """Read the pinned files from a mirror, or skip the test."""
    if not MIRROR.is_dir():
        pytest.skip("no mirror of the sources: set NQPF_MIRROR")
    patch.setenv("NQPF_MIRROR", str(MIRROR))


def source(**changes):
    """Return the entry of a made-up file."""
    entry = {"repository": "someone/something", "commit": COMMIT, "path": "data/数据 1.rda"}
    entry |= {"sha256": "0" * 64, "bytes": 1, "licence": "MIT", "reader": "techme"}
    return Catalogue(sources={"made": entry | changes}, variables={}).sources["made"]


def segment(**changes):
    """Return a segment of a made-up file."""
    entry = {"source": "made", "item": "a", "years": (2020, 2020), "unit": "吨"}
    entries = {"film": variable(segments=[entry | changes])}
    return Catalogue(sources={}, variables=entries).variables["film"].segments[0]


def raw(*rows):
    """Return what a reader would: rows of province, year, value and, if not tonnes, unit."""
    full = [(row[0], row[1], "a", row[2], row[3] if len(row) > 3 else "吨") for row in rows]
    return pd.DataFrame(full, columns=["province", "year", "item", "value", "unit"])


def everywhere(year, value=1.0, without=None):
    """Return one row per province, in Chinese, with the same value."""
    return [(name(code, "zh"), year, value) for code in codes() if code != without]


def write_techme(path, rows):
    """Write an R file in the layout of the science yearbooks, with years as text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = {"province": "province", "year": "year", "units": "unit", "variables": "item"}
    table = pd.DataFrame({key: rows[column].astype("str") for key, column in names.items()})
    table = table.assign(chn_block4="虚构", value=rows["value"].astype("float64"))
    # rdata cannot write the strings that pandas keeps in pyarrow where that is installed.
    texts = table.columns.drop("value")
    table = table.astype(dict.fromkeys(texts, pd.StringDtype("python", na_value=float("nan"))))
    rdata.write_rda(path, {"made": table})
    return path


def write_mirror(mirror, rows, entry=None):
    """Put a made-up file in a mirror folder and return its pinned entry."""
    entry = entry or source()
    folder = mirror / entry.repository.replace("/", "__") / entry.commit[:12]
    path = write_techme(folder / entry.path, rows)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return entry.model_copy(update={"sha256": digest, "bytes": path.stat().st_size})
