"""Carbon dioxide is read where it stands, checked, and never downloaded by a chapter."""

from __future__ import annotations

import os
from pathlib import Path

import openpyxl
import pytest

from nqpf.data import sources as carbon
from nqpf.errors import SourceError

MIRROR = Path(
    os.environ.get("NQPF_MIRROR", Path(__file__).resolve().parents[3] / "shared" / "sources")
)


def workbook(folder: Path, total: float = 3.0, unit: str = "Mt CO2") -> Path:
    """Write a made-up inventory of two provinces."""
    book = openpyxl.Workbook()
    book.active.title = "NOTE"
    for name in ("InnerMongolia2015", "Beijing2015"):
        sheet = book.create_sheet(name)
        for row in (
            ["Emission_Inventory", "Raw_Coal", "Scope_1_Total"],
            ["unit", "Mt CO2", unit],
            [],
            ["TotalEmissions", 1.0, total],
            ["Farming", 0.5, 1.0],
            ["Rural", 0.5, 2.0],
        ):
            sheet.append(row)
    path = folder / "made-up.xlsx"
    book.save(path)
    return path


def test_a_sheet_per_province_is_read(tmp_path: Path) -> None:
    assert carbon.read_year(workbook(tmp_path), 2015).to_dict() == {
        (150000, 2015): 3.0,
        (110000, 2015): 3.0,
    }


def test_sectors_must_add_up_and_units_be_known(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"add up to 3.0, not to 3.1 .*InnerMongolia2015"):
        carbon.read_year(workbook(tmp_path, total=3.1), 2015)
    with pytest.raises(SourceError, match="not a CEADs inventory"):
        carbon.read_year(workbook(tmp_path, unit="kt CO2"), 2015)


def test_without_files_there_is_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NQPF_MIRROR", raising=False)
    monkeypatch.setattr("nqpf.data.sources.cache_folder", lambda: tmp_path)
    assert carbon.carbon_dioxide() is None


def test_the_pinned_files_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    if not MIRROR.is_dir():
        pytest.skip(f"no mirror of the sources at {MIRROR.name}")
    monkeypatch.setenv("NQPF_MIRROR", str(MIRROR))
    emissions = carbon.carbon_dioxide()
    assert len(emissions) == 30 * 13
    assert emissions.gt(0).all()
    growth = emissions.groupby(level="year").sum()
    assert 8000 < growth[2010] < growth[2022] < 12500
