// On every page: the key "/" opens the search box, as Ctrl+K does (Sphinx would focus the first
// box of the page, which stands in a closed dialog), and the words of the search that led
// here are marked in the text until Escape. Menus, code and the data of charts are left alone.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  Documentation.focusSearchBar = () => document.querySelector(".search-button__button")?.click();
  document.getElementById("pst-search-dialog")?.setAttribute("aria-label", "Search 搜索");

  const KEY = "book-search-words";
  const words = JSON.parse(localStorage.getItem(KEY) || "[]");
  const article = document.querySelector("article");
  if (!words.length || !article) return;
  localStorage.removeItem(KEY);
  const signs = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  // English words from their beginning, so that "weight" marks weights and not overweight.
  const wanted = new RegExp(`(?<![a-z])(?:${signs.join("|")})`, "gi");
  const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT, (node) =>
    node.parentElement.closest("script, style, svg, pre, code, mjx-container, .math, select, button")
      ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  for (const node of texts) {
    const found = [...node.data.matchAll(wanted)];
    for (const match of found.reverse()) {
      const mark = document.createElement("span");
      mark.className = "highlighted";
      const part = node.splitText(match.index);
      part.splitText(match[0].length);
      part.replaceWith(mark);
      mark.append(part);
    }
  }
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const mark of article.querySelectorAll("span.highlighted")) mark.replaceWith(...mark.childNodes);
    article.normalize();
  });
});
