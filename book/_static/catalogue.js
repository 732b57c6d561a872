// Opens the line of the catalogue that a link leads to.
(function () {
  function open() {
    const line = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (line instanceof HTMLDetailsElement) {
      line.open = true;
      line.scrollIntoView();
    }
  }
  addEventListener("hashchange", open);
  addEventListener("DOMContentLoaded", open);
})();
