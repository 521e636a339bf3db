// Draws the figure whose address stands in data-figure. Colours come as "token:name" and are
// looked up in the design tokens of the theme in use, so a chart follows light and dark. A click
// on a bar opens what the bar consists of.
(function () {
  "use strict";
  const CONFIG = { displayModeBar: false, responsive: true, showTips: false };
  const TOKEN = "token:";

  function coloured(value, styles) {
    if (typeof value === "string") {
      return value.startsWith(TOKEN)
        ? styles.getPropertyValue("--" + value.slice(TOKEN.length)).trim()
        : value;
    }
    if (Array.isArray(value)) return value.map(function (one) { return coloured(one, styles); });
    if (value && typeof value === "object") {
      return Object.fromEntries(
        Object.entries(value).map(function (pair) { return [pair[0], coloured(pair[1], styles)]; })
      );
    }
    return value;
  }

  // A phone has no room for all labels: those that begin a day, month or year, else every so many.
  function thinned(axis, width) {
    const most = Math.max(3, Math.floor(width / 72));
    if (!axis.tickvals || axis.tickvals.length <= most) return;
    let kept = axis.tickvals.map(function (_value, at) { return at; });
    const longer = kept.filter(function (at) { return axis.ticktext[at].includes("<br>"); });
    if (longer.length >= 3) kept = longer;
    const every = Math.ceil(kept.length / most);
    kept = kept.filter(function (_at, place) { return place % every === 0; });
    axis.tickvals = kept.map(function (at) { return axis.tickvals[at]; });
    axis.ticktext = kept.map(function (at) { return axis.ticktext[at]; });
  }

  function draw(part) {
    const styles = window.getComputedStyle(document.documentElement);
    const figure = coloured(part.readyFigure, styles);
    figure.layout.font.family = styles.getPropertyValue("--font-text");
    figure.layout.height = part.clientHeight;
    thinned(figure.layout.xaxis, part.clientWidth);
    return window.Plotly.react(part, figure.data, figure.layout, CONFIG);
  }

  function open(part, query) {
    const address = part.dataset.chart + query;
    const panel = part.closest("section");
    window.htmx.ajax("GET", address, { target: panel, swap: "outerHTML" });
  }

  async function load(part) {
    if (part.dataset.drawn) return;
    part.dataset.drawn = "yes";
    try {
      const answer = await window.fetch(part.dataset.figure, {
        headers: { Accept: "application/json" },
      });
      if (!answer.ok) throw new Error(String(answer.status));
      part.readyFigure = await answer.json();
    } catch {
      part.textContent = document.body.dataset.fetchFailed;
      return;
    }
    part.replaceChildren();
    await draw(part);
    part.on("plotly_click", function (event) {
      const told = event.points[0].customdata;
      if (told && told[1]) open(part, told[1]);
    });
  }

  function loadAll(root) {
    root.querySelectorAll("[data-figure]").forEach(load);
  }

  document.addEventListener("htmx:load", function (event) {
    loadAll(event.detail.elt.parentElement || document);
  });
  document.addEventListener("htmx:beforeCleanupElement", function (event) {
    const part = event.detail.elt;
    if (part.readyFigure) window.Plotly.purge(part);
  });
  document.addEventListener("ready:theme", function () {
    document.querySelectorAll("[data-figure]").forEach(function (part) {
      if (part.readyFigure) draw(part);
    });
  });
  document.addEventListener("DOMContentLoaded", function () { loadAll(document); });
})();
