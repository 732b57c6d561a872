"""Reforms that reached provinces at dates set down in public documents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
from pydantic import Field, StringConstraints

from nqpf import provinces
from nqpf.checks import choose
from nqpf.errors import CardError
from nqpf.files import root
from nqpf.systems.study import _Bilingual, _check_once, _Key, _label, _read_card, _Strict, _Text

_Day = Annotated[
    str, StringConstraints(pattern=r"^(19|20)\d\d-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?$")
]


class _Document(_Strict):
    """A public document that dates a reform; `seen` says how far it was seen itself.

    `date` is a day, or a month where no record gives the day.
    """

    key: _Key
    title: _Bilingual
    number: _Text | None = None
    issuer: _Bilingual
    date: _Day
    seen: _Text


class _Zone(_Strict):
    """A province that the reform reached, by the keys of the documents that say so."""

    province: int = Field(ge=100000, description="six-digit code of GB/T 2260")
    zone: _Bilingual
    covers: Literal["province", "part"]
    named: _Key
    approved: _Key


class Reform(_Strict):
    """A reform, the documents that date it and the provinces that it reached.

    Examples
    --------
    >>> reform = Reform.load("big-data-zones")
    >>> len(reform.zones)
    10
    """

    key: _Key
    name: _Bilingual
    documents: tuple[_Document, ...] = Field(min_length=1)
    zones: tuple[_Zone, ...] = Field(min_length=1)

    @classmethod
    def load(cls, key: str, home: Path | None = None) -> Reform:
        """Read ``data/reforms/<key>.yaml``.

        Raises
        ------
        nqpf.errors.CardError
            If there is no such reform, its file is not valid, it names a document that it does
            not list, or a province twice.
        nqpf.errors.DataError
            If a code is not that of a province.
        """
        folder = (home or root()) / "data" / "reforms"
        known = sorted(path.stem for path in folder.glob("*.yaml"))
        choose("reform", key, known, CardError, {"folder": "data/reforms"})
        path = folder / f"{key}.yaml"
        reform = _read_card(path, cls)
        where: dict[str, object] = {"file": _label(path)}
        if reform.key != key:
            raise CardError(f"key {reform.key!r} is not the file's name", where=where)
        dates = {document.key: document.date for document in reform.documents}
        _check_once([document.key for document in reform.documents], "document", where)
        for zone in reform.zones:
            place = where | {"province": zone.province}
            for document in (zone.named, zone.approved):
                choose("document", document, dates, CardError, place)
            if dates[zone.named][:7] > dates[zone.approved][:7]:
                raise CardError(f"approved in {dates[zone.approved]} before named", where=place)
        codes = [provinces.code_of(zone.province) for zone in reform.zones]
        _check_once([provinces.name(code) for code in codes], "province", where)
        return reform

    def table(self) -> pd.DataFrame:
        """Return the zones by date, one row per province.

        Returns
        -------
        DataFrame indexed by province code (``province``)
            Columns ``zone``, ``covers`` (province or part), and the dates ``named`` and
            ``approved`` as text, a month where no record gives the day.
        """
        dates = {document.key: document.date for document in self.documents}
        frame = pd.DataFrame([dict(one) for one in self.zones]).set_index("province")
        frame = frame.assign(zone=frame["zone"].map(str))
        frame[["named", "approved"]] = frame[["named", "approved"]].replace(dates)
        return frame.sort_values(["named", "province"])

    def first_years(self, event: Literal["named", "approved"] = "named") -> pd.Series:
        """Return the first full year after the event, by province code.

        Parameters
        ----------
        event : {"named", "approved"}
            First national document that names the zone, or formal approval.

        Returns
        -------
        Series of int, named ``first_year``

        Raises
        ------
        nqpf.errors.MethodError
            If the event is unknown.

        Examples
        --------
        >>> reform = Reform.load("big-data-zones")
        >>> reform.first_years()[520000].item(), reform.first_years("approved")[520000].item()
        (2016, 2017)
        """
        choose("event", event, ("named", "approved"))
        return (self.table()[event].str[:4].astype(int) + 1).rename("first_year")
