// Lets the keyboard into boxes that scroll, and out of those that do not.
(function () {
  const BOXES =
    ".bd-article :is(pre, .table-box, .output, .cell_output, .math, .vega-chart, " +
    'mjx-container[display="true"], .pst-scrollable-table-container)';
  function nameOf(box) {
    const caption = box.querySelector("caption");
    if (caption) return caption.textContent.trim();
    if (box.querySelector("table")) return "Table, scrolls sideways";
    if (box.matches("pre")) return "Code, scrolls sideways";
    return "Scrolls sideways";
  }
  function check(box) {
    const scrolls =
      /auto|scroll/.test(getComputedStyle(box).overflow) &&
      (box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1);
    box.toggleAttribute("data-wide", scrolls && box.scrollWidth > box.clientWidth + 12);
    if (scrolls) {
      box.tabIndex = 0;
      if (!box.hasAttribute("role")) box.setAttribute("role", "group");
      if (!box.hasAttribute("aria-label")) {
        box.setAttribute("aria-label", nameOf(box));
        box.dataset.named = "";
      }
    } else if (box.tabIndex === 0 && "named" in box.dataset) {
      ["tabindex", "aria-label", "role", "data-named"].forEach((name) => box.removeAttribute(name));
    }
  }
  function start() {
    const watch = new ResizeObserver((boxes) => boxes.forEach(({ target }) => check(target)));
    document.querySelectorAll(BOXES).forEach((box) => watch.observe(box));
  }
  if (document.readyState === "complete") start();
  else addEventListener("load", start);
})();
