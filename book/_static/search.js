// The search page: takes the place of Sphinx's own listing. Ranks with search-rank.js; cuts the
// excerpts from searchtext.js, so no page is fetched and it works from a file: address.
"use strict";

window.bookSearch = (() => {
  const FIRST = 20; // results before "more"
  const WIDTH = 200; // characters of an excerpt
  const LONGEST = 200; // characters of a query; nobody reads what answers more
  const EXAMPLES = ["entropy weights", "空间杜宾模型", "Malmquist", "Han 2024", "数据缺失"];
  const root = () => document.documentElement.dataset.content_root || "./";
  let index = null;

  const load = new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${root()}searchtext.js`;
    script.onload = () => resolve();
    script.onerror = () => reject(new Error("searchtext.js is missing"));
    document.head.append(script);
  });
  const ready = load.then(() => {
    index = bookRank.build(window.bookSearchText, Search._index);
  });

  const element = (name, className, text) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const marked = (target, text, found, start = 0, end = text.length) => {
    let at = start;
    for (const [from, to] of found) {
      if (from < at || to > end) continue;
      target.append(text.slice(at, from), element("mark", "", text.slice(from, to)));
      at = to;
    }
    target.append(text.slice(at, end));
    return target;
  };

  // The stretch of text with most of the query's words, begun and ended at a blank.
  const excerpt = (text, answer) => {
    const found = bookRank.matches(text, answer);
    let [best, most] = [0, -1];
    for (const [from] of found) {
      const inside = found.filter((one) => one[0] >= from && one[1] <= from + WIDTH - 40);
      const kinds = new Set(inside.map((one) => text.slice(...one).toLowerCase())).size;
      if (kinds > most) [best, most] = [from, kinds];
    }
    let start = Math.max(0, best - 40);
    if (start) start = Math.min(best, text.indexOf(" ", start) + 1 || start);
    let end = Math.min(text.length, start + WIDTH);
    if (end < text.length) end = Math.max(text.lastIndexOf(" ", end), start + WIDTH - 30);
    const line = element("p", "context");
    if (start) line.append("… ");
    marked(line, text, found, start, end);
    if (end < text.length) line.append(" …");
    return line;
  };

  const item = ({ page, section, missing }, answer) => {
    const line = element("li");
    const link = element("a");
    link.href = `${root()}${page.name}${DOCUMENTATION_OPTIONS.LINK_SUFFIX}`;
    if (section.anchor) link.href += `#${section.anchor}`;
    marked(link, page.title, bookRank.matches(page.title, answer));
    if (section.anchor) {
      const part = element("span", "search-section", " › ");
      link.append(marked(part, section.heading, bookRank.matches(section.heading, answer)));
    }
    line.append(link);
    const texts = [section, ...page.sections].map(({ text }) => text).filter((text) => text);
    const text = texts.find((one) => bookRank.matches(one, answer).length) || texts[0] || "";
    if (text) line.append(excerpt(text, answer));
    if (missing.length) {
      const note = element("p", "search-missing", "Without 不含: ");
      missing.forEach((word, i) => note.append(i ? ", " : "", element("s", "", word)));
      line.append(note);
    }
    return line;
  };

  const summary = (answer) => {
    const n = answer.results.length;
    const pages = `${n} ${n === 1 ? "page" : "pages"}`;
    if (!n) return "No page has these words. 没有找到相关页面。";
    if (answer.partial)
      return `No page has all of these words; ${pages} with some of them. 没有页面包含全部词语，以下 ${n} 页包含其中一部分。`;
    return `${pages} found. 找到 ${n} 页。`;
  };

  const list = (answer, out) => {
    const all = element("ul", "search");
    const add = (from, to) => {
      for (const result of answer.results.slice(from, to)) all.append(item(result, answer));
    };
    add(0, FIRST);
    out.append(all);
    const rest = answer.results.length - FIRST;
    if (rest <= 0) return;
    const more = element("button", "btn btn-outline-primary", `Show ${rest} more 再显示 ${rest} 页`);
    more.type = "button";
    more.addEventListener("click", () => {
      const before = all.children.length;
      add(FIRST, Infinity);
      more.remove();
      all.children[before].querySelector("a").focus();
    });
    out.append(more);
  };

  const paragraph = (english, zh, ...rest) => {
    const line = element("p", "", `${english} `);
    const second = element("span", "", zh);
    second.lang = "zh";
    line.append(second, ...rest);
    return line;
  };
  const link = (text, href) => {
    const made = element("a", "", text);
    made.href = href;
    return made;
  };
  const hints = (asked) => {
    const box = element("div", "search-hints");
    const examples = element("ul");
    for (const query of EXAMPLES) {
      const line = element("li");
      line.append(link(query, `?q=${encodeURIComponent(query)}`));
      examples.append(line);
    }
    const glossary = link("Glossary 术语表", `${root()}book/glossary${DOCUMENTATION_OPTIONS.LINK_SUFFIX}`);
    box.append(
      asked
        ? paragraph("Fewer or other words may help, in English or Chinese; for instance:", "可换用其他词语，中英文均可，例如：")
        : paragraph("In English or Chinese; for instance:", "中英文均可，例如："),
      examples,
      paragraph("All terms with their chapters:", "全部术语及所在章节：", " ", glossary),
    );
    return box;
  };

  // The page that is opened marks these words (search-key.js).
  const remember = (event, query, asked) => {
    if (!event.target.closest("a")) return;
    const all = (query.match(/[\u3400-\u9fff]{2,}/gu) || []).concat(asked);
    const words = all.filter((one) => one.length > 1 && !/^\d+$/.test(one));
    localStorage.setItem("book-search-words", JSON.stringify(words));
  };

  const show = async (given) => {
    const out = document.getElementById("search-results");
    const status = element("p", "search-summary");
    status.setAttribute("role", "status");
    out.replaceChildren(element("h2", "", "Search results 搜索结果"), status);
    const query = Array.from(given.trim()).slice(0, LONGEST).join("");
    if (!query) {
      status.textContent = "Type a word, a method, an author or a province. 请输入词语、方法、作者或省份。";
      out.append(hints(false));
      return;
    }
    document.title = `${query.slice(0, 40)} - ${document.title}`;
    status.textContent = "Searching … 正在搜索 …";
    try {
      await ready;
    } catch (problem) {
      status.textContent = `The text of the book could not be read: ${problem.message}. 无法读取搜索数据。`;
      return;
    }
    const answer = bookRank.search(query, index);
    const cut = query.length < given.trim().length;
    status.textContent = (cut ? `Only the first ${LONGEST} characters were searched. 只搜索前 ${LONGEST} 个字符。 ` : "") + summary(answer);
    if (!answer.results.length) out.append(hints(true));
    list(answer, out);
    for (const kind of ["click", "auxclick"])
      out.addEventListener(kind, (event) => remember(event, query, answer.asked));
  };
  Search.performSearch = show;

  // For tests and the curious: the pages for a query, best first.
  const rank = async (query) => {
    await ready;
    const { results, partial } = bookRank.search(query, index);
    return results.map(({ page, score, section, missing }) => ({
      page: page.name, anchor: section.anchor, score, missing, partial,
    }));
  };
  // The theme looks for the first box, which stands in a closed dialog.
  document.querySelector(".bd-search-container input").focus();
  document.querySelectorAll("form.bd-search").forEach((form) => form.setAttribute("role", "search"));
  // Sphinx asks only when there is a query.
  document.addEventListener("DOMContentLoaded", () => {
    if (!new URLSearchParams(window.location.search).get("q")) show("");
  });
  return { rank, ready, show };
})();
