// The frame: theme switch, menus that close, values that copy, rows that open, htmx's errors told.
(function () {
  "use strict";

  function announce(text) {
    const region = document.getElementById("announcer");
    if (region) region.textContent = text;
  }

  function showTheme() {
    document.querySelectorAll("[data-theme-choice]").forEach(function (button) {
      const pressed = button.dataset.themeChoice === window.readyTheme.chosen();
      button.setAttribute("aria-pressed", String(pressed));
    });
  }

  async function copy(button) {
    await navigator.clipboard.writeText(button.dataset.copy);
    announce(button.dataset.copied);
    button.classList.add("is-copied");
    window.setTimeout(function () { button.classList.remove("is-copied"); }, 1200);
  }

  document.addEventListener("click", function (event) {
    const theme = event.target.closest("[data-theme-choice]");
    if (theme) {
      window.readyTheme.choose(theme.dataset.themeChoice);
      showTheme();
    }
    const value = event.target.closest("[data-copy]");
    if (value) {
      event.stopPropagation();
      copy(value);
      return;
    }
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      if (theme || !menu.contains(event.target)) menu.open = false;
    });
    const row = event.target.closest("tr[data-href]:not([data-drawer])");
    if (row && !event.target.closest("a, button, input, label, summary")) {
      window.location.assign(row.dataset.href);
    }
  });

  document.addEventListener("change", function (event) {
    const form = event.target.closest("form[data-submit-on-change]");
    if (form) form.requestSubmit();
  });

  // A fragment that could not be fetched says so where it would have stood.
  function fragmentFailed(event) {
    const text = document.body.dataset.fetchFailed;
    const target = event.detail.target || event.target;
    const note = document.createElement("p");
    note.className = "message message-error";
    note.setAttribute("role", "alert");
    note.textContent = text;
    target.replaceChildren(note);
  }

  // Where the tabs are wider than the window, the current one is in sight.
  function showTab() {
    document.querySelectorAll(".tabs").forEach(function (tabs) {
      const current = tabs.querySelector("[aria-current], [aria-selected='true']");
      if (current) tabs.scrollLeft = current.offsetLeft - (tabs.clientWidth - current.offsetWidth) / 2;
    });
  }

  document.addEventListener("htmx:responseError", fragmentFailed);
  document.addEventListener("htmx:sendError", fragmentFailed);
  document.addEventListener("htmx:timeout", fragmentFailed);
  document.addEventListener("DOMContentLoaded", showTheme);
  document.addEventListener("DOMContentLoaded", showTab);
})();
