// Draws every chart of a page. The specification stands in the page itself, so no request is made.
// window.bookCharts holds one promise per chart: a test can wait for them.
window.bookCharts = Array.from(document.querySelectorAll(".vega-chart"), (chart) => {
  const source = chart.querySelector('script[type="application/json"]');
  const view = document.createElement("div");
  view.className = "vega-chart-view";
  chart.append(view);
  return vegaEmbed(view, JSON.parse(source.textContent), { actions: false, renderer: "svg" });
});
