// Bytes and fields light each other up: under the pointer, by keyboard focus, or by a tap.
(function () {
  "use strict";
  let lit = "";

  function light(id) {
    if (id === lit) return;
    document.querySelectorAll(".is-lit").forEach(function (part) {
      part.classList.remove("is-lit");
    });
    lit = id;
    if (!id) return;
    document.querySelectorAll('[data-part="' + CSS.escape(id) + '"]').forEach(function (part) {
      part.classList.add("is-lit");
    });
  }

  function idOf(target) {
    const part = target instanceof Element ? target.closest("[data-part]") : null;
    return part ? part.dataset.part : "";
  }

  document.addEventListener("pointerover", function (event) {
    light(idOf(event.target));
  });
  // A tap or click brings the other one into sight: bytes and fields stand apart on a small screen.
  document.addEventListener("click", function (event) {
    const id = idOf(event.target);
    if (!id) return;
    light(id);
    const clicked = event.target.closest("[data-part]");
    document.querySelectorAll('[data-part="' + CSS.escape(id) + '"]').forEach(function (part) {
      if (part !== clicked) part.scrollIntoView({ block: "nearest" });
    });
  });
  document.addEventListener("focusin", function (event) {
    light(idOf(event.target));
  });
})();
