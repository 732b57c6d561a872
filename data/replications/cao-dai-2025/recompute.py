"""Cao and Dai (2025): actual green TFP over what a network expects of a province.

Five years go in as five features of a single step, so the state that a long
short-term memory would carry on is zero: forget gate and recurrent weights have
nothing to act on, and the network is ten gated units. One network per province;
all are trained side by side.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd

WINDOW, UNITS = 5, 10
FIRST = 10  # windows that train: 0.3 of 33 years, as the first script has it
SEEDS = range(20)
TRIED = {10: SEEDS, 8: range(5), 12: range(5), 15: range(5), 20: range(5)}


def sigmoid(z):
    """Return the logistic function."""
    return 1 / (1 + np.exp(-z))


def forward(parameters, x):
    """Return the output and what its gradient needs.

    x is networks x windows x features, the output networks x windows x 1.
    """
    weights, bias, last, constant = parameters
    z = x @ weights + bias
    enter, leave = sigmoid(z[..., :UNITS]), sigmoid(z[..., UNITS : 2 * UNITS])
    memory = np.tanh(z[..., 2 * UNITS :])
    state = np.tanh(enter * memory)
    shown = np.maximum(leave * state, 0)  # ReLU
    return shown @ last + constant, (enter, leave, memory, state, shown)


def gradient(parameters, x, y):
    """Return the gradient of half the mean squared error of each network."""
    output, (enter, leave, memory, state, shown) = forward(parameters, x)
    error = (output - y) / x.shape[-2]
    back = (error @ parameters[2].swapaxes(-1, -2)) * (shown > 0)
    cell = back * leave * (1 - state**2)
    into = [cell * memory * enter * (1 - enter), back * state * leave * (1 - leave)]
    z = np.concatenate([*into, cell * enter * (1 - memory**2)], axis=-1)
    sums = [one.sum(axis=-2, keepdims=True) for one in (z, error)]
    return [x.swapaxes(-1, -2) @ z, sums[0], shown.swapaxes(-1, -2) @ error, sums[1]]


def fit(x, y, seed, epochs=300):
    """Train by Adam: rate 0.005, a tenth of it after 250 epochs.

    Weights have a penalty of 1e-4; a gradient longer than 1 is cut to 1.
    """
    rng, n = np.random.default_rng(seed), len(x)
    wide = [np.sqrt(6 / (WINDOW + 4 * UNITS)), np.sqrt(6 / (UNITS + 1))]  # Glorot
    weights = rng.uniform(-wide[0], wide[0], (n, WINDOW, 3 * UNITS))
    last = rng.uniform(-wide[1], wide[1], (n, UNITS, 1))
    parameters = [weights, np.zeros((n, 1, 3 * UNITS)), last, np.zeros((n, 1, 1))]
    mean, square = ([np.zeros_like(one) for one in parameters] for _ in range(2))
    for epoch in range(1, epochs + 1):
        rate = 0.005 if epoch <= 250 else 0.0005
        for k, slope in enumerate(gradient(parameters, x, y)):
            slope = slope + 1e-4 * parameters[k] * (k in (0, 2))
            length = np.sqrt((slope**2).sum(axis=(-1, -2), keepdims=True))
            slope = slope / np.maximum(length, 1)
            mean[k] = 0.9 * mean[k] + 0.1 * slope
            square[k] = 0.999 * square[k] + 0.001 * slope**2
            step = mean[k] / (1 - 0.9**epoch)
            size = np.sqrt(square[k] / (1 - 0.999**epoch)) + 1e-8
            parameters[k] = parameters[k] - rate * step / size
    return parameters


def predicted(levels, windows=FIRST, seed=0, epochs=300):
    """Return what the networks expect of each year, from the sixth on.

    levels is a row per province and a column per year; the first `windows`
    windows train, and set the minimum and maximum that scale all others.
    """
    values = levels.to_numpy()
    runs = np.lib.stride_tricks.sliding_window_view(values, WINDOW + 1, axis=1)
    low = runs[:, :windows].min(axis=1, keepdims=True)
    span = runs[:, :windows].max(axis=1, keepdims=True) - low
    span = np.where(span == 0, 1, span)
    scaled = (runs - low) / span
    x, y = scaled[..., :WINDOW], scaled[..., WINDOW:]
    output, _ = forward(fit(x[:, :windows], y[:, :windows], seed, epochs), x)
    back = low[..., WINDOW:] + span[..., WINDOW:] * output
    return pd.DataFrame(back[..., 0], levels.index, levels.columns[WINDOW:])


def runs(levels, windows=FIRST, seeds=SEEDS):
    """Return actual over expected from 2010 on: a column per seed, rows (province, year)."""
    found = {seed: (levels / predicted(levels, windows, seed)).loc[:, 2010:] for seed in seeds}
    return pd.DataFrame({seed: one.stack() for seed, one in found.items()})


def nqpf(inputs, computed):
    """Return actual over expected green TFP, 2010-2022: the median over twenty seeds."""
    return runs(inputs["gtfp"].unstack("year")).median(axis=1)


def ranks_agree(first, second):
    """Return the rank correlation of two series on (province, year) in each year."""
    both = pd.concat([first, second], axis=1, keys=["a", "b"], join="inner").dropna()
    return both.groupby(level="year").apply(lambda one: one["a"].corr(one["b"], "spearman"))


def expectations(levels):
    """Return what plain rules expect of each year; those that learn do so to 2004."""
    logs = np.log(levels)
    before, after = logs.loc[:, 1994:2003].to_numpy(), logs.loc[:, 1995:2004].to_numpy()
    spread = before - before.mean(axis=1, keepdims=True)
    slope = (spread * after).sum(axis=1) / (spread**2).sum(axis=1)
    start = pd.Series(after.mean(axis=1) - slope * before.mean(axis=1), levels.index)
    lagged = logs.shift(1, axis=1)
    rules = {
        "last year": lagged,
        "autoregression": lagged.mul(slope, axis=0).add(start, axis=0),
        "level of 2004": pd.DataFrame({year: logs[2004] for year in logs}),
    }
    return {name: np.exp(one).loc[:, 2010:] for name, one in rules.items()}


def summary(levels, published, others, tried=TRIED):
    """Return the tables that compare the published series with runs and with other measures.

    levels is green TFP, a row per province; published and the columns of
    others are indexed (province, year); tried holds the seeds by training windows.
    """
    drawn = {n: runs(levels, n, seeds).loc[published.index] for n, seeds in tried.items()}
    splits, years = {}, {}
    for n, one in sorted(drawn.items()):
        off = np.log(one.div(published, axis=0)).abs()
        yearly = pd.DataFrame({k: ranks_agree(one[k], published) for k in one})
        low, high = one.corrwith(published).agg(["min", "max"])
        within = (published >= one.min(axis=1)) & (published <= one.max(axis=1))
        between = np.log(one.iloc[:, 1:] / one.iloc[:, :-1].to_numpy()).abs()
        splits[int(levels.columns[WINDOW - 1 + n])] = {
            "windows": n,
            "seeds": one.shape[1],
            "correlation, lowest": low,
            "correlation, highest": high,
            "rank correlation": one.corrwith(published, method="spearman").mean(),
            "ranks of 2022": yearly.loc[2022].mean(),
            "off by, median": off.stack().median(),
            "two runs apart, median": between.stack().median(),
            "inside the range of runs": within.mean(),
            "inside, if drawn alike": (one.shape[1] - 1) / (one.shape[1] + 1),
        }
        years[str(levels.columns[WINDOW - 1 + n])] = yearly.mean(axis=1)
    middle = drawn[FIRST].median(axis=1)
    actual = levels.loc[:, 2010:]
    rules = {name: (actual / one).stack() for name, one in expectations(levels).items()}
    rules = {"published": published, "network, run again": middle, **rules}
    bars = {
        name: {
            "error of the expectation": np.sqrt((np.log(one) ** 2).mean()),
            "mean ratio": one.mean(),
            "rank correlation": one.corr(published, "spearman"),
            "ranks of 2022": ranks_agree(one, published)[2022],
        }
        for name, one in rules.items()
    }
    level = actual.stack()
    others = others.reindex(published.index).assign(**{"their green TFP, level": level})
    others["their green TFP, growth since 2004"] = level / levels[2004]
    others["their green TFP, growth in the year"] = rules["last year"]
    agree = {name: ranks_agree(published, others[name]) for name in others}
    far = (middle / published - 1).sort_values(key=abs, ascending=False).head(6)
    agreed = {name: {"mean": one.mean(), "2022": one.get(2022)} for name, one in agree.items()}
    return {
        "splits": pd.DataFrame(splits).T,
        "years": pd.DataFrame(years),
        "bars": pd.DataFrame(bars).T,
        "others": pd.DataFrame(agreed).T,
        "farthest": far.rename("off").reset_index(),
    }


def keep(found, source, date):
    """Write the tables of :func:`summary` beside this file, with what they rest on."""
    here = Path(__file__)
    digest = hashlib.sha256(here.read_bytes()).hexdigest()
    tables = {k: json.loads(one.to_json(orient="split")) for k, one in found.items()}
    kept = {"date": date, "source": source.sha256, "recompute.py": digest, "tables": tables}
    text = json.dumps(kept).replace("}, ", "},\n") + "\n"
    here.with_name("summary.json").write_text(text, "utf-8", newline="\n")
