// Opens the line of the catalogue that a link leads to.
(function () {
  function open() {
    // Names of lines need no escapes; an address that ends in a broken one must not stop a page.
    const line = document.getElementById(location.hash.slice(1));
    if (line instanceof HTMLDetailsElement) {
      line.open = true;
      line.scrollIntoView();
    }
  }
  addEventListener("hashchange", open);
  addEventListener("DOMContentLoaded", open);
})();
