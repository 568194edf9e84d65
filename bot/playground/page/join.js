// A device in the local network joins with the code that the playground's own machine shows.

import { h } from "./dom.js";
import { post, Refused, whenUnknown } from "./server.js";
import { speak, t } from "./words.js";

const CODE = /^[A-Z2-9]{4}-?[A-Z2-9]{4}$/i;

let joining = null;

export function joinWhenAsked() {
  whenUnknown(() => (joining ??= join()));
}

// Never resolves but by a reload: without a code there is nothing here.
async function join() {
  speak(navigator.language);
  const scanned = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
  if (CODE.test(scanned) && (await tried(scanned)) === null) return done();
  const code = h("input", { name: "code", required: true, autofocus: true, maxlength: "12", autocomplete: "one-time-code", autocapitalize: "characters", spellcheck: "false" });
  const wrong = h("p", { class: "wrong", role: "alert" });
  const form = h(
    "form",
    { method: "dialog" },
    h("img", { class: "face", src: "icon.svg", alt: "" }),
    h("h2", {}, t("join_title")),
    h("p", {}, t("join_hint")),
    h("label", {}, h("span", {}, t("join_code")), code),
    wrong,
    h("menu", {}, h("button", { class: "strong", value: "ok" }, t("join"))),
  );
  const dialog = h("dialog", { class: "ask join", "aria-label": t("join_title") }, form);
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  document.body.append(dialog);
  dialog.showModal();
  await new Promise((resolve) =>
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const refused = await tried(code.value);
      if (refused === null) return resolve();
      wrong.textContent = refused;
      code.select();
    }),
  );
  return done();
}

// Tries a code; what is wrong with it, or null.
async function tried(code) {
  try {
    await post("/join", { code });
    return null;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return error.status === 403 ? t("join_wrong") : error.status === 429 ? t("join_wait") : error.message;
  }
}

function done() {
  location.reload();
  return new Promise(() => {});
}
