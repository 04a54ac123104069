// Passkeys (WebAuthn level 3): asks the node for options, lets the browser do its part, and sends the form with what it answered.
// A browser that cannot do it never shows the form.
(() => {
  'use strict';
  const able = window.PublicKeyCredential?.parseRequestOptionsFromJSON && navigator.credentials && window.isSecureContext;
  if (!able) return;
  for (const hint of document.querySelectorAll('[data-passkey-missing]')) hint.hidden = true;
  for (const form of document.querySelectorAll('form[data-passkey]')) {
    const error = form.querySelector('[data-passkey-error]'), button = form.querySelector('button');
    const say = text => { error.textContent = text; error.hidden = !text; };
    form.hidden = false;
    form.addEventListener('submit', async event => {
      event.preventDefault();
      say('');
      button.disabled = true;
      try {
        const asked = await fetch(form.dataset.options, { method: 'POST', body: new URLSearchParams(new FormData(form)), credentials: 'same-origin', headers: { Accept: 'application/json' } });
        const answer = await asked.json();
        if (!asked.ok) { say(answer.detail || answer.title || form.dataset.failed); return; }
        const credential = form.dataset.passkey === 'create'
          ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(answer) })
          : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(answer) });
        form.elements.credential.value = JSON.stringify(credential);
        if (form.elements.password) form.elements.password.value = ''; // it was checked with the options
        form.submit();
      } catch {
        say(form.dataset.failed); // cancelled, timed out, or no passkey of this node here
      } finally {
        button.disabled = false;
      }
    });
  }
})();
