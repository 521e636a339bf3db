// Light, dark or as the system does. Loaded in the head without defer, so that the first paint is
// already right; ready.js calls window.readyTheme when a person chooses.
(function () {
  "use strict";
  const KEY = "ready-theme";
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    try {
      return window.localStorage.getItem(KEY) || "auto";
    } catch {
      return "auto"; // storage may be forbidden; then the system decides
    }
  }

  function apply() {
    const theme = chosen();
    const dark = theme === "dark" || (theme === "auto" && system.matches);
    document.documentElement.dataset.bsTheme = dark ? "dark" : "light";
    document.dispatchEvent(new CustomEvent("ready:theme", { detail: { dark: dark } }));
  }

  function choose(theme) {
    try {
      window.localStorage.setItem(KEY, theme);
    } catch {
      return;
    }
    apply();
  }

  system.addEventListener("change", apply);
  window.addEventListener("storage", apply);
  apply();
  window.readyTheme = { chosen: chosen, choose: choose };
})();
