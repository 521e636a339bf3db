// Lets parts of a page look for news, only while somebody can see them. An element with data-live
// gets the event "live"; its hx-trigger says what to fetch. The server answers 204 when nothing
// is new. A tab in the background asks nothing, and at once when it comes to the front again.
(function () {
  "use strict";
  const EVERY_MS = 1200;

  function look() {
    if (document.visibilityState !== "visible") return;
    document.querySelectorAll("[data-live]").forEach(function (part) {
      window.htmx.trigger(part, "live");
    });
  }

  document.addEventListener("visibilitychange", look);
  window.setInterval(look, EVERY_MS);
})();
