// Two measures against each other: the ranks they give, and who moves.
(function () {
  "use strict";
  const E = (window.nqpfExplorer = window.nqpfExplorer || {});

  const moved = (change) => (change > 0 ? `+${change}` : change < 0 ? `−${-change}` : "0");
  const places = (n) => `${n} place${n === 1 ? "" : "s"}`;

  function middle(values) {
    const sorted = [...values].sort((a, b) => a - b);
    const half = (sorted.length - 1) / 2;
    return (sorted[Math.floor(half)] + sorted[Math.ceil(half)]) / 2;
  }

  E.compare = function (context) {
    const { model, ref, state } = context;
    const other = state.with;
    const years = model.years(other);
    const [one, two] = [model.label(ref), model.label(other)];
    if (!years.includes(state.year)) {
      const span = `${years[0]} to ${years.at(-1)}`;
      return { note: `${two} has no figures for ${state.year}; choose a year from ${span}.`, root: null, table: null, csv: null };
    }
    const every = model.pairs(ref, other, state.year);
    const pairs = every.filter((pair) => E.inRegion(state, pair.place));
    const shift = every.map((pair) => Math.abs(pair.change));
    const far = every.find((pair) => Math.abs(pair.change) === Math.max(...shift));
    const note =
      `${every.length} provinces have both in ${state.year}. Rank correlation (Spearman): ` +
      `${E.fixed(model.spearman(every), 3)}. Median move: ${places(middle(shift))}; largest: ` +
      `${E.both(far.place)}, from ${far.from} to ${far.to}.`;
    const W = Math.min(context.width, 560);
    const [left, top, count] = [40, 10, every.length];
    const side = W - left - 26;
    const spot = (rank) => ((rank - 1) / Math.max(count - 1, 1)) * (side - 20) + 10;
    const title = `Ranks in ${state.year}: ${one} (across) and ${two} (down)`;
    const { root, body } = E.sheet(W, side + 64, title, {
      role: "listbox",
      "aria-multiselectable": "true",
      "aria-label": title,
    });
    const ticks = [1, 5, 10, 15, 20, 25, 30].filter((r) => r <= count);
    body.append(E.svg("g", { "aria-hidden": "true" },
      ticks.map((rank) => [
        E.line(left + spot(rank), top, left + spot(rank), top + side, { stroke: "#ececec" }),
        E.line(left, top + spot(rank), left + side, top + spot(rank), { stroke: "#ececec" }),
        E.text(left + spot(rank), top + side + 16, rank, { "text-anchor": "middle", fill: E.soft }),
        E.text(left - 8, top + spot(rank) + 4, rank, { "text-anchor": "end", fill: E.soft }),
      ]),
      E.line(left + spot(1), top + spot(1), left + spot(count), top + spot(count), { stroke: "#8a8a8a", "stroke-dasharray": "4 3" }),
      E.regionKey(model, left, top + side + 38, W - left)));
    [...pairs].sort((a, b) => a.from - b.from).forEach((pair, i) => {
      const [x, y] = [left + spot(pair.from), top + spot(pair.to)];
      const [color, shape] = model.data.look.regions[pair.place.region];
      const chosen = state.provinces.includes(pair.code);
      const words = `${E.both(pair.place)}: rank ${pair.from} across, ${pair.to} down`;
      const point = E.option(pair.code, words, chosen, { x: x - 10, y: y - 10, width: 20, height: 20, rx: 10 },
        E.svg("circle", { cx: x, cy: y, r: 11, fill: "transparent" }),
        E.mark(shape, x, y, chosen ? 7 : 5, color, chosen ? { stroke: "#000000", "stroke-width": 2 } : {}),
        E.text(x + 8, y + 4, pair.place.abbr, { "font-size": 10, "font-weight": chosen ? 700 : 400 }));
      point.dataset.x = i;
      point.dataset.y = 0;
      body.append(point);
    });
    const rows = [...pairs].sort((a, b) => Math.abs(b.change) - Math.abs(a.change) || a.from - b.from);
    const describe = (cell) => [model.written(cell.score, 6).replace("−", "-"), cell.rank];
    return {
      root,
      note,
      table: {
        caption: `Rank changes, ${state.year}, largest first: ${one}, then ${two}`,
        head: ["province", "省份", "first", "second", "change"],
        rows: rows.map((pair) => [pair.place.en, pair.place.zh, pair.from, pair.to, moved(pair.change)]),
      },
      csv: {
        head: [
          "code", "province", "省份", "region", "year", "system_1", "weights_1", "aggregate_1", "score_1", "rank_1", "rank_1_common",
          "system_2", "weights_2", "aggregate_2", "score_2", "rank_2", "rank_2_common", "change",
        ],
        rows: rows.map((pair) => [
          pair.code, pair.place.en, pair.place.zh, pair.place.region, state.year,
          ref.system, ref.weights, ref.aggregate, ...describe(pair.one), pair.from,
          other.system, other.weights, other.aggregate, ...describe(pair.two), pair.to, pair.change,
        ]),
      },
    };
  };
})();
