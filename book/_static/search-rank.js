// Ranks the pages for a query: BM25 over fields (title, glossary terms, headings, Chinese
// terms in brackets, prose), built in the browser from searchtext.js. What only code, tables
// and outputs hold counts a little, through Sphinx's own index. No request is made.
"use strict";

const bookRank = (() => {
  const HAN = /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+/gu;
  const WORD = /[\p{Letter}\p{Number}_]+/gu;
  const BRACKETS = /[(（][^()（）]*[)）]/gu;
  // Weight of one occurrence, and how much a long field dilutes it.
  const FIELDS = {
    title: [12, 0.3],
    terms: [10, 0.3],
    headings: [4, 0.3],
    brackets: [3, 0.2],
    body: [1, 0.6],
  };
  // Pages that quote the chapters rather than explain: each score is multiplied by this.
  const PRIORS = Object.entries({
    "book/status": 0.3,
    "book/bibliography": 0.5,
    "book/glossary": 0.6,
    "outputs/": 0.2,
    "book/provinces/": 0.6,
    "notebooks/records/": 0.5,
    "notebooks/studies/overview": 0.8,
  });
  const SATURATION = 4;
  const ELSEWHERE = 0.15; // in code, a table or an output
  const PHRASE = 1.5;
  const EXACT = { term: 1.5, heading: 1.25 }; // the query is a term that the page explains, or a heading
  // Words that Chinese queries add to a term and texts leave out, as in 熵权法 or 核密度估计; and
  // words of asking. They help the order, but no page must have them.
  const LOOSE_END = /(?:方法|模型|指数|效应|估计|分析|回归|检验|系数|(?:维吾尔|壮族|回族)?自治区|法|度|省|市)$/u;
  const LOOSE_START = /^(?:什么是|为什么|如何|怎么|怎样)/u;
  const PARTICLES = "的和与及了是在之";
  const stemmer = new Stemmer();
  const stems = new Map();

  const stem = (word) => {
    if (!stems.has(word)) stems.set(word, stemmer.stemWord(word));
    return stems.get(word);
  };
  const words = (text) => text.toLowerCase().replace(HAN, " ").match(WORD) || [];

  // A text made countable: stems between blanks, and the text itself for Chinese.
  const field = (text) => {
    const all = words(text).map(stem);
    const counts = new Map();
    all.forEach((one) => counts.set(one, (counts.get(one) || 0) + 1));
    const han = (text.match(HAN) || []).reduce((sum, run) => sum + run.length, 0);
    return { text, counts, sequence: ` ${all.join("  ")} `, size: all.length + han / 2 };
  };
  // What a query and a glossary term are compared by: the Chinese and the English of a term, and
  // each part of "Markov chain 马尔可夫链" by itself.
  const normal = (text) => (text.match(HAN) || []).join("") + words(text).map(stem).join(" ");
  const names = (term) => [normal(term), ...(term.match(HAN) || []), words(term).map(stem).join(" ")];
  const prior = (page) => (PRIORS.find(([start]) => page.startsWith(start)) || ["", 1])[1];
  const times = (text, part) => (part ? text.split(part).length - 1 : 0);
  const count = (one, key) => {
    if (key.han) return times(one.text, key.han);
    if (key.phrase) return times(one.sequence, ` ${key.phrase.join("  ")} `);
    return key.stems.reduce((sum, [name, weight]) => sum + weight * (one.counts.get(name) || 0), 0);
  };

  const build = (pages, sphinx) => {
    const terms = new Map();
    for (const page of pages)
      for (const [target, names] of Object.entries(page.explains || {}))
        terms.set(target, (terms.get(target) || []).concat(names));
    const number = new Map(sphinx.docnames.map((name, i) => [name, i]));
    const all = pages.map((page) => {
      const [lead, ...rest] = page.sections;
      const headed = page.sections.filter(([anchor]) => anchor);
      const body = page.sections.map(([, , text]) => text).join(" ");
      return {
        name: page.name,
        title: page.sections.map((s) => s[1]).find((heading) => heading) || page.name,
        prior: prior(page.name),
        number: number.get(page.name),
        sections: page.sections.map(([anchor, heading, text]) => ({
          anchor, heading, text, head: field(heading), body: field(text),
        })),
        terms: (terms.get(page.name) || []).concat(page.names || []),
        glossary: Boolean(page.explains),
        fields: {
          title: field(page.sections.map((s) => s[1]).find((heading) => heading) || ""),
          terms: field((terms.get(page.name) || []).concat(page.names || []).join(" . ")),
          headings: field(headed.map((s) => s[1]).join(" . ")),
          brackets: field((body.match(BRACKETS) || []).join(" ").replace(/[^\u3400-\u9fff]+/gu, " ")),
          body: field(body),
        },
      };
    });
    // Lengths and rarities are those of the chapters: many generated pages must not move them.
    const chapters = all.filter((page) => page.prior >= 1);
    const mean = {};
    for (const name of Object.keys(FIELDS)) {
      const sizes = chapters.map((page) => page.fields[name].size).filter((size) => size);
      mean[name] = sizes.reduce((a, b) => a + b, 0) / Math.max(sizes.length, 1) || 1;
    }
    const vocabulary = new Set([...Object.keys(sphinx.terms), ...Object.keys(sphinx.titleterms)]);
    for (const page of all)
      for (const part of Object.values(page.fields))
        part.counts.forEach((_, name) => vocabulary.add(name));
    const corpus = pages.flatMap((page) => page.sections.flatMap((s) => [s[1], s[2]])).join("\n");
    return { pages: all, mean, vocabulary, corpus, sphinx };
  };

  // Cut a run of Chinese characters into the fewest pieces of two characters or more that
  // stand in the book: the book is the dictionary.
  const segment = (run, index) => {
    const known = (part) => index.corpus.includes(part) || Object.hasOwn(index.sphinx.terms, part);
    if (run.length === 1) return [run];
    const best = [{ cost: 0, pieces: [] }];
    for (let end = 1; end <= run.length; end += 1) {
      const one = best[end - 1];
      best[end] = { cost: one.cost + 10, pieces: [...one.pieces, run[end - 1]] };
      for (let start = Math.max(0, end - 12); start <= end - 2; start += 1) {
        const cost = best[start].cost + 1;
        if (cost < best[end].cost && known(run.slice(start, end)))
          best[end] = { cost, pieces: [...best[start].pieces, run.slice(start, end)] };
      }
    }
    return best[run.length].pieces;
  };

  // One slip apart: a letter changed, added, left out, or two neighbours swapped.
  const close = (a, b) => {
    if (Math.abs(a.length - b.length) > 1) return false;
    let i = 0;
    while (i < a.length && a[i] === b[i]) i += 1;
    const [x, y] = [a.slice(i), b.slice(i)];
    return x.slice(1) === y.slice(1) || x.slice(1) === y || x === y.slice(1)
      || (x[0] === y[1] && x[1] === y[0] && x.slice(2) === y.slice(2));
  };
  const readings = (word, index) => {
    const exact = stem(word);
    if (index.vocabulary.has(exact)) return [[exact, 1]];
    const all = [...index.vocabulary].sort();
    if (word.length < 3) return [[exact, 1]];
    const longer = all.filter((name) => name.startsWith(exact));
    if (longer.length) return longer.map((name) => [name, 0.7]);
    if (word.length < 5) return [[exact, 1]];
    const near = all.filter((name) => name[0] === exact[0] && close(exact, name));
    return near.length ? near.map((name) => [name, 0.5]) : [[exact, 1]];
  };

  const coreOf = (text) => text.replace(LOOSE_START, "").replace(LOOSE_END, "");
  const pairsOf = (run) =>
    run.length < 2 ? [run] : Array.from({ length: run.length - 1 }, (_, i) => run.slice(i, i + 2));

  // The keys of a query: those that a page must have, and phrases that raise it.
  const parse = (query, index) => {
    const required = new Map();
    const extra = [];
    for (const run of query.match(HAN) || []) {
      const core = coreOf(run);
      const needed = core.length > 1 ? pairsOf(core) : pairsOf(run);
      let lost = ""; // neighbouring characters that no piece takes up
      for (const piece of [...segment(run, index), ""]) {
        if (piece.length === 1 && run.length > 1) {
          if (!PARTICLES.includes(piece) && (core.length < 2 || core.includes(piece))) lost += piece;
          continue;
        }
        if (lost) required.set(lost, { shown: lost, han: lost, absent: true, share: 1 });
        lost = "";
        if (!piece) break;
        const pairs = pairsOf(piece);
        for (const pair of pairs) {
          const key = { shown: pair, han: pair, share: 1 / pairs.length };
          if (needed.includes(pair)) required.set(pair, key);
          else extra.push(key);
        }
        if (pairs.length > 1) extra.push({ shown: piece, han: piece, share: PHRASE });
      }
    }
    const asked = words(query).filter((word) => !stopwords.includes(word));
    const several = asked.length > 1 || required.size > 0;
    for (const word of asked) {
      // The s of Moran's and the R of R&D help, but nobody insists on them.
      const loose = several && /^\p{Letter}$/u.test(word);
      const key = { shown: word, stems: readings(word, index), share: loose ? 0.3 : 1 };
      if (loose) extra.push(key);
      else required.set(word, key);
    }
    for (let i = 0; i + 1 < asked.length; i += 1)
      extra.push({ phrase: [asked[i], asked[i + 1]].map(stem), share: PHRASE });
    return { required: [...required.values()], extra, words: asked };
  };

  const elsewhere = (page, key, index) => {
    if (page.number === undefined || key.phrase) return false;
    const names = key.han ? [key.han] : key.stems.map(([name]) => name);
    return names.some((name) =>
      [index.sphinx.terms, index.sphinx.titleterms].some((table) =>
        Object.hasOwn(table, name) && [table[name]].flat().includes(page.number)));
  };
  const weigh = (page, key, index) => {
    if (key.absent) return 0;
    let sum = 0;
    for (const [name, [weight, dilution]] of Object.entries(FIELDS)) {
      const one = page.fields[name];
      const found = count(one, key);
      if (found) sum += (weight * found) / (1 - dilution + (dilution * one.size) / index.mean[name]);
    }
    return sum || (elsewhere(page, key, index) ? ELSEWHERE : 0);
  };

  // The section to open: where the query's words stand in the heading, or else in the text.
  const place = (page, keys) => {
    const score = (section, first) => keys.reduce((sum, { key, rarity }) => {
      const found = (first ? 3 : 4) * count(section.head, key) + count(section.body, key);
      return sum + (rarity * key.share * found) / (found + 2);
    }, 0);
    let best = page.sections[0];
    let most = -1;
    page.sections.forEach((section, i) => {
      const value = score(section, i === 0);
      if (value > most + 1e-9) [best, most] = [section, value];
    });
    return best;
  };

  const search = (query, index) => {
    const { required, extra, words: asked } = parse(query, index);
    const isChapter = index.pages.map((page) => page.prior >= 1);
    const total = isChapter.filter((one) => one).length;
    const asIs = [normal(query), normal(coreOf(query))];
    const isAsked = (term) => names(term).some((name) => asIs.includes(name));
    const measured = [...required, ...extra].map((key) => {
      const weights = index.pages.map((page) => weigh(page, key, index));
      const holding = weights.filter((weight, i) => weight > 0 && isChapter[i]).length;
      const rarity = Math.log(1 + (total - holding + 0.5) / (holding + 0.5));
      return { key, weights, rarity };
    });
    const needed = measured.slice(0, required.length);
    const results = index.pages.map((page, i) => {
      const missing = needed.filter(({ weights }) => !weights[i]).map(({ key }) => key.shown);
      const exact = page.terms.some(isAsked) ? EXACT.term
        : page.sections.some((section) => isAsked(section.heading)) ? EXACT.heading : 1;
      const favour = page.prior * exact;
      const score = favour * measured.reduce((sum, { key, weights, rarity }) =>
        sum + (key.share * rarity * weights[i]) / (SATURATION + weights[i]), 0);
      return { page, score, missing };
    }).filter(({ missing }) => missing.length < required.length);
    const complete = results.filter(({ missing }) => !missing.length);
    const shown = complete.length ? complete : results;
    shown.sort((a, b) => b.score - a.score || (a.page.name < b.page.name ? -1 : 1));
    for (const result of shown) {
      const headed = result.page.sections.find((section) => isAsked(section.heading));
      result.section = headed || place(result.page, measured);
      result.entry = Boolean(result.page.glossary && headed && headed.anchor);
    }
    // A definition stands second at the latest, right after the chapter that explains the term.
    const at = shown.findIndex((result) => result.entry);
    if (at > 1) shown.splice(1, 0, ...shown.splice(at, 1));
    return { results: shown, partial: !complete.length && shown.length > 0, required, extra, asked };
  };

  // Where the query's words stand in a text, as [start, end] in order, none overlapping.
  const matches = (text, { required, extra }) => {
    const found = [];
    const han = [...extra, ...required].filter((key) => key.han && !key.absent).map((key) => key.han);
    for (const part of han)
      for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1))
        found.push([at, at + part.length]);
    const wanted = new Set([...required, ...extra].flatMap((key) => key.stems || []).map(([name]) => name));
    const latin = text.replace(HAN, (run) => " ".repeat(run.length));
    for (const match of latin.matchAll(WORD))
      if (wanted.has(stem(match[0].toLowerCase()))) found.push([match.index, match.index + match[0].length]);
    found.sort((a, b) => a[0] - b[0] || b[1] - a[1]);
    return found.reduce((kept, [start, end]) => {
      const last = kept[kept.length - 1];
      if (last && start <= last[1]) last[1] = Math.max(last[1], end);
      else kept.push([start, end]);
      return kept;
    }, []);
  };

  return { build, search, matches };
})();
