"""Hand computed values to the sentences of a chapter."""

from __future__ import annotations

import numpy as np
from IPython import get_ipython


def tell(**values: object) -> None:
    """Keep values under their names, for sentences that quote them.

    A sentence of a chapter quotes ``rho`` as ``{glue:text}`rho:.2f```: the figure is passed as it
    is, and its form stands in the sentence. Outside the book's own run each is printed.

    Parameters
    ----------
    **values : object
        Texts, whole numbers or numbers; arrays of one element count as numbers.

    Examples
    --------
    >>> import numpy as np
    >>> tell(rho=np.float64(0.25), first="Beijing")  # doctest: +SKIP
    rho = 0.25
    first = Beijing
    """
    plain = {key: one.item() if isinstance(one, np.generic) else one for key, one in values.items()}
    shell = get_ipython()
    if shell is None or "nqpf.report.recorder" not in shell.extension_manager.loaded:
        print(*(f"{key} = {value}" for key, value in plain.items()), sep="\n")
    try:
        from myst_nb import glue
    except ImportError:  # a reader's own notebook
        return
    for key, value in plain.items():
        glue(key, value, display=False)
