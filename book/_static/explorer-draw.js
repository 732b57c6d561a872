// Draws the explorer's map and ranking as SVG that stands by itself when saved.
(function () {
  "use strict";
  const E = (window.nqpfExplorer = window.nqpfExplorer || {});
  const SVG = "http://www.w3.org/2000/svg";
  const FONT = "system-ui, 'Noto Sans SC', 'PingFang SC', 'Microsoft YaHei', sans-serif";
  const INK = "#222222";
  const SOFT = "#565656";
  const RING = "#b35900";

  function make(node, attributes, children) {
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value !== null && value !== undefined) node.setAttribute(key, String(value));
    }
    // Text only: a name from a data file is never read as HTML.
    node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
    return node;
  }
  E.el = (tag, attributes, ...children) => make(document.createElement(tag), attributes, children);
  E.svg = (tag, attributes, ...children) => make(document.createElementNS(SVG, tag), attributes, children);
  const { svg } = E;

  E.ink = INK;
  E.soft = SOFT;
  E.text = (x, y, words, more) => svg("text", { x, y, fill: INK, "font-size": 12, ...more }, words);
  E.line = (x1, y1, x2, y2, more) => svg("line", { x1, y1, x2, y2, stroke: "#d0d0d0", ...more });
  E.width = (words, size) =>
    [...words].reduce((sum, c) => sum + (c > "⹿" ? 1 : /[A-Z%&]/.test(c) ? 0.68 : 0.54) * size, 0);
  E.wrap = function (words, size, room) {
    const lines = [""];
    // Chinese has no spaces; a line may end at its marks.
    for (const part of words.match(/[^ ，、；：]*[ ，、；：]?/g)) {
      const longer = lines.at(-1) + part;
      if (E.width(longer.trimEnd(), size) > room && lines.at(-1)) lines.push(part);
      else lines[lines.length - 1] = longer;
    }
    return lines.map((line) => line.trimEnd());
  };

  // An empty drawing with its title; what is drawn later begins below `top`.
  E.sheet = function (width, height, title, attributes) {
    const lines = E.wrap(title, 17, width - 8); // bold letters are wider
    const top = 20 * lines.length + 8;
    const root = svg("svg", {
      xmlns: SVG,
      viewBox: `0 0 ${width} ${height + top}`,
      width,
      height: height + top,
      "font-family": FONT,
      ...attributes,
    });
    root.append(
      svg("g", { "aria-hidden": "true" },
        svg("rect", { width, height: height + top, fill: "#ffffff" }),
        lines.map((words, i) => E.text(2, 16 + 20 * i, words, { "font-size": 15, "font-weight": 600 }))));
    const body = svg("g", { transform: `translate(0 ${top})` });
    root.append(body);
    return { root, body };
  };

  // A province that can be pointed at and chosen; its drawing is hidden from a screen reader.
  E.option = function (code, words, chosen, ring, ...drawing) {
    return svg("g", { role: "option", "aria-label": words, "aria-selected": String(chosen), "data-code": code, tabindex: -1 },
      svg("g", { "aria-hidden": "true" }, drawing),
      svg("rect", { class: "explorer-focus", fill: "none", stroke: RING, "stroke-width": 3, visibility: "hidden", ...ring }));
  };

  // Marks by shape as well as colour: o circle, s square, ^ triangle, D diamond, v, * and X.
  E.mark = function (shape, x, y, r, color, more) {
    const paths = {
      s: `M${-r} ${-r}h${2 * r}v${2 * r}h${-2 * r}z`,
      "^": `M0 ${-1.2 * r}L${1.1 * r} ${0.9 * r}H${-1.1 * r}z`,
      v: `M0 ${1.2 * r}L${1.1 * r} ${-0.9 * r}H${-1.1 * r}z`,
      D: `M0 ${-1.3 * r}L${1.3 * r} 0L0 ${1.3 * r}L${-1.3 * r} 0z`,
      "*": `M0 ${-1.4 * r}L${0.4 * r} ${-0.4 * r}L${1.4 * r} 0L${0.4 * r} ${0.4 * r}L0 ${1.4 * r}L${-0.4 * r} ${0.4 * r}L${-1.4 * r} 0L${-0.4 * r} ${-0.4 * r}z`,
      X: `M${-r} ${-r}L0 ${-0.4 * r}L${r} ${-r}L${0.4 * r} 0L${r} ${r}L0 ${0.4 * r}L${-r} ${r}L${-0.4 * r} 0z`,
    };
    const style = { fill: color, stroke: "#ffffff", "stroke-width": 1, ...more };
    if (!paths[shape]) return svg("circle", { cx: x, cy: y, r, ...style });
    return svg("path", { d: paths[shape], transform: `translate(${x} ${y})`, ...style });
  };

  // What the shapes and colours of the marks stand for.
  E.regionKey = (model, x, y, width) =>
    Object.entries(model.data.regions).map(([key, [name, zh]], i, all) => {
      const [color, shape] = model.data.look.regions[key];
      const from = x + 6 + (i * width) / all.length;
      return [E.mark(shape, from, y, 5, color), E.text(from + 9, y + 4, width < 440 ? zh : `${name} ${zh}`)];
    });

  E.both = (place) => `${place.en} ${place.zh}`;
  E.said = function (context, cell, place) {
    if (!cell) return `${E.both(place)}: no figures`;
    return `${E.both(place)}: score ${context.model.written(cell.score, 3)}, rank ${cell.rank}, interval ${cell.lower} to ${cell.upper}`;
  };
  E.inRegion = (state, place) => state.region === "all" || place.region === state.region;
  E.heading = (context) => `${context.model.label(context.ref)}, ${context.state.year}`;

  const HEAD = ["rank", "province", "省份", "score", "lower", "upper"];
  const figures = (model, c) => [c.rank, c.place.en, c.place.zh, model.written(c.score, 3), c.lower, c.upper];

  // Every column a reader needs to use the figures elsewhere.
  function standings(context, cells) {
    const { model, ref, state } = context;
    const head = ["code", "province", "省份", "region", "year", "system", "weights", "aggregate", "score", "rank", "lower", "upper"];
    const rows = cells.map((c) => [
      c.code, c.place.en, c.place.zh, c.place.region, state.year, ref.system, ref.weights, ref.aggregate,
      model.written(c.score, 6).replace("−", "-"), c.rank, c.lower, c.upper,
    ]);
    return { head, rows };
  }

  E.map = function (context) {
    const { model, ref, state } = context;
    const { shades } = model.data.look;
    const side = Math.floor(Math.min(context.width, 592) / 8);
    const [low, high] = model.span(ref);
    const shade = (score) => {
      const share = high > low ? (score - low) / (high - low) : 0.5;
      return shades[Math.round(share * (shades.length - 1))];
    };
    const { root, body } = E.sheet(side * 8, side * 8, E.heading(context), {
      role: "listbox",
      "aria-multiselectable": "true",
      "aria-label": `Tile map, ${E.heading(context)}`,
    });
    const bar = side * 4 - 12;
    const legend = shades.map(([color], i) =>
      svg("rect", { x: (i * bar) / shades.length, y: 18, width: bar / shades.length + 0.6, height: 12, fill: color }));
    const years = model.years(ref);
    body.append(svg("g", { "aria-hidden": "true" }, legend,
      E.text(0, 10, `score, ${years[0]} to ${years.at(-1)}`, { fill: SOFT }),
      E.text(0, 45, model.written(low, 2)),
      E.text(bar, 45, model.written(high, 2), { "text-anchor": "end" }),
      E.wrap("Hong Kong, Macao and Taiwan are not in the panel: no comparable series", 11, side * 4).map((words, i) =>
        E.text(0, side * 7 + 14 + 14 * i, words, { fill: SOFT, "font-size": 11 }))));
    for (const place of model.places) {
      const cell = model.at(ref, place.code, state.year);
      const chosen = state.provinces.includes(place.code);
      const [fill, ink] = cell ? shade(cell.score) : ["#f4f4f4", "#333333"];
      const [x, y, size, middle] = [place.column * side, place.row * side, side - 3, (side - 3) / 2];
      const words = { "text-anchor": "middle", fill: ink };
      const tile = E.option(place.code, E.said(context, cell, place), chosen,
        { x: -1, y: -1, width: size + 2, height: size + 2 },
        svg("rect", { width: size, height: size, fill, stroke: "#cfcfcf", "stroke-width": 0.6 }),
        cell ? null : svg("path", { d: `M0 ${size}L${size} 0M0 ${middle}L${middle} 0M${middle} ${size}L${size} ${middle}`, stroke: "#c9c9c9" }),
        chosen ? svg("path", { d: `M2 2h${size - 4}v${size - 4}h${4 - size}z`, fill: "none", stroke: ink, "stroke-width": 3 }) : null,
        E.text(middle, size * 0.34, place.zh, { ...words, "font-size": side > 55 ? 15 : 12 }),
        E.text(middle, size * 0.6, place.abbr, { ...words, "font-size": 10 }),
        E.text(middle, size * 0.87, cell ? model.written(cell.score, side > 55 ? 3 : 2) : "–", { ...words, "font-size": 11 }));
      tile.setAttribute("transform", `translate(${x} ${y})`);
      tile.dataset.x = place.column;
      tile.dataset.y = place.row;
      if (!E.inRegion(state, place)) tile.setAttribute("opacity", "0.35");
      body.append(tile);
    }
    const cells = model.ranking(ref, state.year).filter((c) => E.inRegion(state, c.place));
    return { root, table: null, csv: standings(context, cells) };
  };

  E.ranking = function (context) {
    const { model, ref, state } = context;
    const { look } = model.data;
    const cells = model.ranking(ref, state.year).filter((c) => E.inRegion(state, c.place));
    const count = model.ranking(ref, state.year).length;
    const W = context.width;
    const [step, names] = [24, 30];
    const bars = names + (W < 480 ? 132 : 150);
    const ranks = bars + Math.round((W - bars) * 0.5) + 8;
    const scores = model.ranking(ref, state.year).map((c) => model.value(c.score));
    const [least, most] = [Math.min(0, ...scores), Math.max(0, ...scores)];
    const long = (value) => ((value - least) / (most - least || 1)) * (ranks - bars - 54);
    const across = (rank) => ranks + 8 + ((rank - 1) / Math.max(count - 1, 1)) * (W - ranks - 18);
    const { root, body } = E.sheet(W, step * cells.length + 48, E.heading(context), {
      role: "listbox",
      "aria-multiselectable": "true",
      "aria-label": `Ranking, ${E.heading(context)}`,
    });
    const ticks = [1, 10, 20, count].filter((r, i, all) => r <= count && (i === 3 || count - r > 4) && all.indexOf(r) === i);
    body.append(svg("g", { "aria-hidden": "true" },
      E.text(bars, 10, "score", { fill: SOFT }),
      ticks.map((rank) => [
        E.line(across(rank), 16, across(rank), 20 + step * cells.length, { stroke: "#e2e2e2" }),
        E.text(across(rank), 10, rank === 1 ? "rank 1" : rank, { fill: SOFT, "text-anchor": rank === count ? "end" : "middle" }),
      ]),
      E.regionKey(model, names, step * cells.length + 38, W - names)));
    cells.forEach((cell, i) => {
      const chosen = state.provinces.includes(cell.code);
      const value = model.value(cell.score);
      const [color, shape] = look.regions[cell.place.region];
      const end = bars + long(Math.max(value, 0));
      const bold = chosen ? 700 : 400;
      const row = E.option(cell.code, E.said(context, cell, cell.place), chosen, { x: 1, y: 1, width: W - 2, height: step - 2 },
        svg("rect", { width: W, height: step, fill: "#eaf3fa", "fill-opacity": chosen ? 1 : 0 }),
        E.text(22, 16, cell.rank, { "text-anchor": "end", "font-weight": bold }),
        E.text(names, 16, E.both(cell.place), { "font-weight": bold }),
        svg("rect", { x: bars + long(Math.min(value, 0)), y: 6, width: Math.max(long(Math.max(value, 0)) - long(Math.min(value, 0)), 1), height: 12, fill: chosen ? "#0072b2" : "#9cc3de" }),
        E.text(end + 5, 16, model.written(cell.score, 3)),
        E.line(across(cell.lower), 12, across(cell.upper), 12, { stroke: SOFT, "stroke-width": 2.5 }),
        E.mark(shape, across(cell.rank), 12, 4.6, color));
      row.setAttribute("transform", `translate(0 ${20 + step * i})`);
      row.dataset.x = 0;
      row.dataset.y = i;
      body.append(row);
    });
    return {
      root,
      table: { caption: E.heading(context), head: HEAD, rows: cells.map((c) => figures(model, c)) },
      csv: standings(context, cells),
    };
  };
})();
