// A serial number by the camera, where the browser can read bar codes: the button opens the camera,
// and the 8 digits of the code go into the field.
(function () {
  "use strict";
  if (!("BarcodeDetector" in window)) return;

  document.querySelectorAll("[data-scan]").forEach(function (button) {
    const picture = document.querySelector('[data-scan-picture="' + button.dataset.scan + '"]');
    const field = document.getElementById(button.dataset.scan);
    button.hidden = false;
    button.addEventListener("click", function () { picture.click(); });
    picture.addEventListener("change", async function () {
      if (!picture.files.length) return;
      const bitmap = await window.createImageBitmap(picture.files[0]);
      const codes = await new window.BarcodeDetector().detect(bitmap);
      const told = codes
        .map(function (code) { return /\d{8}/.exec(code.rawValue); })
        .find(function (match) { return match; });
      if (told) {
        field.value = told[0];
        field.dispatchEvent(new Event("input", { bubbles: true }));
      } else {
        document.getElementById("announcer").textContent = picture.dataset.nothing;
        field.setCustomValidity(picture.dataset.nothing);
        field.reportValidity();
        field.addEventListener("input", function () { field.setCustomValidity(""); }, { once: true });
      }
      picture.value = "";
    });
  });
})();
