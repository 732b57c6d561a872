// Files made in the page itself: nothing is asked of a server.
(function () {
  "use strict";
  const E = (window.nqpfExplorer = window.nqpfExplorer || {});

  function cell(value) {
    let text = value === null || value === undefined ? "" : String(value);
    // A spreadsheet would run a text that begins like a formula.
    if (typeof value !== "number" && /^[=+@\t\r-]/.test(text) && Number.isNaN(Number(text))) text = `'${text}`;
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }
  E.csv = ({ head, rows }) => [head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";

  E.save = function (name, kind, text) {
    const address = URL.createObjectURL(new Blob([text], { type: `${kind};charset=utf-8` }));
    const link = E.el("a", { href: address, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  };
  // The mark at the start tells spreadsheets that Chinese names are UTF-8.
  E.saveTable = (name, table) => E.save(`${name}.csv`, "text/csv", `\ufeff${E.csv(table)}`);
  E.saveDrawing = function (name, root) {
    const copy = root.cloneNode(true);
    copy.querySelectorAll(".explorer-focus").forEach((ring) => ring.remove());
    for (const node of [copy, ...copy.querySelectorAll("*")]) {
      for (const key of ["tabindex", "role", "aria-selected", "aria-multiselectable", "aria-hidden"]) node.removeAttribute(key);
    }
    copy.setAttribute("role", "img");
    E.save(`${name}.svg`, "image/svg+xml", new XMLSerializer().serializeToString(copy));
  };
})();
