// What the reader has chosen, kept in the address so that a view can be linked.
(function () {
  "use strict";
  const E = (window.nqpfExplorer = window.nqpfExplorer || {});
  const KNOWN = "system weights aggregate year region provinces province with trend".split(" ");
  const shown = (text) => `“${text.length > 40 ? `${text.slice(0, 39)}…` : text}”`;

  E.most = 7; // provinces drawn at once: one per colour

  E.states = function (model) {
    const { data, systems } = model;
    const measure = (ref) => (ref.weights ? `${ref.system}.${ref.weights}.${ref.aggregate}` : ref.system);

    // The first of each region: lines that differ, and none of our choosing.
    function leaders(ref, year) {
      const ranked = model.ranking(ref, year);
      const first = Object.keys(data.regions).map((key) => ranked.find((c) => c.place.region === key));
      return first.filter(Boolean).map((c) => c.code);
    }
    function near(years, year) {
      return years.reduce((best, y) => (Math.abs(y - year) < Math.abs(best - year) ? y : best));
    }
    function start() {
      const ref = model.own(data.start.system);
      const provinces = leaders(ref, data.start.year);
      return {
        ...ref,
        year: data.start.year,
        region: "all",
        provinces,
        province: provinces[0],
        with: model.own(data.start.with),
        trend: "score",
      };
    }

    // A measure that can be shown, and what had to be changed to get one.
    function settle(ref, problems, what) {
      const system = systems.get(ref.system);
      if (model.fits(ref)) return ref;
      const own = model.own(ref.system);
      if (!own.weights) {
        if (ref.weights || ref.aggregate) problems.push(`${what} has neither weights nor an aggregation.`);
        return own;
      }
      const tried = { ...ref, weights: ref.weights || own.weights, aggregate: ref.aggregate || own.aggregate };
      if (model.fits(tried)) return tried;
      const [why] = model.why(tried) || [];
      problems.push(
        why
          ? `${what} with ${shown(tried.weights)} and ${shown(tried.aggregate)} is not computed: ${why}. The study's own are shown.`
          : `${what} does not know ${shown(tried.weights)} with ${shown(tried.aggregate)}; the study's own are shown.`,
      );
      return model.own(system.key);
    }

    function readWith(text, problems) {
      const [key, weights = "", aggregate = "", ...rest] = text.split(".");
      if (!systems.has(key) || rest.length) {
        problems.push(`The address compares with ${shown(text)}, which is not here.`);
        return model.own(data.start.with);
      }
      return settle({ system: key, weights, aggregate }, problems, "The measure to compare with");
    }

    function readCodes(text, problems) {
      const codes = [];
      for (const part of text.split(",").filter((piece) => piece && piece !== "none")) {
        const code = Number(part);
        if (!/^\d{6}$/.test(part) || !model.has(code)) {
          problems.push(`The address follows ${shown(part)}, which is no province here.`);
        } else if (!codes.includes(code)) codes.push(code);
      }
      if (codes.length > E.most) problems.push(`Only the first ${E.most} provinces of the address are followed.`);
      return codes.slice(0, E.most);
    }

    // The state of an address, and a sentence for each part of it that cannot be shown.
    function parse(hash) {
      const problems = [];
      const asked = new URLSearchParams(hash.replace(/^#/, ""));
      const state = start();
      for (const key of new Set(asked.keys())) {
        if (!KNOWN.includes(key)) problems.push(`The address has an unknown part ${shown(key)}.`);
        if (asked.getAll(key).length > 1) problems.push(`The address gives ${shown(key)} twice; the first counts.`);
      }
      const get = (key) => asked.get(key) ?? "";
      if (get("system") && !systems.has(get("system"))) {
        problems.push(`The address asks for the system ${shown(get("system"))}, which is not here.`);
      } else if (get("system")) state.system = get("system");
      const ref = { system: state.system, weights: get("weights"), aggregate: get("aggregate") };
      Object.assign(state, settle(ref, problems, "The system"));
      const years = model.years(state);
      if (asked.has("year")) {
        const year = /^\d{4}$/.test(get("year")) ? Number(get("year")) : NaN;
        if (!years.includes(year)) {
          problems.push(`This system has no scores for the year ${shown(get("year"))}.`);
        }
        if (year) state.year = year;
      }
      state.year = near(years, state.year);
      if (asked.has("region")) {
        if (get("region") === "all" || Object.hasOwn(data.regions, get("region"))) state.region = get("region");
        else problems.push(`The address names the region ${shown(get("region"))}, which is not here.`);
      }
      state.provinces = asked.has("provinces") ? readCodes(get("provinces"), problems) : leaders(state, state.year);
      state.province = state.provinces[0] ?? model.ranking(state, state.year)[0].code;
      if (asked.has("province")) {
        const code = Number(get("province"));
        if (/^\d{6}$/.test(get("province")) && model.has(code)) state.province = code;
        else problems.push(`The address opens ${shown(get("province"))}, which is no province here.`);
      }
      if (asked.has("with")) state.with = readWith(get("with"), problems);
      if (asked.has("trend")) {
        if (["score", "rank"].includes(get("trend"))) state.trend = get("trend");
        else problems.push(`The address draws ${shown(get("trend"))} over the years; score and rank can be drawn.`);
      }
      return { state, problems };
    }

    function format(state) {
      const parts = { system: state.system };
      if (state.weights) Object.assign(parts, { weights: state.weights, aggregate: state.aggregate });
      Object.assign(parts, {
        year: state.year,
        region: state.region,
        provinces: state.provinces.join(",") || "none",
        province: state.province,
        with: measure(state.with),
        trend: state.trend,
      });
      return `#${Object.entries(parts).map(([key, value]) => `${key}=${value}`).join("&")}`;
    }

    // Another system keeps the methods where it can; the study's own become the other study's own.
    function change(ref, key) {
      const own = model.own(key);
      const before = model.own(ref.system);
      const wasOwn = ref.weights === before.weights && ref.aggregate === before.aggregate;
      const kept = { system: key, weights: ref.weights, aggregate: ref.aggregate };
      return !wasOwn && model.fits(kept) ? kept : own;
    }
    return { start, parse, format, measure, change, near };
  };
})();
