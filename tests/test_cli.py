"""The command ``nqpf``: what it prints, what it loads, and how it refuses."""

import subprocess
import sys

import pandas as pd
import pytest
from made_up import HEADER, REPOSITORY, VARIABLES, refused, run, write_csv

import nqpf
from nqpf import cli


def test_help_and_version():
    assert run("version").stdout == f"{nqpf.__version__}\n"
    for words, commands in {
        ("--help",): "version data study multiverse",
        ("data", "--help"): "check add build export list",
        ("study", "--help"): "new check",
    }.items():
        result = run(*words)
        assert result.exit_code == 0
        assert all(command in result.stdout for command in commands.split())


def test_text_of_a_file_and_its_name_is_printed_as_it_is(home, tmp_path):
    row = "[red]Bejing[/red],2024,population,\x1b]0;title\x07,万人,[/]"
    message = refused("data", "check", write_csv(tmp_path / "\x1b[2Jmine.csv", row))
    assert "unknown province '[red]Bejing[/red]'" in message
    assert "[U+001B][2Jmine.csv" in message and "\x1b" not in message
    row = "Beijing,2024,robots,1,[bold]units,s,[red]Robots[/red]"
    path = write_csv(tmp_path / "mine.csv", row, header=HEADER + ",name_en")
    assert "[red]Robots[/red]" in run("data", "add", path).stdout
    listed = run("data", "list").stdout
    assert "[red]Robots[/red]" in listed and "[bold]units" in listed


def test_list_shows_names_units_and_years(home):
    lines = run("data", "list").stdout.splitlines()
    assert lines[0].split() == ["variable", "name", "unit", "vintage", "years", "provinces", "gaps"]
    assert [line.split()[0] for line in lines[1:]] == ["gdp", *VARIABLES]
    assert lines[2].split()[-4:] == ["census5", "2019-2023", "31", "0"]
    assert all("2019-2023" in line for line in lines[1:])


def python(*words, home, **environment):
    places = {"PYTHONPATH": str(REPOSITORY / "src"), "NQPF_HOME": str(home)}
    options = {"capture_output": True, "check": False, "env": places | environment}
    return subprocess.run([sys.executable, *words], **options)


@pytest.mark.parametrize(("coding", "shown"), [("utf-8", "贝京"), ("latin-1", "??")])
def test_as_a_module_also_on_a_terminal_without_chinese(home, tmp_path, coding, shown):
    path = write_csv(tmp_path / "mine.csv", "贝京,2024,population,12,万人,yearbook")
    words = ["-m", "nqpf", "data", "check", str(path)]
    result = python(*words, home=home, PYTHONIOENCODING=coding)
    assert (result.returncode, result.stdout) == (1, b"")
    message = result.stderr.decode()
    assert message.startswith(f"unknown province '{shown}' [file mine.csv, row 2")


def test_help_loads_nothing_heavy(home):
    code = "import sys; from nqpf.cli import app; app(['--help'], standalone_mode=False); "
    code += "print(sorted({'pandas', 'numpy', 'pydantic', 'scipy', 'yaml'} & set(sys.modules)))"
    assert python("-c", code, home=home).stdout.decode().splitlines()[-1] == "[]"


def test_last_digits_of_another_processor_are_told_and_do_not_fail(tmp_path):
    table = pd.DataFrame({"id": [1, 2], "estimate": [0.5, -0.25]})
    old, new = tmp_path / "old.parquet", tmp_path / "new.parquet"
    table.to_parquet(old)
    table.assign(estimate=[0.5, -0.25000002]).to_parquet(new)
    assert 0 < cli._far_apart(old, new) < cli._LAST_DIGITS
    table.assign(estimate=[0.5, -0.26]).to_parquet(new)
    assert cli._far_apart(old, new) > cli._LAST_DIGITS
    table.assign(id=[1, 3]).to_parquet(new)
    assert cli._far_apart(old, new) is None
