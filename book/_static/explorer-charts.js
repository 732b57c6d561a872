// Draws the explorer's lines over the years, and what each indicator adds for one province.
(function () {
  "use strict";
  const E = (window.nqpfExplorer = window.nqpfExplorer || {});
  const { svg } = E;

  function steps(low, high, count) {
    const rough = (high - low) / count || 1;
    const unit = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((k) => k * unit).find((s) => s >= rough);
    const marks = [];
    for (let k = Math.ceil(low / step); k * step <= high; k += 1) marks.push(k * step);
    return marks;
  }

  // Labels at the ends of lines, moved apart where they would overlap.
  function apart(ends, least, bottom) {
    ends.sort((a, b) => a.y - b.y);
    ends.forEach((end, i) => {
      end.at = i ? Math.max(end.y, ends[i - 1].at + least) : end.y;
    });
    for (let i = ends.length - 1; i >= 0; i -= 1) {
      const room = i === ends.length - 1 ? bottom : ends[i + 1].at - least;
      ends[i].at = Math.min(ends[i].at, room);
    }
    return ends;
  }

  E.trends = function (context) {
    const { model, ref, state } = context;
    const years = model.years(ref);
    const byRank = state.trend === "rank";
    const W = context.width;
    const H = 320;
    const [left, right] = [46, W < 480 ? 76 : 140];
    const series = (code) =>
      years.map((year) => ({ year, cell: model.at(ref, code, year) })).filter((point) => point.cell);
    const pick = (cell) => (byRank ? cell.rank : model.value(cell.score));
    const all = model.places.flatMap((place) => series(place.code).map((point) => pick(point.cell)));
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const x = (year) => left + ((year - years[0]) / (years.at(-1) - years[0] || 1)) * (W - left - right - 8);
    const share = (value) => (value - low) / (high - low || 1);
    const y = (value) => 14 + (byRank ? share(value) : 1 - share(value)) * (H - 50);
    const title = `${byRank ? "Rank" : "Score"}, ${model.label(ref)}, ${years[0]} to ${years.at(-1)}`;
    const { root, body } = E.sheet(W, H, title, { role: "img" });
    const marks = byRank ? [1, 5, 10, 15, 20, 25, 30].filter((r) => r <= high) : steps(low, high, 5);
    const every = W < 480 ? 3 : 1;
    body.append(
      ...marks.flatMap((value) => [
        E.line(left, y(value), W - right, y(value), { stroke: "#e2e2e2" }),
        E.text(left - 6, y(value) + 4, byRank ? value : E.digits(value, 3), { "text-anchor": "end", fill: E.soft }),
      ]),
      ...years.filter((year) => (years.at(-1) - year) % every === 0).map((year) =>
        E.text(x(year), H - 12, year, { "text-anchor": "middle", fill: E.soft, "font-size": 11 })),
      E.line(x(state.year), 10, x(state.year), H - 28, { stroke: "#8a8a8a", "stroke-dasharray": "3 3" }));
    // A line breaks where a year has no figure.
    const path = (points) =>
      points.map((p, i) => `${i && p.year === points[i - 1].year + 1 ? "L" : "M"}${x(p.year).toFixed(1)} ${y(pick(p.cell)).toFixed(1)}`).join("");
    for (const place of model.places.filter((one) => E.inRegion(state, one))) {
      body.append(svg("path", { d: path(series(place.code)), fill: "none", stroke: "#dddddd", "stroke-width": 1 }));
    }
    const ends = [];
    state.provinces.forEach((code, i) => {
      const [color, shape] = model.data.look.series[i];
      const points = series(code);
      if (!points.length) return;
      body.append(svg("path", { d: path(points), fill: "none", stroke: color, "stroke-width": 2.2 }),
        ...points.map((p) => E.mark(shape, x(p.year), y(pick(p.cell)), 4, color)));
      ends.push({ y: y(pick(points.at(-1).cell)), place: model.name(code), color, shape });
    });
    for (const end of apart(ends, 16, H - 30)) {
      body.append(E.mark(end.shape, W - right + 8, end.at, 4, end.color),
        E.text(W - right + 17, end.at + 4, W < 480 ? `${end.place.zh} ${end.place.abbr}` : E.both(end.place)));
    }
    const followed = state.provinces.map((code) => model.name(code));
    root.setAttribute("aria-label", `${title}: ${followed.map(E.both).join(", ") || "no province followed"}`);
    const value = (cell) => (byRank ? cell.rank : model.written(cell.score, 3));
    const rows = years.map((year) => [year, ...state.provinces.map((code) => {
      const cell = model.at(ref, code, year);
      return cell ? value(cell) : "–";
    })]);
    const long = state.provinces.flatMap((code) => series(code).map(({ year, cell }) => [
      code, cell.place.en, cell.place.zh, year, ref.system, ref.weights, ref.aggregate,
      model.written(cell.score, 6).replace("−", "-"), cell.rank, cell.lower, cell.upper,
    ]));
    const without = followed.filter((place) => !series(place.code).length);
    return {
      root,
      note: without.length ? `No figures by this measure: ${without.map(E.both).join(", ")}.` : "",
      table: { caption: title, head: ["year", ...followed.map(E.both)], rows },
      csv: { head: ["code", "province", "省份", "year", "system", "weights", "aggregate", "score", "rank", "lower", "upper"], rows: long },
    };
  };

  const way = (part) => (part.benefit ? "more is better 正向" : "less is better 负向");

  E.parts = function (context) {
    const { model, ref, state } = context;
    const place = model.name(state.province);
    const parts = model.parts(ref, state.province, state.year);
    const W = context.width;
    const title = `${E.both(place)}: weight times normalised value, ${E.heading(context)}`;
    if (!parts.length) {
      const why = ref.weights
        ? `${E.both(place)} has no scores by this system in ${state.year}.`
        : "Total factor productivity is output over inputs: it has no indicators and no weights.";
      return { note: why, root: null, table: null, csv: null };
    }
    const most = Math.max(...parts.map((part) => part.weight));
    const long = (value) => (value / most) * (W - 190);
    const drawn = [];
    let y = 4;
    let group = null;
    for (const part of parts) {
      if (part.group !== group) {
        group = part.group;
        y += 14;
        drawn.push(E.text(0, y, `${group[0]} ${group[1]}`, { "font-weight": 700, "font-size": 13 }));
        y += 6;
      }
      const arrow = part.benefit ? "↑" : "↓";
      const name = `${arrow} ${part.names[0]}`;
      const lines = E.width(`${name} ${part.names[1]}`, 12) < W - 8
        ? [`${name} ${part.names[1]}`]
        : [...E.wrap(name, 12, W - 8), part.names[1]];
      for (const words of lines) {
        y += 15;
        drawn.push(E.text(0, y, words));
      }
      y += 6;
      const sum = `${E.fixed(part.part, 4)} = ${E.fixed(part.weight, 3)} × ${E.fixed(part.normalised, 3)}`;
      drawn.push(
        svg("rect", { x: 0, y, width: Math.max(long(part.weight), 1), height: 12, fill: "#dce8f1" }),
        svg("rect", { x: 0, y, width: Math.max(long(part.part), 0.5), height: 12, fill: "#0072b2" }),
        E.line(long(part.mean), y - 2, long(part.mean), y + 14, { stroke: "#d55e00", "stroke-width": 2.5 }),
        E.text(Math.max(long(part.weight), 1) + 8, y + 10, sum));
      y += 16;
    }
    const cell = model.at(ref, state.province, state.year);
    const total = parts.reduce((sum, part) => sum + part.part, 0);
    const [written, score] = [E.fixed(total, 3), model.written(cell.score, 3)];
    const adds = model.additive.has(ref.aggregate);
    const method = model.data.aggregations[ref.aggregate][0];
    const note = adds
      ? `The bars add up to the score: ${score}.`
      : `${method} does not add up: the bars are weighted values and sum to ${written}, while the score is ${score}. They show what each indicator has to offer, not its share of the score.`;
    const legend = E.wrap("pale: weight; dark: weight × value; orange: mean of all provinces", 11, W - 8);
    const { root, body } = E.sheet(W, y + 12 + 14 * legend.length, title, { role: "img", "aria-label": `${title}. ${note}` });
    body.append(...drawn, ...legend.map((words, i) => E.text(0, y + 18 + 14 * i, words, { fill: E.soft, "font-size": 11 })));
    const exact = (part) => [part.raw, part.normalised, part.weight, part.part, part.mean];
    return {
      root,
      note,
      table: {
        caption: title,
        head: ["indicator", "指标", "direction", "figure", "unit", "normalised", "weight", "weight × value", "mean of all"],
        words: [0, 1, 2, 4],
        rows: parts.map((part) => [
          part.names[0], part.names[1], way(part), E.digits(part.raw, 4), part.unit,
          E.fixed(part.normalised, 4), E.fixed(part.weight, 4), E.fixed(part.part, 4), E.fixed(part.mean, 4),
        ]),
      },
      csv: {
        head: ["code", "province", "year", "system", "weights", "aggregate", "indicator", "name", "名称", "dimension", "direction", "unit", "figure", "normalised", "weight", "weight_times_value", "mean_of_all"],
        rows: parts.map((part) => [
          place.code, place.en, state.year, ref.system, ref.weights, ref.aggregate, part.key, ...part.names,
          part.dimension, part.benefit ? "benefit" : "cost", part.unit, ...exact(part),
        ]),
      },
    };
  };
})();
