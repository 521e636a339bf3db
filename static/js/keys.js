// Keyboard: "/" search, "g" then a letter goes to a section, "?" help, arrows walk table rows.
(function () {
  "use strict";
  const GO_WITHIN_MS = 1200;
  let goSince = 0;

  function typing(target) {
    return target.closest("input, textarea, select, [contenteditable], dialog");
  }

  function go(letter) {
    const link = document.querySelector('[data-go="' + CSS.escape(letter) + '"]');
    if (link) window.location.assign(link.href);
    return Boolean(link);
  }

  function walk(event) {
    const row = event.target.closest("tr[data-href], [data-rows]");
    if (!row) return false;
    const rows = Array.from(row.closest("[data-rows]").querySelectorAll("tr[data-href]"));
    const at = rows.indexOf(row);
    const next = rows[event.key === "ArrowDown" ? at + 1 : Math.max(at - 1, 0)];
    if (next) next.focus();
    return Boolean(next);
  }

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      document.querySelectorAll("details.menu[open]").forEach(function (menu) {
        menu.open = false;
        menu.querySelector("summary").focus();
      });
      if (event.target.matches("input[type=search]")) event.target.blur();
      return;
    }
    if (typing(event.target)) return;
    if (goSince && event.timeStamp - goSince < GO_WITHIN_MS) {
      goSince = 0;
      if (go(event.key)) event.preventDefault();
      return;
    }
    if (event.key === "g") {
      goSince = event.timeStamp;
    } else if (event.key === "/") {
      const search = document.getElementById("search");
      if (!search) return;
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "?") {
      const help = document.getElementById("help");
      if (help) help.togglePopover();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (walk(event)) event.preventDefault();
    } else if (event.key === "Enter" && event.target.matches("tr[data-href]")) {
      window.location.assign(event.target.dataset.href);
    }
  });
})();
