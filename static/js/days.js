// A day is typed as text in the one form that READY has; a button opens the browser's own calendar
// and writes the chosen day back in that form.
(function () {
  "use strict";

  function parts(text) {
    const told = /^\s*(\d{1,2})[-./ ](\d{1,2})[-./ ](\d{4})\s*$/.exec(text);
    return told ? [told[3], told[2].padStart(2, "0"), told[1].padStart(2, "0")] : null;
  }

  function prepare(root) {
    root.querySelectorAll(".day").forEach(function (day) {
      const button = day.querySelector("[data-day-open]");
      if (typeof HTMLInputElement.prototype.showPicker === "function") button.hidden = false;
    });
  }

  document.addEventListener("click", function (event) {
    const button = event.target.closest("[data-day-open]");
    if (!button) return;
    const day = button.closest(".day");
    const native = day.querySelector(".day-native");
    const told = parts(day.querySelector("input[type=text]").value);
    native.value = told ? told.join("-") : "";
    native.showPicker();
  });

  document.addEventListener("change", function (event) {
    if (!event.target.classList.contains("day-native") || !event.target.value) return;
    event.stopPropagation();
    const text = event.target.closest(".day").querySelector("input[type=text]");
    text.value = event.target.value.split("-").reverse().join("-");
    text.dispatchEvent(new Event("change", { bubbles: true }));
    text.focus();
  });

  document.addEventListener("htmx:load", function (event) {
    prepare(event.detail.elt.parentElement || document);
  });
  document.addEventListener("DOMContentLoaded", function () { prepare(document); });
})();
