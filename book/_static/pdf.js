// Prepares the printed book (scripts/make_pdf.py) before the browser makes pages of it.
// No page of the site loads this file.
(function () {
  const sizes = ["", "small", "smaller"];

  // Says below a chart with menus which state of them is printed.
  function describe(chart, view) {
    const state = Array.from(view.querySelectorAll(".vega-bind"), (bind) => {
      const name = bind.querySelector(".vega-bind-name")?.textContent.trim() || "";
      const input = bind.querySelector("select, input:checked, input");
      const value = input?.selectedOptions?.[0]?.textContent ?? input?.value ?? "";
      return name + ": " + value.trim();
    });
    if (!state.length) return;
    const note = document.createElement("p");
    note.className = "chart-state";
    note.textContent =
      document.documentElement.lang === "en"
        ? "Drawn for " + state.join("; ") + ". The web edition of this chart has menus for them."
        : "本图取" + state.join("；") + "；网络版的图中可用菜单更换。";
    chart.append(note);
  }

  async function draw(chart) {
    const source = chart.querySelector('script[type="application/json"]');
    const view = document.createElement("div");
    view.className = "vega-chart-view";
    chart.append(view);
    const spec = JSON.parse(source.textContent);
    spec.config = Object.assign({}, spec.config, { font: "Noto Sans SC" });
    await vegaEmbed(view, spec, { actions: false, renderer: "svg" });
    describe(chart, view);
    source.remove();
  }

  const tooWide = (table, limit) => table.getBoundingClientRect().width > limit + 0.5;

  // Cells of a row that can be moved: no cell of the table spans two rows or columns.
  const isPlain = (table) => !table.querySelector("[colspan]:not([colspan='1']), [rowspan]:not([rowspan='1'])");

  // Keeps the columns from first to last, and those that name the rows.
  function columns(table, names, first, last) {
    const copy = table.cloneNode(true);
    for (const row of copy.rows) {
      for (const cell of Array.from(row.cells).filter(
        (_, place) => place >= names && (place < first || place >= last)
      )) cell.remove();
    }
    return copy;
  }

  // Cuts a table into several below each other, each with the columns that fit.
  function split(table, limit) {
    const lines = Array.from(table.tBodies[0]?.rows ?? []);
    const count = Math.max(...Array.from(table.rows, (row) => row.cells.length));
    const named = lines.length ? lines[0].querySelectorAll("th").length : 0;
    const names = Math.max(1, named);
    const pieces = [];
    for (let first = names; first < count; ) {
      let last = count;
      let piece;
      do {
        piece?.remove();
        piece = columns(table, names, first, last);
        table.before(piece);
      } while (tooWide(piece, limit) && --last > first);
      if (last <= first) {
        pieces.concat(piece).forEach((each) => each.remove());
        return false;
      }
      pieces.push(piece);
      first = last;
    }
    pieces.slice(1).forEach((piece) => piece.caption?.remove());
    table.remove();
    return true;
  }

  // A table wider than the page gets smaller letters, then is cut, then gets a page on its side.
  function fit(table) {
    const box = table.parentElement;
    const limit = Math.min(document.body.clientWidth, box.clientWidth);
    for (const cell of table.querySelectorAll("th, td")) {
      if (cell.textContent.trim().length < 5) cell.classList.add("short");
    }
    const resize = (size) => {
      table.classList.remove("small", "smaller");
      if (size) table.classList.add(size);
    };
    for (const size of sizes) {
      resize(size);
      if (!tooWide(table, limit)) return size || "plain";
    }
    resize("small");
    if (isPlain(table) && split(table, limit)) return "split";
    box.style.width = "257mm";
    for (const size of sizes) {
      resize(size);
      if (!tooWide(table, box.clientWidth)) break;
    }
    if (tooWide(table, box.clientWidth)) table.classList.add("broken");
    box.style.width = "";
    box.classList.add("wide");
    return table.classList.contains("broken") ? "broken" : "turned";
  }

  // Dots from a title to its page number. They are letters: with drawn lines, some readers take
  // the page for one written from top to bottom.
  function fillDots() {
    const places = Array.from(document.querySelectorAll(".dots"));
    for (const place of places) place.textContent = ".";
    const found = places.map((place) => [place.clientWidth, place.firstChild]);
    const range = document.createRange();
    const counts = found.map(([width, text]) => {
      range.selectNodeContents(text);
      return Math.floor((width - 1) / range.getBoundingClientRect().width);
    });
    places.forEach((place, i) => (place.textContent = ".".repeat(Math.max(0, counts[i]))));
  }

  // Asked by scripts/make_pdf.py; resolves when the document can be printed.
  window.prepareBook = async function () {
    if (!window.MathJax?.startup?.promise) throw new Error("MathJax is not in the built site");
    await MathJax.startup.promise;
    await Promise.all(Array.from(document.querySelectorAll(".vega-chart"), draw));
    await document.fonts.ready;
    await Promise.all(Array.from(document.images, (image) => image.decode().catch(() => null)));
    fillDots();
    const tables = Array.from(document.querySelectorAll("table"));
    const broken = tables.filter((table) => fit(table) === "broken");
    return {
      images: Array.from(document.images).filter((i) => !i.naturalWidth).map((i) => i.alt),
      broken: broken.map((table) => table.closest(".page").id),
    };
  };

  window.fillNumbers = function (numbers) {
    for (const place of document.querySelectorAll("[data-for]")) {
      place.textContent = numbers[place.dataset.for];
    }
  };
})();
