"""What an output rests on, over made-up chapters: no statement is lost, few are too many."""

import pytest
from outputs_code import Code

RESTS_ON = [
    (["a = 1\nb = 2", "c = 3", "a + c"], [0, 2, 3]),
    (["a = 1", "a = 2", "a"], [1, 2]),
    (["a = 1", "a += 1", "a"], [0, 1, 2]),
    (["f = {}", "f['x'] = 1", "g = {}", "f"], [0, 1, 3]),
    (["a = []", "a.append(1)", "print(a)", "a"], [0, 1, 3]),
    (["a = []", "a.count(1)", "a"], [0, 2]),  # its value was shown, so it was asked for that
    (["def f():\n    return n", "n = 1", "f()"], [0, 1, 2]),  # read when it is called
    (["k = 1", "d = [1]", "[k + j for j in d]"], [0, 1, 2]),
    (["xs = [1]\nb = 0", "a = 0", "for x in xs:\n    a = x", "a"], [0, 2, 3, 4]),
    (["%matplotlib inline\na = 1", "a = (", "a"], [0, 1]),
]


@pytest.mark.parametrize(("cells", "kept"), RESTS_ON)
def test_what_the_last_cell_rests_on(cells, kept):
    code = Code(cells, shows={1} if cells[1:2] == ["a.count(1)"] else ())
    found = code.behind(code.targets(len(cells) - 1))
    assert [code.statements.index(one) for one in found] == kept


def test_glued_keys_are_found_by_their_statement():
    code = Code(["a = 1\nb = 2", "glue('x', a)\nglue('y', b)"])
    found = code.behind(code.targets(1, "y"))
    assert [one.text for one in found] == ["b = 2", "glue('y', b)"]
    code = Code(["a = 1\nb = 2", "tell(x=a, y=b)"])
    found = code.behind(code.targets(1, "y"))
    assert [one.text for one in found] == ["b = 2", "tell(y=b)"]
    code = Code(["glue('z', a)\nfor k in ('x', 'y'):\n    glue(k, b)"])
    assert len(code.targets(0, "y")) == 2  # the code does not tell which


def test_what_a_class_inherits_from_elsewhere_is_no_function_of_the_library():
    code = Code(["from nqpf import Study", "Study.model_validate(Study.load(key))"])
    assert [one.name for one in code.functions(code.statements)] == ["nqpf.Study.load"]
