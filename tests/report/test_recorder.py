"""The line that a read is said of, and the table behind a figure."""

from unittest import mock

import numpy as np
import pandas as pd

from nqpf import Panel
from nqpf.report.lines import year_lines
from nqpf.report.maps import tile_map
from nqpf.report.recorder import load_ipython_extension
from nqpf.report.regressions import transition_matrices


def shown(picture):
    """Show a picture where the recorder is loaded, and return what it keeps of it."""
    shell = mock.MagicMock(user_ns={"panel": Panel.load(extra=False)})
    load_ipython_extension(shell)
    start, end = (call.args[1] for call in shell.events.register.call_args_list)
    (formats,) = shell.display_formatter.mimebundle_formatter.for_type_by_name.call_args_list
    start(None)
    assert formats.args[1] == type(picture).__name__
    bundle = {"text/html": picture.html(), "text/plain": repr(picture)}
    assert formats.args[2](picture) == bundle
    exec("2 + 2\npanel.wide(['gdp'])", shell.user_ns)  # noqa: S102
    end(None)
    (said,) = shell.display_pub.publish.call_args.kwargs["data"].values()
    assert said["reads"] == [[2, "variables", "gdp", "census5"]]
    return said["figures"][0]


def test_a_figure_keeps_its_table_with_names_of_provinces_and_plain_numbers():
    """Also one whose function was imported from its module."""
    values = pd.Series([1 / 3, np.nan], pd.Index([110000, 540000], name="province"), name="x")
    rows = [[110000, "Beijing", "北京", 0.3333333333], [540000, "Tibet", "西藏", None]]
    kept = {"columns": ["province", "name", "名称", "x"], "rows": rows}
    assert shown(tile_map(values, title="t"))["rows"] == kept


def test_tables_are_found_in_what_a_function_is_given():
    matrix = pd.DataFrame([[0.9, 0.1], [0.2, 0.8]], [1, 2], [1, 2])
    rows = shown(transition_matrices({"p": matrix, "q": matrix}, "t"))["rows"]
    assert rows["columns"] == ["part", "row 2", "1", "2"] and rows["rows"][2] == ["q", 1, 0.9, 0.1]
    counted = pd.DataFrame({"a": [0.0, 1.0], "b": [np.inf, 1.0]})
    expected = {"columns": ["a", "b"], "rows": [[0.0, None], [1.0, 1.0]]}
    assert shown(year_lines(counted))["rows"] == expected
    assert shown(year_lines(pd.DataFrame({"a": np.arange(5001.0)})))["rows"] is None
