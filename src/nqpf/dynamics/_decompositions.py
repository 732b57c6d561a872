"""What a decomposition of inequality returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import MethodError

__all__ = ["Dagum", "Theil"]


@dataclass(frozen=True)
class Dagum:
    """Decomposition of a Gini coefficient by groups (Dagum 1997).

    Attributes
    ----------
    gini : float
        Gini coefficient of the whole, from 0 to less than 1.
    within : float
        G_w, what inequality inside the groups contributes.
    between : float
        G_nb, the net contribution of gaps between groups.
    transvariation : float
        G_t, the contribution of overlap: of units that are above another
        group's although their own group's mean is below.
    groups : DataFrame by group
        Number of `units`, shares of `population` p_j and of the `total` s_j,
        `mean` in units of y, `gini` G_jj and its `contribution` G_jj p_j s_j.
    pairs : DataFrame by (group, other), the group with the higher mean first
        `gini` G_jh; mean `difference` Delta_jh, gross affluence `d` and
        transvariation `p` in units of y; relative economic `affluence` D_jh
        from 0 to 1; contributions to `between` and `transvariation`.
    """

    gini: float
    within: float
    between: float
    transvariation: float
    groups: pd.DataFrame
    pairs: pd.DataFrame

    @property
    def gross_between(self) -> float:
        """G_gb = G_nb + G_t, all that pairs of different groups contribute."""
        return self.between + self.transvariation

    def to_frame(self) -> pd.DataFrame:
        """Return the three terms and the whole, with their shares of the whole."""
        terms = ["within", "between", "transvariation", "gini"]
        value = pd.Series({name: getattr(self, name) for name in terms})
        share = value / self.gini if self.gini else np.nan
        return pd.DataFrame({"value": value, "share": share})

    def table(self, column: str = "gini") -> pd.DataFrame:
        """Return a column of `pairs` as a symmetric table, with G_jj on the diagonal of G_jh.

        Raises
        ------
        nqpf.errors.MethodError
            If there is no such column.
        """
        if column not in self.pairs.columns:
            raise MethodError(
                f"no column {column!r}", expected=" or ".join(map(repr, self.pairs.columns))
            )
        names = self.groups.index
        square = pd.DataFrame(np.nan, index=names, columns=names.rename("other"))
        for (one, other), value in self.pairs[column].items():
            square.loc[one, other] = square.loc[other, one] = value
        if column == "gini":
            for name in names:
                square.loc[name, name] = self.groups.loc[name, "gini"]
        return square

    def _repr_html_(self) -> str:
        return self.to_frame().to_html(float_format="{:.4f}".format)


@dataclass(frozen=True)
class Theil:
    """Theil's two indices, each with its exact split into within and between groups.

    Attributes
    ----------
    t, t_within, t_between : float
        Theil's T, 0 to ln n; sensitive to the top of the distribution.
    l, l_within, l_between : float
        Theil's L, the mean logarithmic deviation, 0 or more; sensitive to the bottom.
    groups : DataFrame by group
        Shares of `population` and of the `total`, and the group's own `t` and `l`.
    """

    t: float
    t_within: float
    t_between: float
    l: float  # noqa: E741 - the textbook's symbol
    l_within: float
    l_between: float
    groups: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """Return both indices, a column each."""
        return pd.DataFrame(
            {
                "T": [self.t_within, self.t_between, self.t],
                "L": [self.l_within, self.l_between, self.l],
            },
            index=["within", "between", "total"],
        )

    def _repr_html_(self) -> str:
        return self.to_frame().to_html(float_format="{:.4f}".format)
