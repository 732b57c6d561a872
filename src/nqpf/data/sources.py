"""Source files by hash: from a mirror folder, from the user's cache, or from their public address.

A mirror is a folder with each file at ``<owner>__<repository>/<first 12 of the
commit>/<path>``, named by the environment variable ``NQPF_MIRROR``. Its files
are read in place. Without a mirror, files are downloaded once and kept in the
user's cache folder. Either way a file is used only if its SHA-256 is the one
in the catalogue.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import warnings
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from nqpf import provinces
from nqpf.data.catalogue import Catalogue, Source
from nqpf.data.layouts import frame, years
from nqpf.errors import SourceError
from nqpf.files import inside

__all__ = [
    "HOST",
    "KEY",
    "address",
    "at_hand",
    "cache_folder",
    "carbon_dioxide",
    "chilean_plants",
    "fetch",
    "fetch_all",
    "mirror_folder",
    "optional",
    "sha256",
]

HOST = "https://raw.githubusercontent.com"
_EMBEDDED = "the tables in data/panel are complete without it; only rebuilding them needs it"


def address(source: Source, host: str = HOST) -> str:
    """Return the public address of a source file, percent-encoded.

    Examples
    --------
    >>> source = Source(repository="a/b", commit="0" * 40, path="数据 1.csv",
    ...                 sha256="0" * 64, bytes=1, licence="MIT", reader="nbs")
    >>> address(source).removeprefix(HOST).replace("0" * 40, "<commit>")
    '/a/b/<commit>/%E6%95%B0%E6%8D%AE%201.csv'
    """
    return f"{host}/{source.repository}/{source.commit}/{quote(source.path)}"


def mirror_folder() -> Path | None:
    """Return the folder that ``NQPF_MIRROR`` names, or None when it is not set.

    Raises
    ------
    nqpf.errors.SourceError
        If it names something that is not a folder.
    """
    named = os.environ.get("NQPF_MIRROR")
    if not named:
        return None
    folder = Path(named)
    if not folder.is_dir():
        raise SourceError(
            f"NQPF_MIRROR names {named!r}, which is not a folder",
            hint="correct or unset the variable",
        )
    return folder


def cache_folder() -> Path:
    """Return the folder in which downloads are kept: the user's cache, outside the project."""
    with warnings.catch_warnings():
        # Inside a notebook pooch's progress bar complains that widgets are missing.
        warnings.simplefilter("ignore")
        import pooch

    return Path(pooch.os_cache("nqpf"))


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fetch(source: Source, host: str = HOST, cache: Path | None = None) -> Path:
    """Return a local path at which a source file stands with the right hash.

    Parameters
    ----------
    source : Source
        Entry of the catalogue.
    host : str
        First part of the public address.
    cache : Path or None
        Folder for downloads; :func:`cache_folder` when None.

    Raises
    ------
    nqpf.errors.SourceError
        If the file cannot be had, or is not the one that was pinned. A file
        of the right hash that is already there is never replaced.
    """
    mirror = mirror_folder()
    if mirror is not None:
        return _from_mirror(source, mirror)
    return _from_network(source, host, cache or cache_folder())


def fetch_all(
    catalogue: Catalogue,
    keys: Iterable[str],
    host: str = HOST,
    cache: Path | None = None,
) -> dict[str, Path]:
    """Return the local path of each source named by `keys`."""
    return {key: fetch(catalogue.sources[key], host, cache) for key in keys}


def optional(catalogue: Catalogue, host: str = HOST, cache: Path | None = None) -> dict[str, Path]:
    """Return the local paths of the research data sets, which are fetched but never embedded."""
    keys = [key for key, source in catalogue.sources.items() if not source.embedded]
    return fetch_all(catalogue, keys, host, cache)


def at_hand(source: Source, cache: Path | None = None) -> Path | None:
    """Return where a source file stands already, or None; nothing is downloaded.

    Raises
    ------
    nqpf.errors.SourceError
        If a mirror is set and does not hold the pinned file.
    """
    mirror = mirror_folder()
    if mirror is not None:
        return _from_mirror(source, mirror)
    path = (cache or cache_folder()) / _cached_name(source)
    return path if path.is_file() and sha256(path) == source.sha256 else None


def _cached_name(source: Source) -> str:
    """Return a name with the hash, so that files of one name stand side by side."""
    return f"{source.sha256[:16]}-{Path(source.path).name}"


def _from_mirror(source: Source, mirror: Path) -> Path:
    owner = source.repository.replace("/", "__")
    path = inside(mirror, f"{owner}/{source.commit[:12]}/{source.path}")
    if not path.is_file():
        raise SourceError(
            "the mirror does not hold the file",
            where={"file": source.path, "mirror": mirror.name},
            expected=f"{owner}/{source.commit[:12]}/{source.path}",
            hint="complete the mirror or unset NQPF_MIRROR",
        )
    found = sha256(path)
    if found != source.sha256:
        raise SourceError(
            f"the mirror's file has SHA-256 {found}",
            where={"file": source.path, "bytes": path.stat().st_size},
            expected=f"{source.sha256} ({source.bytes} bytes)",
            hint="copy the file again; it is damaged, cut off or another version",
        )
    return path


def _from_network(source: Source, host: str, cache: Path) -> Path:
    import pooch

    pooch.get_logger().setLevel("WARNING")
    try:
        # pooch downloads beside the target and moves the file only once its hash is right.
        found = pooch.retrieve(
            address(source, host),
            known_hash=f"sha256:{source.sha256}",
            fname=_cached_name(source),
            path=cache,
            downloader=pooch.HTTPDownloader(timeout=30),
        )
    except ValueError as error:  # what pooch raises for a wrong hash
        raise SourceError(
            "what was downloaded is not the pinned file and was thrown away",
            where={"file": source.path, "address": address(source, host)},
            expected=f"SHA-256 {source.sha256}",
            hint=f"try again; {_EMBEDDED}" if source.embedded else "try again",
        ) from error
    except OSError as error:  # every network error of requests is one
        raise SourceError(
            f"the file could not be downloaded: {error}",
            where={"file": source.path},
            expected="a network connection, or a mirror folder in NQPF_MIRROR",
            hint=_EMBEDDED if source.embedded else "the panel does not need it",
        ) from error
    return Path(found)


_KEY = re.compile(r"ceads_(\d{4})")
_ROW, _COLUMN, _UNIT = "TotalEmissions", "Scope_1_Total", "Mt CO2"


def carbon_dioxide() -> pd.Series | None:
    """Return emissions of carbon dioxide, or None when they were not fetched.

    Nothing is downloaded; ``make data EXTRA=1`` does that. An estimate of the
    Carbon Emission Accounts and Datasets (CEADs) for 30 provinces from fuels
    and processes, not an official figure; whoever uses it cites CEADs.

    Returns
    -------
    Series indexed (province, year), or None
        Million tonnes, 2010-2022.

    Raises
    ------
    nqpf.errors.SourceError
        If a file is there that is not laid out as the pinned ones.
    """
    series = []
    for key, source in Catalogue.load().sources.items():
        match = _KEY.fullmatch(key)
        if match is None:
            continue
        path = at_hand(source)
        if path is None:
            return None
        series.append(read_year(path, int(match[1])))
    return pd.concat(series).sort_index() if series else None


def read_year(path: Path, year: int) -> pd.Series:
    """Return the emissions of one year's workbook, one sheet per province.

    Raises
    ------
    nqpf.errors.SourceError
        If a sheet lacks the total, its unit differs or the sectors do not add up to it.
    """
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    found = {}
    for name in book.sheetnames:
        if name == "NOTE":
            continue
        province = provinces.code_of(
            re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix(str(year)))
        )
        rows = list(book[name].iter_rows(values_only=True))
        found[province, year] = _total(rows, {"file": path.name, "sheet": name})
    book.close()
    index = pd.MultiIndex.from_tuples(found, names=["province", "year"])
    return pd.Series(list(found.values()), index=index, name="carbon_dioxide")


def _total(rows: list[tuple], where: dict[str, object]) -> float:
    labels = [row[0] for row in rows]
    column = rows[0].index(_COLUMN) if _COLUMN in rows[0] else -1
    if column < 0 or _ROW not in labels or rows[1][column] != _UNIT:
        raise SourceError(
            "the sheet is not a CEADs inventory",
            where=where,
            expected=f"a row {_ROW!r} and a column {_COLUMN!r} in {_UNIT}",
        )
    start = labels.index(_ROW)
    total = rows[start][column]
    sectors = math.fsum(row[column] or 0 for row in rows[start + 1 :])
    if not isinstance(total, int | float) or not math.isclose(total, sectors, rel_tol=1e-9):
        raise SourceError(
            f"the sectors add up to {sectors}, not to {total}", where=where, expected="the same sum"
        )
    return float(total)


KEY = "chilean_plants"
# What the columns of the R package prodest hold. Its manual calls cX an input as well, but
# it equals inv in every row, so it is left out; its years are those of the file, 1996-2006.
_COLUMNS = {
    "idvar": "firm",
    "timevar": "year",
    "Y": "output",
    "fX1": "skilled",
    "fX2": "unskilled",
    "sX": "capital",
    "pX": "materials",
    "inv": "investment",
}


def chilean_plants(path: Path | None = None) -> pd.DataFrame | None:
    """Return plants by year, in logarithms, or None when they were not fetched.

    Nothing is downloaded; ``make data EXTRA=1`` does that.

    Parameters
    ----------
    path : Path or None
        The R file; when None, where the mirror or the cache has it.

    Returns
    -------
    DataFrame or None
        ``firm``, ``year``, and logs of ``output``, ``skilled`` and
        ``unskilled`` labour, ``capital``, ``materials``, ``investment``.

    Raises
    ------
    nqpf.errors.SourceError
        If a file is there that cannot be read or is not the pinned one.
    """
    path = path or at_hand(Catalogue.load().sources[KEY])
    if path is None:
        return None
    plants = frame(path, list(_COLUMNS))[list(_COLUMNS)].rename(columns=_COLUMNS)
    plants["year"] = years(plants["year"], path.name)
    plants["firm"] = plants["firm"].astype("int64")
    return plants.sort_values(["firm", "year"], ignore_index=True)
