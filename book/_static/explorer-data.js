// Reads the packed figures of the explorer and answers questions about them.
(function () {
  "use strict";
  const E = (window.nqpfExplorer = window.nqpfExplorer || {});

  function numbers(text, Kind) {
    const raw = atob(text);
    const bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i += 1) bytes[i] = raw.charCodeAt(i);
    return new Kind(bytes.buffer);
  }

  // A number as Python writes it: an exact half goes to the even digit. With a true minus sign.
  E.fixed = function (value, digits) {
    let text = value.toFixed(digits);
    if ((Math.abs(value) * 2 ** (digits + 1)) % 2 === 1) {
      const below = Math.floor(Math.abs(value) * 10 ** digits);
      text = ((Math.sign(value) * (below + (below % 2))) / 10 ** digits).toFixed(digits);
    }
    return text.replace(/^-(?=.*[1-9])/, "−").replace(/^-/, "");
  };
  E.digits = (value, count) => String(Number(value.toPrecision(count))).replace("-", "−");

  E.read = function (data) {
    const scores = numbers(data.scores, Int32Array);
    const ranks = numbers(data.ranks, Uint8Array);
    const bounds = numbers(data.bounds, Uint8Array);
    const raw = numbers(data.rawValues, Float64Array);
    const places = data.provinces;
    const systems = new Map(data.systems.map((system) => [system.key, system]));
    const position = new Map(places.map((place, i) => [place.code, i]));
    const perUnit = Math.round(Math.log10(1 / data.step));
    systems.forEach((system) => {
      if (system.z) system.z = numbers(system.z, Float64Array);
    });

    const model = { data, places, systems, additive: new Set(data.additive) };
    model.name = (code) => places[position.get(code)];
    model.has = (code) => position.has(code);
    model.own = (key) => {
      const [weights, aggregate] = systems.get(key).own;
      return { system: key, weights, aggregate };
    };
    model.fits = (ref) => `${ref.weights}.${ref.aggregate}` in systems.get(ref.system).measures;
    model.why = (ref) => systems.get(ref.system).refused[`${ref.weights}.${ref.aggregate}`];
    model.years = (ref) => systems.get(ref.system).years;
    model.methods = (ref) => {
      if (!ref.weights) return [];
      const found = [data.weightings[ref.weights], data.aggregations[ref.aggregate]];
      return found.map((names) => names[0]);
    };
    model.label = (ref) => {
      const said = model.methods(ref).map((word) => word.replace(/^[A-Z](?=[a-z ])/, (c) => c.toLowerCase()));
      return [systems.get(ref.system).names[0], ...said].join(", ");
    };

    // Steps of a score to text: cut downwards before, so that rounding here is exact.
    model.written = (steps, digits) => {
      const unit = 10 ** (perUnit - digits);
      return E.fixed(Math.floor((steps + unit / 2) / unit) / 10 ** digits, digits);
    };
    model.value = (steps) => steps * data.step;

    function cell(ref, i, year) {
      const system = systems.get(ref.system);
      const when = system.years.indexOf(year);
      if (when < 0) return null;
      const at = i * system.years.length + when;
      const place = system.measures[`${ref.weights}.${ref.aggregate}`] + at;
      if (!ranks[place]) return null;
      const low = system.interval + 2 * at;
      return {
        place: places[i],
        code: places[i].code,
        score: scores[place],
        rank: ranks[place],
        lower: bounds[low],
        upper: bounds[low + 1],
      };
    }
    model.at = (ref, code, year) => cell(ref, position.get(code), year);
    model.ranking = (ref, year) =>
      places
        .map((_, i) => cell(ref, i, year))
        .filter(Boolean)
        .sort((a, b) => a.rank - b.rank || a.code - b.code);
    model.span = (ref) => {
      const all = model.years(ref).flatMap((year) => model.ranking(ref, year).map((c) => c.score));
      return [Math.min(...all), Math.max(...all)];
    };

    function normalised(system, k, i, year) {
      if (system.z) {
        const when = system.years.indexOf(year);
        return system.z[(k * places.length + i) * system.years.length + when];
      }
      const [worst, width] = system.scale[k];
      return width ? Math.abs(rawValue(system, k, i, year) - worst) / width : 0;
    }
    function rawValue(system, k, i, year) {
      const column = data.raw.indexOf(system.indicators[k].key);
      return raw[(column * places.length + i) * data.years.length + data.years.indexOf(year)];
    }

    // What each indicator holds for a province: raw, normalised, weight, their product, its mean.
    model.parts = (ref, code, year) => {
      const system = systems.get(ref.system);
      if (!system.indicators || !model.at(ref, code, year)) return [];
      const covered = model.ranking(ref, year).map((c) => position.get(c.code));
      return system.indicators.map((indicator, k) => {
        const weight = system.weights[ref.weights][k];
        const own = position.get(code);
        const each = covered.map((i) => weight * normalised(system, k, i, year));
        return {
          ...indicator,
          group: system.dimensions[indicator.dimension] || [indicator.dimension, ""],
          raw: rawValue(system, k, own, year),
          normalised: normalised(system, k, own, year),
          weight,
          part: weight * normalised(system, k, own, year),
          mean: each.reduce((sum, x) => sum + x, 0) / each.length,
        };
      });
    };

    // Two measures on the provinces that both cover, ranked among those.
    model.pairs = (a, b, year) => {
      const both = model
        .ranking(a, year)
        .map((one) => ({ one, two: model.at(b, one.code, year) }))
        .filter((pair) => pair.two);
      const among = (side, rank) => 1 + both.filter((pair) => pair[side].rank < rank).length;
      return both.map(({ one, two }) => {
        const [from, to] = [among("one", one.rank), among("two", two.rank)];
        return { place: one.place, code: one.code, one, two, from, to, change: from - to };
      });
    };
    model.spearman = (pairs) => {
      const middle = (key) => {
        const shared = (r) => pairs.filter((pair) => pair[key] === r).length;
        return pairs.map((pair) => pair[key] + (shared(pair[key]) - 1) / 2);
      };
      const [x, y] = [middle("from"), middle("to")];
      const centre = (pairs.length + 1) / 2;
      const product = (u, v) => u.reduce((sum, value, i) => sum + (value - centre) * (v[i] - centre), 0);
      return product(x, y) / Math.sqrt(product(x, x) * product(y, y));
    };
    return model;
  };
})();
