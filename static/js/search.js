// The search in the top bar: what is found hangs under it as you type; arrows walk through it,
// Enter opens, Escape closes. Enter with nothing chosen searches the meter list, as without script.
(function () {
  "use strict";
  const WAIT_MS = 180;
  const LEAST = 2;
  let timer = 0;
  let asked = 0;

  function input() { return document.getElementById("search"); }
  function panel() { return document.getElementById("search-found"); }
  function options() { return Array.from(panel().querySelectorAll("a[role=option]")); }

  function close() {
    panel().hidden = true;
    input().setAttribute("aria-expanded", "false");
    input().removeAttribute("aria-activedescendant");
  }

  function choose(index) {
    options().forEach(function (option, at) {
      option.id = "found-" + at;
      option.setAttribute("aria-selected", String(at === index));
      if (at === index) {
        input().setAttribute("aria-activedescendant", option.id);
        option.scrollIntoView({ block: "nearest" });
      }
    });
    if (index < 0) input().removeAttribute("aria-activedescendant");
  }

  async function look() {
    const words = input().value.trim();
    const turn = ++asked;
    if (words.length < LEAST) {
      close();
      return;
    }
    const address = input().dataset.search + "?" + new URLSearchParams({ q: words });
    try {
      const answer = await window.fetch(address, { headers: { "HX-Request": "true" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const text = await answer.text();
      if (turn !== asked || document.activeElement !== input()) return;
      panel().replaceChildren(document.createRange().createContextualFragment(text));
    } catch {
      panel().textContent = document.body.dataset.fetchFailed;
    }
    panel().hidden = false;
    input().setAttribute("aria-expanded", "true");
    choose(-1);
  }

  document.addEventListener("input", function (event) {
    if (event.target !== input()) return;
    window.clearTimeout(timer);
    timer = window.setTimeout(look, WAIT_MS);
  });

  document.addEventListener("keydown", function (event) {
    if (!input() || event.target !== input() || panel().hidden) return;
    const all = options();
    const at = all.findIndex(function (one) { return one.getAttribute("aria-selected") === "true"; });
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      choose(Math.max(-1, Math.min(all.length - 1, at + step)));
    } else if (event.key === "Enter" && at >= 0) {
      event.preventDefault();
      window.location.assign(all[at].href);
    } else if (event.key === "Escape") {
      close();
    }
  });

  document.addEventListener("focusin", function (event) {
    if (!panel()) return;
    if (event.target !== input() && !panel().contains(event.target)) close();
    else if (event.target === input() && input().value.trim().length >= LEAST) look();
  });
  document.addEventListener("click", function (event) {
    if (panel() && !event.target.closest(".search")) close();
  });
})();
