// "Try it here": a small index that the reader changes, computed anew in the browser by the
// formulas of nqpf.index, beside the ranks that the book has. No request is made.
(function () {
  "use strict";
  const TINY = 2.2250738585072014e-308; // 0 ln 0 is 0, as in the library
  const TIE = 1e-12; // scores that differ by less are the same up to rounding
  const RANGES = {
    minmax: ["all years", "各年合并"],
    minmax_yearly: ["each year", "逐年"],
    year: ["this year only", "仅当年"],
  };
  const WEIGHTS = { entropy: ["entropy", "熵权"], equal: ["equal", "等权"], own: ["my own", "自定"] };
  const SUMS = { linear: ["weighted sum", "线性加权"], topsis: ["TOPSIS", "逼近理想解"] };
  let count = 0;

  // Text is set as text, never as HTML.
  function el(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value !== null) made.setAttribute(key, value);
    }
    made.append(...children.flat().filter((child) => child !== null));
    return made;
  }
  const zh = (text) => el("span", { lang: "zh" }, text);
  const both = ([en, chinese]) => (chinese ? [`${en} `, zh(chinese)] : [en]);
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

  // Rows of figures, province by year, without those that lack any.
  function read(data) {
    const bytes = Uint8Array.from(atob(data.values), (letter) => letter.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    const size = data.provinces.length * data.years.length;
    const rows = [];
    for (let i = 0; i < size; i += 1) {
      const x = data.indicators.map((_, j) => view.getFloat64(8 * (j * size + i), true));
      const [place, year] = [Math.floor(i / data.years.length), data.years[i % data.years.length]];
      if (x.every(Number.isFinite)) rows.push({ place, year, x });
    }
    return rows;
  }

  function scaled(rows, column, benefit, yearly) {
    const ends = new Map();
    const group = (row) => (yearly ? row.year : 0);
    for (const row of rows) {
      const [low, high] = ends.get(group(row)) || [Infinity, -Infinity];
      ends.set(group(row), [Math.min(low, row.x[column]), Math.max(high, row.x[column])]);
    }
    return rows.map((row) => {
      const [low, high] = ends.get(group(row));
      return high > low ? Math.abs(row.x[column] - (benefit ? low : high)) / (high - low) : 0;
    });
  }

  // Shares that sum to 1; equal ones of what varies if all are zero.
  function shares(parts, used) {
    let kept = parts.map((part, j) => (used[j] ? Math.max(part, 0) : 0));
    if (!(Math.max(...kept) > 0)) kept = used.some(Boolean) ? used.map(Number) : used.map(() => 1);
    const total = sum(kept);
    return kept.map((part) => part / total);
  }
  function entropy(columns) {
    const parts = columns.map((z) => {
      const inverse = sum(z) ? z.length / sum(z) : 0;
      return sum(z.map((one) => one * inverse).map((q) => q * Math.log(q + TINY) - (q - 1)));
    });
    return shares(parts, columns.map((z) => Math.min(...z) < Math.max(...z)));
  }
  function topsis(columns, w) {
    const ends = columns.map((z) => [Math.min(...z), Math.max(...z)]);
    const far = (i, end) =>
      Math.sqrt(sum(columns.map((z, j) => ((z[i] - ends[j][end]) * w[j]) ** 2)));
    return columns[0].map((_, i) => {
      const [worst, best] = [far(i, 0), far(i, 1)];
      return worst + best > 0 ? worst / (worst + best) : 0.5;
    });
  }

  // Score and rank by province in the year of a state, and a weight for every indicator.
  function computed(data, rows, state) {
    const used = state.range === "year" ? rows.filter((row) => row.year === state.year) : rows;
    const kept = data.indicators.map((_, j) => j).filter((j) => state.kept[j]);
    const columns = kept.map((j) =>
      scaled(used, j, data.indicators[j].benefit, state.range === "minmax_yearly"));
    let w = kept.map(() => 1 / kept.length);
    if (state.weights === "entropy") w = entropy(columns);
    if (state.weights === "own") w = shares(kept.map((j) => state.own[j]), kept.map(() => true));
    const scores = state.aggregate === "topsis"
      ? topsis(columns, w)
      : used.map((_, i) => sum(columns.map((z, j) => w[j] * z[i])));
    const now = used.map((row, i) => ({ place: row.place, year: row.year, score: scores[i] }))
      .filter((row) => row.year === state.year);
    for (const row of now) row.rank = 1 + now.filter((one) => one.score > row.score + TIE).length;
    const weights = data.indicators.map((_, j) => (state.kept[j] ? w[kept.indexOf(j)] : 0));
    return { rows: now.sort((a, b) => a.rank - b.rank || a.place - b.place), weights };
  }

  function start(box) {
    const source = box.querySelector("script");
    const data = JSON.parse(source.textContent);
    const rows = read(data);
    // Few figures can be typed over.
    const few = data.years.length === 1 && data.provinces.length <= 6;
    const fresh = () =>
      ({ ...data.start, kept: data.indicators.map(() => true), own: [], figures: [] });
    const figures = () => (state.figures.length ? state.figures : rows.flatMap((row) => row.x));
    const typed = (all) =>
      rows.map((row, i) => ({ ...row, x: all.slice(i * row.x.length, (i + 1) * row.x.length) }));
    const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
    let state = parsed(location.hash);

    // The address: #try&range=…&weights=…; what does not fit is left out.
    function parsed(hash) {
      const found = fresh();
      if (!hash.startsWith("#try&")) return found;
      const asked = new URLSearchParams(hash.slice(5));
      const pick = (key, known) => {
        if (Object.hasOwn(known, asked.get(key) ?? "")) found[key] = asked.get(key);
      };
      pick("range", data.years.length > 1 ? RANGES : {});
      pick("weights", WEIGHTS);
      pick("aggregate", SUMS);
      if (data.years.includes(Number(asked.get("year")))) found.year = Number(asked.get("year"));
      const out = (asked.get("without") ?? "").split(",").filter(Boolean).map(Number);
      found.kept = found.kept.map((_, j) => !out.includes(j));
      if (!found.kept.some(Boolean)) found.kept.fill(true);
      const own = (asked.get("own") ?? "").split(",").map(Number);
      const fits = own.length === found.kept.length && own.every((v) => v >= 0 && v <= 100);
      if (found.weights === "own" && fits) found.own = own;
      else if (found.weights === "own") found.weights = data.start.weights;
      const all = (asked.get("figures") ?? "").split(",").map(Number);
      if (few && all.length === rows.length * found.kept.length && all.every(Number.isFinite)) {
        found.figures = all;
      }
      return found;
    }
    function address() {
      const out = state.kept.flatMap((kept, j) => (kept ? [] : [j]));
      const parts = ["range", "weights", "aggregate", "year"].map((key) => `${key}=${state[key]}`);
      if (out.length) parts.push(`without=${out.join(",")}`);
      if (state.weights === "own") parts.push(`own=${state.own.join(",")}`);
      if (state.figures.length) parts.push(`figures=${state.figures.join(",")}`);
      return `#try&${parts.join("&")}`;
    }

    function menu(key, label, options, number) {
      const field = el("select", { id: `try-${(count += 1)}` });
      for (const [value, words] of options) {
        field.append(el("option", { value }, Array.isArray(words) ? words.join(" ") : String(words)));
      }
      field.addEventListener("change", () => {
        const value = number ? Number(field.value) : field.value;
        const own = value === "own" ? inPercent(result.weights) : [];
        set(key === "weights" ? { weights: value, own } : { [key]: value });
      });
      fields[key] = field;
      return el("div", { class: "try-menu" }, el("label", { for: field.id }, both(label)), field);
    }
    const inPercent = (weights) => weights.map((w) => Math.round(1e4 * w) / 100);

    // The weight that is moved gets what the reader gives; the others share the rest as before.
    function weigh(j, value) {
      const rest = shares(result.weights.map((w, k) => (k === j ? 0 : w)),
        state.kept.map((kept, k) => kept && k !== j));
      const own = rest.map((share, k) => (k === j ? value : share * (100 - value)) / 100);
      set({ weights: "own", own: inPercent(own) });
    }

    const fields = {};
    const lines = data.indicators.map((one, j) => {
      const take = el("input", { type: "checkbox", id: `try-${(count += 1)}` });
      const slide = el("input", { type: "range", min: 0, max: 100, step: 0.5 });
      const shown = el("output", { class: "try-number" });
      slide.setAttribute("aria-label", `Weight of ${one.names[0]}, %`);
      take.addEventListener("change", () => {
        set({ kept: state.kept.map((kept, k) => (k === j ? take.checked : kept)) });
      });
      slide.addEventListener("input", () => weigh(j, Number(slide.value)));
      const sign = one.benefit ? null : " (less is better)";
      const name = el("label", { for: take.id }, both(one.names), sign);
      return { take, slide, shown, line: el("li", {}, take, name, slide, shown) };
    });
    const years = data.years.length > 1;
    const menus = el("div", { class: "try-menus" },
      years ? menu("range", ["Range", "极差范围"], Object.entries(RANGES)) : null,
      menu("weights", ["Weights", "赋权"], Object.entries(WEIGHTS)),
      menu("aggregate", ["Aggregation", "合成"], Object.entries(SUMS)),
      years ? menu("year", ["Year", "年份"], data.years.map((year) => [year, year]), true) : null);
    const back = el("button", { type: "button" }, "Back to the book's choice ", zh("恢复原设定"));
    back.addEventListener("click", () => set(fresh()));
    const said = el("p", { class: "try-said", role: "status", "aria-live": "polite" });
    const body = el("tbody");
    const caption = el("caption");
    const heads = ["rank", "book", "moved", "province", "score"].map((text) =>
      el("th", { scope: "col", class: /province/.test(text) ? null : "try-number" }, text));
    const table = el("div", { class: "try-table", role: "region", tabindex: 0, "aria-label": "Ranks" },
      el("table", {}, caption, el("thead", {}, el("tr", {}, heads)), body));
    const panel = el("fieldset", {}, el("legend", {}, "Indicators and weights ", zh("指标与权重")),
      el("ul", { class: "try-lines" }, lines.map((one) => one.line)));
    const cells = rows.flatMap((row) => data.indicators.map((one) => {
      const name = `${one.names[0]} of ${data.provinces[row.place][1]}`;
      return el("input", { type: "number", step: "any", "aria-label": name });
    }));
    cells.forEach((cell, i) => cell.addEventListener("change", () => {
      const given = cell.value.trim() === "" ? NaN : Number(cell.value);
      if (Number.isFinite(given)) set({ figures: figures().map((x, k) => (k === i ? given : x)) });
      else show();
    }));
    const sheet = few ? el("fieldset", { class: "try-figures" },
      el("legend", {}, "Figures; type others ", zh("数据，可改")),
      el("div", { class: "try-table", role: "region", tabindex: 0, "aria-label": "Figures" },
        el("table", {},
          el("thead", {}, el("tr", {}, el("td"),
            data.indicators.map((one) => el("th", { scope: "col" }, both(one.names))))),
          el("tbody", {}, rows.map((row, i) => el("tr", {},
            el("th", { scope: "row" }, both(data.provinces[row.place].slice(1))),
            data.indicators.map((_, j) => el("td", {}, cells[i * data.indicators.length + j])))))))) : null;
    let result = null;

    const book = (row) => data.ranks[row.place][data.years.indexOf(state.year)];
    const name = (row) => data.provinces[row.place][1];
    const times = (n) => `${n} place${n === 1 ? "" : "s"}`;

    function sentence() {
      const moved = result.rows.filter((row) => row.rank !== book(row));
      const far = (row) => Math.abs(row.rank - book(row));
      const most = [...moved].sort((a, b) => far(b) - far(a)).slice(0, 3).map((row) =>
        `${name(row)} ${row.rank < book(row) ? "up" : "down"} ${times(far(row))} to ${row.rank}`);
      if (same(state, fresh())) return "The book's choice, so the ranks are the book's.";
      if (!moved.length) return "No rank moves.";
      const all = moved.length === 1 ? "1 province moves" : `${moved.length} provinces move`;
      const which = moved.length > 3 ? "most" : "that is";
      return `${all}; ${which}: ${most.join(", ")}.`;
    }

    function show() {
      result = computed(data, typed(figures()), state);
      if (few) figures().forEach((x, i) => (cells[i].value = Number(x.toPrecision(4))));
      for (const [key, field] of Object.entries(fields)) field.value = state[key];
      const alone = state.kept.filter(Boolean).length === 1;
      lines.forEach(({ take, slide, shown, line }, j) => {
        take.checked = state.kept[j];
        take.disabled = alone && state.kept[j];
        slide.disabled = alone || !state.kept[j];
        slide.value = 100 * result.weights[j];
        slide.setAttribute("aria-valuetext", percent(result.weights[j]));
        shown.textContent = state.kept[j] ? percent(result.weights[j]) : "left out";
        line.classList.toggle("try-out", !state.kept[j]);
      });
      caption.textContent = `Ranks in ${state.year}, and the book's`;
      const most = Math.max(...result.rows.map((row) => row.score));
      body.replaceChildren(...result.rows.map((row) => {
        const by = book(row) - row.rank;
        const moved = by ? `${by > 0 ? "▲" : "▼"} ${Math.abs(by)}` : "–";
        const words = by ? `${by > 0 ? "up" : "down"} ${Math.abs(by)}` : "same";
        const bar = el("span", { class: "try-bar", "aria-hidden": "true" });
        bar.style.width = `${most > 0 ? (100 * row.score) / most : 0}%`;
        return el("tr", { class: by > 0 ? "try-up" : by < 0 ? "try-down" : null },
          el("td", { class: "try-number" }, String(row.rank)),
          el("td", { class: "try-number" }, String(book(row))),
          el("td", { class: "try-number" }, el("span", { "aria-hidden": "true" }, moved),
            el("span", { class: "try-aside" }, words)),
          el("th", { scope: "row" }, both(data.provinces[row.place].slice(1)), bar),
          el("td", { class: "try-number" }, row.score.toFixed(3)));
      }));
      back.disabled = same(state, fresh());
      const words = sentence();
      if (said.textContent !== words) said.textContent = words;
      box.result = {
        state,
        weights: result.weights,
        rows: result.rows.map((row) => [data.provinces[row.place][0], row.score, row.rank, book(row)]),
      };
    }
    function set(change) {
      state = { ...state, ...change };
      show();
      const bare = location.pathname + location.search;
      try {
        history.replaceState(null, "", same(state, fresh()) ? bare : address());
      } catch (_) {
        // A page of a file may not change its address.
      }
    }
    addEventListener("hashchange", () => {
      if (location.hash.startsWith("#try&")) {
        state = parsed(location.hash);
        show();
      }
    });
    box.replaceChildren(...[sheet].filter(Boolean), menus, el("div", { class: "try-both" }, panel, table), said, back);
    show();
    if (location.hash.startsWith("#try&")) box.scrollIntoView();
    box.dataset.ready = "";
  }
  document.querySelectorAll(".nqpf-try").forEach(start);
})();
