// Draws what the server says is in the window. Clusters come from the server; leaflet.markercluster
// only spreads meters that stand at one place. Every marker has a name and can be reached by keys.
(function () {
  "use strict";
  const WAIT_MS = 150;
  const SPREAD_PX = 24;
  const L = window.L;
  let part;
  let map;
  let layer;
  let collectors;
  let asked = 0;
  let timer = 0;

  function icon(shape, count) {
    const face = document.createElement("span");
    face.className = "spot-face spot-" + shape;
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", part.dataset.icons + "#state-" + shape);
    svg.append(use);
    face.append(svg);
    if (count > 1) face.append(String(count));
    return L.divIcon({
      className: "spot" + (count > 1 ? " is-many" : ""),
      html: face,
      iconSize: count > 1 ? [60, 44] : [44, 44],
    });
  }

  function level(number) {
    const box = document.querySelector('[data-level="' + number + '"]');
    return box ? box.dataset : { shape: "unheard", words: "" };
  }

  function marker(at, shape, count, name, act) {
    const made = L.marker(at, { icon: icon(shape, count), title: name, shape: shape });
    made.on("add", function () {
      const element = made.getElement();
      if (element) element.setAttribute("aria-label", name);
    });
    made.on("click", act);
    made.on("keydown", function (event) { // Leaflet itself only opens popups by key
      if (event.originalEvent.key !== "Enter" && event.originalEvent.key !== " ") return;
      event.originalEvent.preventDefault();
      act();
    });
    return made;
  }

  function openMeter(id) {
    const drawer = document.getElementById("drawer");
    drawer.hidden = false;
    window.htmx.ajax("GET", part.dataset.drawer.replace("/0/", "/" + id + "/"), {
      target: drawer, swap: "innerHTML",
    }).then(function () { drawer.focus(); });
  }

  function spot(row) {
    const at = [row[0], row[1]];
    const told = level(row[3]);
    if (row[2] === 1) {
      return marker(at, told.shape, 1, row[5] + ": " + told.words, function () { openMeter(row[4]); });
    }
    const name = row[2] + " " + part.dataset.metersWord + ", " + told.words;
    return marker(at, told.shape, row[2], name, function () {
      map.setView(at, Math.min(map.getZoom() + 2, map.getMaxZoom()));
    });
  }

  function spread(cluster) { // of meters at one place: the worst of them, and how many
    const order = ["alarm", "attention", "unheard", "other", "fine"];
    const shapes = cluster.getAllChildMarkers().map(function (one) { return one.options.shape; });
    const worst = order.find(function (shape) { return shapes.includes(shape); });
    return icon(worst || "fine", shapes.length);
  }

  function query() {
    const bounds = map.getBounds();
    const told = new URLSearchParams(part.dataset.query.slice(1));
    const on = Array.from(document.querySelectorAll("[data-level]:checked"))
      .map(function (box) { return box.dataset.level; })
      .filter(function (name) { return name !== "collector"; });
    told.set("layer", part.dataset.layer);
    told.set("window", [bounds.getSouth(), bounds.getWest(), bounds.getNorth(), bounds.getEast()]
      .map(function (degrees) { return degrees.toFixed(6); }).join(","));
    told.set("zoom", map.getZoom());
    told.set("levels", on.length ? on.join(",") : "none");
    return { text: told.toString(), none: on.length === 0 };
  }

  function remember() {
    const centre = map.getCenter();
    const address = new URL(window.location.href);
    address.searchParams.set(
      "at", centre.lat.toFixed(5) + "," + centre.lng.toFixed(5) + "," + map.getZoom()
    );
    window.history.replaceState(window.history.state, "", address);
  }

  async function draw() {
    const turn = ++asked;
    const now = query();
    let found = { spots: [], total: 0 };
    if (!now.none) {
      try {
        const answer = await window.fetch(part.dataset.spots + "?" + now.text);
        if (!answer.ok) throw new Error(String(answer.status));
        found = await answer.json();
      } catch {
        document.getElementById("announcer").textContent = document.body.dataset.fetchFailed;
        return;
      }
    }
    if (turn !== asked) return; // the window moved on meanwhile
    const focused = map.getContainer().contains(document.activeElement);
    layer.clearLayers();
    found.spots.forEach(function (row) { layer.addLayer(spot(row)); });
    if (focused && document.activeElement === document.body) map.getContainer().focus();
    part.dataset.drawn = String(found.total);
    await window.htmx.ajax("GET", part.dataset.beside + "?" + now.text, {
      target: "#map-list", swap: "innerHTML",
    });
    const total = document.querySelector("[data-map-total]");
    if (total) total.textContent = String(found.total);
  }

  function later() {
    remember();
    window.clearTimeout(timer);
    timer = window.setTimeout(draw, WAIT_MS);
  }

  async function drawCollectors() {
    if (!part.dataset.collectors) return;
    const answer = await window.fetch(part.dataset.collectors);
    if (!answer.ok) return;
    (await answer.json()).collectors.forEach(function (row) {
      const name = part.dataset.collectorWord + " " + row[2];
      marker([row[0], row[1]], "collector", 1, name, function () {
        window.location.assign(row[3]);
      }).addTo(collectors);
    });
  }

  function start() {
    part = document.getElementById("map");
    if (!part) return;
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    map = L.map(part, {
      maxZoom: 19, minZoom: 3, zoomControl: false, attributionControl: Boolean(part.dataset.tiles),
      zoomAnimation: !still, fadeAnimation: !still, markerZoomAnimation: !still,
    });
    L.control.zoom({ zoomInTitle: part.dataset.zoomIn, zoomOutTitle: part.dataset.zoomOut })
      .addTo(map);
    L.control.scale({ imperial: false }).addTo(map);
    if (part.dataset.tiles) {
      L.tileLayer(part.dataset.tiles, { attribution: part.dataset.attribution, maxZoom: 19 })
        .addTo(map);
    }
    layer = L.markerClusterGroup({
      maxClusterRadius: SPREAD_PX, iconCreateFunction: spread, showCoverageOnHover: false,
      animate: false, singleMarkerMode: false, disableClusteringAtZoom: null,
    });
    // Server-made clusters never merge again: only single meters go into the spreading layer.
    const many = L.layerGroup().addTo(map);
    const singles = layer.addTo(map);
    layer = {
      clearLayers: function () { many.clearLayers(); singles.clearLayers(); },
      addLayer: function (one) {
        (one.options.icon.options.className.includes("is-many") ? many : singles).addLayer(one);
      },
    };
    collectors = L.layerGroup().addTo(map);
    const at = (new URLSearchParams(window.location.search).get("at") || "").split(",").map(Number);
    if (at.length === 3 && at.every(Number.isFinite)) {
      map.setView([at[0], at[1]], at[2]);
    } else {
      const reach = part.dataset.reach.split(",").map(Number);
      map.fitBounds([[reach[0], reach[1]], [reach[2], reach[3]]], { padding: [30, 30], maxZoom: 17 });
    }
    map.on("moveend", later);
    document.addEventListener("change", function (event) {
      if (!event.target.matches("[data-level]")) return;
      if (event.target.dataset.level === "collector") {
        if (event.target.checked) collectors.addTo(map);
        else collectors.remove();
      } else {
        draw();
      }
    });
    document.addEventListener("click", function (event) {
      const row = event.target.closest("[data-open-meter]");
      if (row) openMeter(row.dataset.openMeter);
    });
    drawCollectors();
    draw();
  }

  // The group's list says by which name its value goes into the address.
  document.addEventListener("change", function (event) {
    const list = event.target.closest("[data-map-show]");
    if (list) list.name = list.selectedOptions[0].dataset.name;
  }, true);
  document.addEventListener("DOMContentLoaded", start);
})();
