// The meter list: ticking rows (also over pages), the bar of what can be done to them, the drawer
// beside the list, the order of columns. htmx swaps #list; what is ticked is remembered here for as
// long as the list shows the same meters.
(function () {
  "use strict";
  const WIDE = window.matchMedia("(width >= 768px)");
  const ticked = new Set();
  let everything = false;
  let what = null;
  let opened = null;

  function list() { return document.getElementById("list"); }
  function boxes() { return Array.from(document.querySelectorAll("#list [data-tick]")); }

  // ── What is ticked ────────────────────────────────────────────────────────────────────────────
  function show() {
    const bar = document.getElementById("selection");
    boxes().forEach(function (box) {
      box.checked = everything || ticked.has(box.value);
      box.closest("tr").setAttribute("aria-selected", String(box.checked));
    });
    const all = document.querySelector("#list [data-tick-all]");
    if (all) {
      const on = boxes().filter(function (box) { return box.checked; }).length;
      all.checked = on > 0 && on === boxes().length;
      all.indeterminate = on > 0 && !all.checked;
    }
    if (!bar) return;
    bar.hidden = !everything && ticked.size === 0;
    // Of all that match, the server says how many there are, in the page's own words.
    bar.querySelector("[data-selected]").textContent = everything ? list().dataset.told : ticked.size;
    bar.elements.meters.value = Array.from(ticked).join(",");
    bar.elements.everything.value = everything ? "1" : "";
    const one = !everything && ticked.size === 1 ? Array.from(ticked)[0] : null;
    bar.querySelectorAll("[data-of-one]").forEach(function (link) {
      link.hidden = one === null;
      if (one !== null) {
        link.href = bar.dataset[link.dataset.ofOne].replace("/0/", "/" + one + "/");
      }
    });
    const compare = bar.querySelector("[data-compare]");
    if (compare) {
      const fits = !everything && ticked.size <= Number(compare.dataset.most);
      if (fits) {
        compare.href = compare.dataset.compare + "?meters=" + Array.from(ticked).join(",");
        compare.removeAttribute("aria-disabled");
      } else {
        compare.removeAttribute("href");
        compare.setAttribute("aria-disabled", "true");
      }
      compare.title = fits ? "" : compare.dataset.many;
    }
    const more = bar.querySelector("[data-select-everything]");
    if (more) more.hidden = everything;
  }

  function tick(box, on) {
    if (everything) { // from "all" to "these": only the page in sight can be named
      everything = false;
      boxes().forEach(function (other) { ticked.add(other.value); });
    }
    if (on) ticked.add(box.value);
    else ticked.delete(box.value);
  }

  // A list that very many match is not counted for every page: it is once somebody wants them all.
  let counted = null;

  async function countAll() {
    const part = list();
    if (!part.dataset.count) return;
    try {
      if (counted === null) {
        const answer = await window.fetch(part.dataset.count);
        if (!answer.ok) return;
        const told = (await answer.json()).told;
        if (part.dataset.list !== what) return; // another list came meanwhile
        counted = told;
      }
      list().dataset.told = counted;
      delete list().dataset.count;
      show();
    } catch (error) {
      // "More than" stays; every act says the number before it is done.
    }
  }

  function none() {
    everything = false;
    ticked.clear();
  }

  // ── The drawer ────────────────────────────────────────────────────────────────────────────────
  function openDrawer(row) {
    const drawer = document.getElementById("drawer");
    opened = row.dataset.meter;
    drawer.hidden = false;
    document.querySelectorAll("#list tr.is-current").forEach(function (other) {
      other.classList.remove("is-current");
    });
    row.classList.add("is-current");
    window.htmx.ajax("GET", row.dataset.drawer, { target: drawer, swap: "innerHTML" });
  }

  function closeDrawer() {
    const drawer = document.getElementById("drawer");
    if (!drawer || drawer.hidden) return false;
    drawer.hidden = true;
    drawer.replaceChildren();
    const row = document.querySelector('#list tr[data-meter="' + opened + '"]');
    opened = null;
    if (row) {
      row.classList.remove("is-current");
      row.focus();
    }
    return true;
  }

  // ── Events ────────────────────────────────────────────────────────────────────────────────────
  document.addEventListener("change", function (event) {
    const box = event.target;
    if (box.matches("[data-tick]")) {
      tick(box, box.checked);
      show();
    } else if (box.matches("[data-tick-all]")) {
      const on = box.checked;
      if (!on && everything) none();
      boxes().forEach(function (other) { tick(other, on); });
      show();
    }
  });

  document.addEventListener("click", function (event) {
    const target = event.target;
    if (target.closest("[data-select-everything]")) {
      everything = true;
      show();
      countAll();
    } else if (target.closest("[data-select-none]")) {
      none();
      show();
    } else if (target.closest("[data-close-drawer]")) {
      closeDrawer();
    }
    const move = target.closest("[data-move]");
    if (move) {
      const item = move.closest("li");
      const other = move.dataset.move === "1" ? item.nextElementSibling : item.previousElementSibling;
      if (other) other[move.dataset.move === "1" ? "after" : "before"](item);
      move.focus();
    }
    const row = target.closest("tr[data-drawer]");
    if (row && !target.closest("a, button, input, label, summary")) {
      if (WIDE.matches) openDrawer(row);
      else window.location.assign(row.dataset.href);
    }
  });

  document.addEventListener("dblclick", function (event) {
    const row = event.target.closest("tr[data-drawer]");
    if (row && !event.target.closest("a, button, input, label")) {
      window.location.assign(row.dataset.href);
    }
  });

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && !document.querySelector("details.menu[open]")) {
      if (closeDrawer()) event.preventDefault();
      return;
    }
    const row = event.target.closest ? event.target.closest("tr[data-drawer]") : null;
    if (event.key === " " && row && event.target === row) {
      event.preventDefault();
      const box = row.querySelector("[data-tick]");
      tick(box, !box.checked);
      show();
    }
  });

  function settle() {
    if (!list()) return;
    if (list().dataset.list !== what) {
      what = list().dataset.list;
      counted = null;
      none();
    }
    if (everything) countAll(); // another page of the same list
    // Groups lie open beside the list, and under a button where there is no room beside it.
    const groups = list().querySelector("details.groups");
    if (groups) groups.open = window.matchMedia("(width >= 1100px)").matches;
    show();
    if (opened) {
      const row = document.querySelector('#list tr[data-meter="' + opened + '"]');
      if (row) row.classList.add("is-current");
    }
  }

  document.addEventListener("htmx:afterSettle", settle);
  document.addEventListener("DOMContentLoaded", settle);
})();
