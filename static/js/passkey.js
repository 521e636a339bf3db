// Passkeys and security keys (WebAuthn). A form marked data-passkey carries what the server asks
// for: "create" or "get" in a JSON script beside it (data-options), or an address to fetch it from
// (data-fetch). The browser's answer goes into the form's credential field, and the form is sent.
(function () {
  "use strict";

  function bytes(text) {
    const padded = text.replace(/-/g, "+").replace(/_/g, "/");
    return Uint8Array.from(atob(padded), function (letter) { return letter.charCodeAt(0); });
  }

  function text(buffer) {
    let letters = "";
    new Uint8Array(buffer).forEach(function (byte) { letters += String.fromCharCode(byte); });
    return btoa(letters).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function withBytes(listed) {
    return (listed || []).map(function (one) { return Object.assign({}, one, { id: bytes(one.id) }); });
  }

  async function create(asked, passwordless) {
    const wanted = Object.assign({}, asked.publicKey);
    wanted.challenge = bytes(wanted.challenge);
    wanted.user = Object.assign({}, wanted.user, { id: bytes(wanted.user.id) });
    wanted.excludeCredentials = withBytes(wanted.excludeCredentials);
    wanted.authenticatorSelection = Object.assign({}, wanted.authenticatorSelection, {
      residentKey: passwordless ? "required" : "discouraged",
      requireResidentKey: passwordless,
    });
    if (passwordless) wanted.authenticatorSelection.userVerification = "required";
    const made = await navigator.credentials.create({ publicKey: wanted });
    return {
      id: made.id,
      rawId: text(made.rawId),
      type: made.type,
      authenticatorAttachment: made.authenticatorAttachment,
      clientExtensionResults: made.getClientExtensionResults(),
      response: {
        clientDataJSON: text(made.response.clientDataJSON),
        attestationObject: text(made.response.attestationObject),
        transports: made.response.getTransports ? made.response.getTransports() : [],
      },
    };
  }

  async function get(asked) {
    const wanted = Object.assign({}, asked.publicKey);
    wanted.challenge = bytes(wanted.challenge);
    wanted.allowCredentials = withBytes(wanted.allowCredentials);
    const found = await navigator.credentials.get({ publicKey: wanted });
    return {
      id: found.id,
      rawId: text(found.rawId),
      type: found.type,
      authenticatorAttachment: found.authenticatorAttachment,
      clientExtensionResults: found.getClientExtensionResults(),
      response: {
        clientDataJSON: text(found.response.clientDataJSON),
        authenticatorData: text(found.response.authenticatorData),
        signature: text(found.response.signature),
        userHandle: found.response.userHandle ? text(found.response.userHandle) : null,
      },
    };
  }

  async function options(form) {
    if (!form.dataset.fetch) {
      return JSON.parse(document.getElementById(form.dataset.options).textContent);
    }
    const answer = await fetch(form.dataset.fetch, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }

  function tell(form, on) {
    const place = form.querySelector("[data-passkey-failed]");
    if (place) place.hidden = !on;
  }

  document.querySelectorAll("form[data-passkey]").forEach(function (form) {
    const possible = Boolean(window.PublicKeyCredential);
    form.querySelectorAll("[data-passkey-absent]").forEach(function (place) {
      place.hidden = possible;
    });
    const button = form.querySelector("[data-passkey-button]");
    button.disabled = !possible;
    form.addEventListener("submit", async function (event) {
      event.preventDefault();
      tell(form, false);
      button.disabled = true;
      try {
        const told = await options(form);
        const passwordless = form.querySelector("input[name=passwordless]");
        const credential = form.dataset.passkey === "create"
          ? await create(told.creation_options, Boolean(passwordless && passwordless.checked))
          : await get(told.request_options);
        form.querySelector("input[name=credential]").value = JSON.stringify(credential);
        form.submit();
      } catch (error) {
        // Cancelled, timed out, or no fitting key: the browser does not say which, on purpose.
        button.disabled = false;
        tell(form, true);
      }
    });
  });
})();
