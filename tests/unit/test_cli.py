"""The command ``nqpf``: what it prints, what it writes, and how it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from made_up import HEADER, REPOSITORY, make_project, state, write_csv
from typer.testing import CliRunner, Result

import nqpf
from nqpf import cli
from nqpf.cli import app

GOOD = "Beijing,2024,population,12,万人,yearbook"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = make_project(tmp_path / "home")
    monkeypatch.setenv("NQPF_HOME", str(home))
    return home


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def refused(*words: object) -> str:
    """Return the message of a refusal: one message on standard error, exit code 1."""
    result = run(*words)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return result.stderr


def test_version() -> None:
    assert run("version").stdout == f"{nqpf.__version__}\n"


@pytest.mark.parametrize("words", [["--help"], ["data", "--help"]])
def test_help(words: list[str]) -> None:
    result = run(*words)
    assert result.exit_code == 0
    for command in ["version", "data"] if len(words) == 1 else ["check", "add", "build", "list"]:
        assert command in result.stdout


def test_check_writes_nothing(home: Path, tmp_path: Path) -> None:
    before = state(home)
    result = run("data", "check", write_csv(tmp_path / "mine.csv", GOOD))
    assert result.exit_code == 0
    assert "mine.csv: 1 figures can be used: 1 new, 0 revised, 0 as before" in result.stdout
    assert "Nothing was written." in result.stdout
    assert state(home) == before


def test_add_writes_one_file(home: Path, tmp_path: Path) -> None:
    before = state(home)
    result = run("data", "add", write_csv(tmp_path / "mine.csv", GOOD))
    assert result.exit_code == 0
    assert "Written to data/extra/mine.csv; the next `make book` uses it." in result.stdout
    after = state(home)
    assert set(after) - set(before) == {"data/extra/mine.csv"}
    assert {name: after[name] for name in before} == before
    assert "2019-2024" in run("data", "list").stdout


def test_add_replaces_only_when_asked(home: Path, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "mine.csv", GOOD)
    assert run("data", "add", path).exit_code == 0
    write_csv(path, GOOD.replace(",12,", ",13,"))
    before = state(home)
    assert "extra/mine.csv exists and holds other figures" in refused("data", "add", path)
    assert state(home) == before
    assert run("data", "add", path, "--replace").exit_code == 0
    assert ",13.0," in (home / "data" / "extra" / "mine.csv").read_text(encoding="utf-8")


def test_check_says_what_add_would_refuse(home: Path, tmp_path: Path) -> None:
    assert run("data", "add", write_csv(tmp_path / "mine.csv", GOOD)).exit_code == 0
    other = write_csv(tmp_path / "other.csv", GOOD)
    assert "given by mine.csv as well" in refused("data", "check", other)


@pytest.mark.parametrize("command", ["check", "add"])
def test_refusals(home: Path, tmp_path: Path, command: str) -> None:
    before = state(home)
    path = write_csv(tmp_path / "mine.csv", "Bejing,2024,population,x,万人,s")
    message = refused("data", command, path)
    assert message.startswith("mine.csv has 2 problems:\n- unknown province 'Bejing' [file mine.c")
    assert "Did you mean Beijing (110000)." in message
    assert "no such file" in refused("data", command, tmp_path / "none.csv")
    assert state(home) == before


def test_text_of_a_file_is_printed_as_it_is(home: Path, tmp_path: Path) -> None:
    row = "[red]Bejing[/red],2024,population,\x1b]0;title\x07,万人,[/]"
    message = refused("data", "check", write_csv(tmp_path / "mine.csv", row))
    assert "unknown province '[red]Bejing[/red]'" in message
    assert "\x1b" not in message
    header = HEADER + ",name_en"
    row = "Beijing,2024,robots,1,[bold]units,s,[red]Robots[/red]"
    path = write_csv(tmp_path / "mine.csv", row, header=header)
    assert "[red]Robots[/red]" in run("data", "add", path).stdout
    listed = run("data", "list").stdout
    assert "[red]Robots[/red]" in listed
    assert "[bold]units" in listed


def test_control_characters_of_a_file_name_are_not_printed(home: Path, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "\x1b[2Jmine.csv", "Bejing,2024,population,5,万人,s")
    message = refused("data", "check", path)
    assert "\x1b" not in message
    assert "[U+001B][2Jmine.csv" in message


def test_list_shows_names_units_and_years(home: Path) -> None:
    lines = run("data", "list").stdout.splitlines()
    assert lines[0].split() == ["variable", "name", "unit", "vintage", "years", "provinces", "gaps"]
    assert [line.split()[0] for line in lines[1:]] == [
        "gdp",
        "gdp",
        "population",
        "urbanisation",
        "energy",
        "hightech_profit",
        "rd_expenditure",
    ]
    assert lines[2].split()[-4:] == ["census5", "2019-2023", "31", "0"]
    assert all("2019-2023" in line for line in lines[1:])


def test_outside_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NQPF_HOME", str(tmp_path))
    assert "set NQPF_HOME" in refused("data", "list")


@pytest.mark.parametrize("update", [False, True])
def test_build_calls_the_builder(monkeypatch: pytest.MonkeyPatch, update: bool) -> None:
    from nqpf.data import build
    from nqpf.tfp.accounts import capital_stock

    calls = []
    for name in ("verify", "update"):
        monkeypatch.setattr(
            build, name, lambda name=name, **options: calls.append((name, options)) or "done"
        )
    result = run("data", "build", "--extra", *(["--update"] if update else []))
    assert (result.exit_code, result.stdout) == (0, "done\n")
    derivations = {"perpetual_inventory": capital_stock}
    expected = {"derivations": derivations, "extra": True}
    assert calls == [("update" if update else "verify", expected)]


def python(*words: str, home: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    places = {"PYTHONPATH": str(REPOSITORY / "src"), "NQPF_HOME": str(home)}
    return subprocess.run(
        [sys.executable, *words], capture_output=True, check=False, env=places | environment
    )


def test_as_a_module(home: Path, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "mine.csv", "Bejing,2024,population,12,万人,yearbook")
    result = python("-m", "nqpf", "data", "check", str(path), home=home)
    assert result.returncode == 1
    assert result.stdout == b""
    assert result.stderr.decode().startswith("unknown province 'Bejing' [file mine.csv, row 2")
    assert python("-m", "nqpf", "version", home=home).stdout.decode().strip() == nqpf.__version__


def test_a_terminal_without_chinese(home: Path, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "mine.csv", "贝京,2024,population,12,万人,yearbook")
    words = ["-m", "nqpf", "data", "check", str(path)]
    result = python(*words, home=home, PYTHONIOENCODING="latin-1")
    assert result.returncode == 1
    assert result.stderr.startswith(b"unknown province '??'")


def test_help_loads_nothing_heavy(home: Path) -> None:
    code = (
        "import sys\n"
        "from nqpf.cli import app\n"
        "app(['--help'], standalone_mode=False)\n"
        "print(sorted({'pandas', 'numpy', 'pydantic', 'scipy', 'yaml'} & set(sys.modules)))\n"
    )
    result = python("-c", code, home=home)
    assert result.stdout.decode().splitlines()[-1] == "[]"


def test_last_digits_of_another_processor_are_told_and_do_not_fail(tmp_path) -> None:
    table = pd.DataFrame({"id": [1, 2], "estimate": [0.5, -0.25]})
    old, new = tmp_path / "old.parquet", tmp_path / "new.parquet"
    table.to_parquet(old)
    table.assign(estimate=[0.5, -0.25000002]).to_parquet(new)
    assert 0 < cli._far_apart(old, new) < cli._LAST_DIGITS
    table.assign(estimate=[0.5, -0.26]).to_parquet(new)
    assert cli._far_apart(old, new) > cli._LAST_DIGITS
    table.assign(id=[1, 3]).to_parquet(new)
    assert cli._far_apart(old, new) is None
