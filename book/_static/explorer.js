// The explorer: controls, drawings and the address kept in step with each other.
(function () {
  "use strict";
  const E = (window.nqpfExplorer = window.nqpfExplorer || {});
  const { el } = E;

  const PARTS = [
    ["map", "Map 地图", "Choose a province to follow it."],
    ["ranking", "Ranking 排名", "Bars: score. Marks: rank; lines: how far the rank moves under other choices."],
    ["trends", "Over the years 历年", "The provinces that you follow; all others in grey."],
    ["parts", "What makes the score 得分构成", "Each indicator of one province."],
    ["compare", "Two measures 两种测度", "Who moves when the measure changes."],
  ];
  let count = 0;

  function control(label, field) {
    field.id = `explorer-field-${(count += 1)}`;
    return el("div", { class: "explorer-control" }, el("label", { for: field.id }, label), field);
  }
  function choose(select, options, value) {
    select.replaceChildren(
      ...options.map(([key, words, disabled]) => {
        const option = el("option", { value: key }, words);
        option.disabled = Boolean(disabled);
        return option;
      }),
    );
    select.value = value;
  }
  const button = (words, act, more) => {
    const made = el("button", { type: "button", ...more }, words);
    made.addEventListener("click", act);
    return made;
  };

  function table({ caption, head, rows, words }, hidden) {
    const left = words || head.map((name, i) => (/province|省份/.test(name) ? i : -1));
    const side = (i) => (left.includes(i) ? null : "explorer-number");
    return el("div", { class: "explorer-table", role: "region", tabindex: 0, "aria-label": caption },
      el("table", {}, el("caption", hidden ? { class: "explorer-aside" } : {}, caption),
        el("thead", {}, el("tr", {}, head.map((name, i) => el("th", { scope: "col", class: side(i) }, name)))),
        el("tbody", {}, rows.map((row) => el("tr", {}, row.map((value, i) => el("td", { class: side(i) }, String(value))))))));
  }

  // How much of a system open figures fill as its indicators are meant; nothing for TFP.
  const filled = (s) => (s.direct === undefined ? "" : ` · ${s.direct} % direct`);

  // Three menus that name a measure; methods that do not fit say so.
  function menus(model, words, act) {
    const fields = ["system", "weights", "aggregate"].map(() => el("select", {}));
    const { data, systems } = model;
    const why = el("p", { class: "explorer-why" });
    const box = el("div", { class: "explorer-controls" }, fields.map((field, i) => control(words[i], field)));
    let now = null;
    fields[0].addEventListener("change", () => act(fields[0].value, null));
    for (const i of [1, 2]) {
      fields[i].addEventListener("change", () => act(now.system, { system: now.system, weights: fields[1].value, aggregate: fields[2].value }));
    }
    function show(ref) {
      now = ref;
      choose(fields[0], [...systems.values()].map((s) => [s.key, s.names.join(" ") + filled(s)]), ref.system);
      const own = model.own(ref.system);
      const reasons = new Map();
      const list = (names, key) =>
        Object.entries(names).map(([name, [en, zh]]) => {
          const tried = { ...ref, [key]: name };
          const fits = model.fits(tried);
          if (!fits) {
            const [reason] = model.why(tried) || ["not asked for"];
            reasons.set(reason, [...(reasons.get(reason) || []), en]);
          }
          const mark = name === own[key] ? " (this study's)" : fits ? "" : " (not computed)";
          return [name, `${en} ${zh}${mark}`, !fits];
        });
      const none = [["", "none 无", false]];
      choose(fields[1], ref.weights ? list(data.weightings, "weights") : none, ref.weights);
      choose(fields[2], ref.weights ? list(data.aggregations, "aggregate") : none, ref.aggregate);
      fields[1].disabled = fields[2].disabled = !ref.weights;
      why.textContent = [...reasons].map(([reason, names]) => `Not with this choice: ${names.join(", ")} (${reason}).`).join(" ");
    }
    return { box, why, show };
  }

  function start(box, data) {
    const model = E.read(data);
    const states = E.states(model);
    let { state, problems } = states.parse(location.hash.includes("=") ? location.hash : "");

    const said = el("p", { class: "explorer-aside", role: "status" });
    const trouble = el("div", { class: "explorer-problems", role: "alert" });
    const main = menus(model, ["System 指标体系", "Weights 赋权", "Aggregation 合成"], (key, ref) =>
      set(ref || states.change(state, key)));
    const year = el("input", { type: "range", step: 1 });
    const yearShown = el("output", {});
    const region = el("select", {});
    choose(region, [["all", "All provinces 全部"], ...Object.entries(data.regions).map(([k, n]) => [k, n.join(" ")])], "all");
    const add = el("select", {});
    const picked = el("ul", { class: "explorer-picked", "aria-label": "Provinces followed 关注的省份" });
    const yearBox = control("Year 年份", year);
    yearShown.setAttribute("for", year.id);
    yearBox.firstChild.append(" ", yearShown);
    year.addEventListener("input", () => set({ year: Number(year.value) }));
    region.addEventListener("change", () => set({ region: region.value }));
    add.addEventListener("change", () => add.value && toggle(Number(add.value)));

    const province = el("select", {});
    province.addEventListener("change", () => set({ province: Number(province.value) }));
    const trend = el("select", {});
    choose(trend, [["score", "Score 得分"], ["rank", "Rank 位次"]], "score");
    trend.addEventListener("change", () => set({ trend: trend.value }));
    const second = menus(model, ["Compare with 与之比较", "Its weights 赋权", "Its aggregation 合成"], (key, ref) =>
      set({ with: ref || states.change(state.with, key) }));
    const extras = {
      trends: [control("Draw 绘制", trend)],
      parts: [control("Province 省份", province)],
      compare: [second.box, second.why],
    };

    const parts = PARTS.map(([key, title, hint]) => {
      const id = `explorer-${key}`;
      const part = { key, view: el("div", { class: "explorer-view" }), note: el("p", { class: "explorer-note" }), figures: el("div", {}) };
      part.reading = el("p", { class: "explorer-reading", "aria-hidden": "true" });
      part.save = ["CSV", "SVG"].map((kind) =>
        button(kind, () => download(part, kind), { "aria-label": `Download ${title} as ${kind}` }));
      part.section = el("section", { class: `explorer-part explorer-${key}`, "aria-labelledby": id },
        el("h2", { id }, title), el("p", { class: "explorer-hint" }, hint), extras[key] || null,
        part.note, part.view, part.reading,
        el("p", { class: "explorer-save" }, "Download 下载 ", part.save), part.figures);
      listen(part);
      return part;
    });

    function listen(part) {
      const option = (event) => event.target.closest?.("[role=option]");
      const read = (event) => {
        const words = option(event)?.getAttribute("aria-label");
        if (words) part.reading.textContent = words;
      };
      part.view.addEventListener("pointerover", read);
      part.view.addEventListener("focusin", read);
      part.view.addEventListener("click", (event) => option(event) && toggle(Number(option(event).dataset.code), option(event)));
      part.view.addEventListener("keydown", (event) => {
        const from = option(event);
        if (!from) return;
        if (event.key === "Enter" || event.key === " ") toggle(Number(from.dataset.code), from);
        else if (!walk(part, from, event.key)) return;
        event.preventDefault();
      });
    }
    // Arrows go to the nearest option that way; Home and End to the first and the last.
    function walk(part, from, key) {
      const all = [...part.view.querySelectorAll("[role=option]")];
      const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key] || [0, 0];
      let to = { Home: all[0], End: all.at(-1) }[key];
      if (dx || dy) {
        const flat = part.key === "map" ? null : all[all.indexOf(from) + dx + dy];
        const far = (o) => {
          const [x, y] = [o.dataset.x - from.dataset.x, o.dataset.y - from.dataset.y];
          const ahead = x * dx + y * dy;
          return ahead > 0 ? ahead + 2 * Math.abs(x * dy + y * dx) : Infinity;
        };
        const near = all.reduce((best, o) => (far(o) < far(best) ? o : best), from);
        to = part.key === "map" ? near : flat;
      } else if (!to) return false;
      if (to && to !== from) {
        from.setAttribute("tabindex", -1);
        to.setAttribute("tabindex", 0);
        to.focus();
      }
      return true;
    }

    function toggle(code) {
      const has = state.provinces.includes(code);
      const followed = has ? state.provinces.filter((c) => c !== code) : [...state.provinces, code];
      if (followed.length > E.most) {
        trouble.replaceChildren(el("p", {}, `No more than ${E.most} provinces can be followed at once: leave one first.`));
        return;
      }
      set({ provinces: followed, province: has ? state.province : code });
    }
    function set(changes) {
      state = { ...state, ...changes };
      const years = model.years(state);
      problems = [];
      if (!years.includes(state.year)) {
        problems.push(`${model.label(state)} has no scores for ${state.year}; the nearest year is shown.`);
        state.year = states.near(years, state.year);
      }
      history.replaceState(null, "", states.format(state));
      show();
    }

    const context = () => ({ model, state, ref: { system: state.system, weights: state.weights, aggregate: state.aggregate } });

    function steer() {
      const { ref } = context();
      const years = model.years(ref);
      main.show(ref);
      second.show(state.with);
      Object.assign(year, { min: years[0], max: years.at(-1) });
      year.value = state.year;
      yearShown.textContent = state.year;
      region.value = state.region;
      trend.value = state.trend;
      const names = model.places.map((place) => [place.code, E.both(place)]);
      choose(province, names, state.province);
      const rest = names.filter(([code]) => !state.provinces.includes(code));
      choose(add, [["", "choose 选择 …"], ...rest], "");
      picked.replaceChildren(
        ...state.provinces.map((code) =>
          el("li", {}, button(`${E.both(model.name(code))} ×`, () => {
            toggle(code);
            add.focus();
          }, { "aria-label": `Leave ${E.both(model.name(code))}` }))),
      );
    }

    const room = (part) => Math.max(280, Math.floor(part.view.clientWidth || box.clientWidth || 640));

    function draw(part, width) {
      const held = part.view.contains(document.activeElement) ? document.activeElement.dataset.code : null;
      const drawn = E[part.key]({ ...context(), width });
      Object.assign(part, { drawn, width });
      part.view.replaceChildren(...(drawn.root ? [drawn.root] : []));
      part.note.textContent = drawn.note || (part.key === "ranking" ? intervals() : "");
      part.reading.textContent = "";
      part.save.forEach((made, i) => {
        made.disabled = !(i ? drawn.root : drawn.csv);
      });
      const shown = part.figures.querySelector("details")?.open;
      const listed = drawn.table && table(drawn.table, part.key !== "compare");
      if (listed && part.key !== "compare") {
        part.figures.replaceChildren(el("details", shown ? { open: "" } : {}, el("summary", {}, "The figures as a table 表格"), listed));
      } else part.figures.replaceChildren(...(listed ? [listed] : []));
      const options = [...part.view.querySelectorAll("[role=option]")];
      const own = options.find((option) => option.dataset.code === held);
      (own || options[0])?.setAttribute("tabindex", 0);
      own?.focus();
    }

    // What the lines in the ranking mean, and who is not in it.
    function intervals() {
      const ranked = model.ranking(context().ref, state.year);
      const absent = model.places.filter((place) => !ranked.some((c) => c.code === place.code));
      const kind = state.weights
        ? `Interval: ${Math.round(100 * data.level)} % of ${data.draws.toLocaleString("en")} draws of this system with other normalisations, weights and aggregations, an indicator left out and errors in the figures. It belongs to the system, so a rank by one recipe can lie outside.`
        : `Interval: lowest and highest rank by ${data.variants} combinations of estimator and capital rule.`;
      const without = absent.length ? ` Not ranked for lack of figures: ${absent.map(E.both).join(", ")}.` : "";
      return kind + without;
    }

    function show() {
      // All widths first: each would lay the page out again after a change.
      const widths = parts.map(room);
      steer();
      parts.forEach((part, i) => draw(part, widths[i]));
      trouble.replaceChildren(...problems.map((words) => el("p", {}, words)));
      const ranked = model.ranking(context().ref, state.year);
      const [first, last] = [ranked[0], ranked.at(-1)];
      said.textContent =
        `${E.heading(context())}: ${ranked.length} provinces; first ${E.both(first.place)} ${model.written(first.score, 3)}, ` +
        `last ${E.both(last.place)} ${model.written(last.score, 3)}; ${state.provinces.length} followed.`;
    }

    function download(part, kind) {
      const name = ["nqpf", part.key, ...states.measure(state).split("."), state.year].join("-");
      if (kind === "CSV") E.saveTable(name, part.drawn.csv);
      else E.saveDrawing(name, part.drawn.root);
    }

    const again = button("Start again 重置", () => set(states.start()));
    const steering = el("div", { class: "explorer-steering", role: "group", "aria-label": "What is shown 选项" },
      main.box,
      el("div", { class: "explorer-controls" }, yearBox, control("Region 区域", region), control("Follow 关注省份", add)),
      main.why, picked, again);
    box.querySelector(".explorer-static")?.remove();
    box.append(steering, trouble, said, el("div", { class: "explorer-all" }, parts.map((part) => part.section)));
    show();

    addEventListener("hashchange", () => {
      if (!location.hash.includes("=")) return;
      ({ state, problems } = states.parse(location.hash));
      show();
    });
    new ResizeObserver(() => {
      for (const part of parts) {
        if (part.view.clientWidth && Math.abs(part.view.clientWidth - part.width) > 4) draw(part, room(part));
      }
    }).observe(box);
    box.dataset.ready = "true";
  }

  addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll(".nqpf-explorer").forEach((box, i) => {
      const inside = box.querySelector("script.explorer-data");
      const data = inside ? JSON.parse(inside.textContent) : (E.data || [])[i];
      if (data) start(box, data);
    });
  });
})();
