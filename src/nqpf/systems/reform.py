"""Reforms that reached provinces at dates set down in public documents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StringConstraints

from nqpf import provinces
from nqpf.errors import CardError, MethodError
from nqpf.files import root
from nqpf.systems.study import Bilingual, Key, Strict, Text, label, read_card

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Document", "Reform", "Zone"]

Event = Literal["named", "approved"]
Day = Annotated[
    str, StringConstraints(pattern=r"^(19|20)\d\d-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?$")
]


class Document(Strict):
    """A public document that dates a reform; `seen` says how far it was seen itself.

    `date` is a day, or a month where no record gives the day.
    """

    key: Key
    title: Bilingual
    number: Text | None = None
    issuer: Bilingual
    date: Day
    seen: Text


class Zone(Strict):
    """A province that the reform reached, by the keys of the documents that say so."""

    province: int = Field(ge=100000, description="six-digit code of GB/T 2260")
    zone: Bilingual
    covers: Literal["province", "part"]
    named: Key
    approved: Key


class Reform(Strict):
    """A reform, the documents that date it and the provinces that it reached.

    Examples
    --------
    >>> reform = Reform.load("big-data-zones")
    >>> len(reform.zones)
    10
    """

    key: Key
    name: Bilingual
    documents: tuple[Document, ...] = Field(min_length=1)
    zones: tuple[Zone, ...] = Field(min_length=1)

    @classmethod
    def load(cls, key: str, home: Path | None = None) -> Reform:
        """Read ``data/reforms/<key>.yaml``.

        Raises
        ------
        nqpf.errors.CardError
            If there is no such reform, its file is not valid, it names a document that it does
            not list, or a province twice.
        nqpf.errors.ProvinceError
            If a code is not that of a province.
        """
        folder = (home or root()) / "data" / "reforms"
        known = sorted(path.stem for path in folder.glob("*.yaml"))
        if key not in known:
            raise CardError(
                f"no reform {str(key)!r}",
                where={"folder": "data/reforms"},
                expected="one of " + ", ".join(known) if known else "a file in the folder",
            )
        path = folder / f"{key}.yaml"
        reform = read_card(path, cls)
        where = {"file": label(path)}
        if reform.key != key:
            raise CardError(f"key {reform.key!r} is not the file's name", where=where)
        reform._check_documents(where)
        codes = [provinces.code_of(zone.province) for zone in reform.zones]
        _check_once([provinces.name(code) for code in codes], "province", where)
        return reform

    def _check_documents(self, where: dict[str, object]) -> None:
        dates = {document.key: document.date for document in self.documents}
        _check_once([document.key for document in self.documents], "document", where)
        for zone in self.zones:
            place = where | {"province": zone.province}
            unknown = {zone.named, zone.approved} - set(dates)
            if unknown:
                raise CardError(
                    f"document {min(unknown)!r} is not listed", where=place, expected=str([*dates])
                )
            if dates[zone.named][:7] > dates[zone.approved][:7]:
                raise CardError(f"approved in {dates[zone.approved]} before named", where=place)

    def table(self) -> pd.DataFrame:
        """Return the zones by date, one row per province.

        Returns
        -------
        DataFrame indexed by province code (``province``)
            Columns ``zone``, ``covers`` (province or part), and the dates ``named`` and
            ``approved`` as text, a month where no record gives the day.
        """
        import pandas as pd

        dates = {document.key: document.date for document in self.documents}
        rows = {
            zone.province: {
                "zone": str(zone.zone),
                "covers": zone.covers,
                "named": dates[zone.named],
                "approved": dates[zone.approved],
            }
            for zone in self.zones
        }
        frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("province")
        return frame.sort_values(["named", "province"])

    def first_years(self, event: Event = "named") -> pd.Series:
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
        if event not in ("named", "approved"):
            raise MethodError(f"unknown event {event!r}", expected="'named' or 'approved'")
        return (self.table()[event].str[:4].astype(int) + 1).rename("first_year")


def _check_once(items: Sequence[str], what: str, where: dict[str, object]) -> None:
    double = {item for item in items if items.count(item) > 1}
    if double:
        raise CardError(f"{what} {min(double)!r} is there twice", where=where)
