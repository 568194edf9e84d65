// Before files are sent: what they are, as photo or as file, and the words with them.

import { confirmDialog, show, toast } from "./dialogs.js";
import { h, icon } from "./dom.js";
import { bytes } from "./media.js";
import { model } from "./model.js";
import * as server from "./server.js";
import { t } from "./words.js";

const ALBUM_MAX = 10;

const isPicture = (file) => /^(image|video)\//.test(file.type) || /\.(heic|heif|avif)$/i.test(file.name);

// `where` has reply_to and topic. Resolves with whether something was sent.
export async function offer(files, where, { asFiles = null, caption = "" } = {}) {
  const chosen = [...files].slice(0, ALBUM_MAX);
  if (!chosen.length) return false;
  const pictures = chosen.every(isPicture);
  const urls = chosen.map((file) => URL.createObjectURL(file));
  const words = h("textarea", { rows: "1", placeholder: t("caption"), "aria-label": t("caption"), autofocus: true, maxlength: "1024" });
  words.value = caption;
  const compress = h("input", { type: "checkbox", checked: pictures && asFiles !== true, disabled: !pictures });
  const previews = chosen.map((file, i) => preview(file, urls[i]));
  const send = h("button", { class: "strong", value: "ok" }, icon("send"), h("span", {}, chosen.length > 1 ? t("send_n", { n: chosen.length }) : t("send")));
  words.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send.click();
    }
  });
  const agreed = await show(
    h(
      "form",
      { method: "dialog" },
      h("div", { class: `previews n${chosen.length}` }, previews),
      pictures ? h("label", { class: "switch" }, compress, h("span", {}, h("b", {}, t("compress")), h("small", {}, t("compress_hint")))) : null,
      words,
      h("menu", {}, h("button", { value: "" }, t("cancel")), send),
    ),
    { class: "sheet-dialog", "aria-label": t("attach") },
  );
  for (const url of urls) URL.revokeObjectURL(url);
  if (!agreed) return false;
  return deliver(chosen, { ...where, caption: words.value.trim(), as_files: !compress.checked || !pictures });
}

async function deliver(files, values) {
  const path = `/chats/${model.chatId}/messages`;
  try {
    await server.post(path, server.filesForm(files, { person: model.me, ...values }));
    return true;
  } catch (error) {
    const asPhoto = error instanceof server.Refused && !values.as_files;
    if (asPhoto && (await confirmDialog(t("unreadable")))) return deliver(files, { ...values, as_files: true });
    if (!asPhoto) toast(error.message);
    return false;
  }
}

function preview(file, url) {
  const name = h("span", { class: "named" }, h("b", {}, file.name || t("photo")), h("small", {}, bytes(file.size)));
  if (file.type.startsWith("video/")) return h("figure", {}, h("video", { src: url, muted: true, autoplay: true, loop: true, playsinline: true }));
  if (!isPicture(file)) return h("figure", { class: "plain" }, h("span", { class: "sheet" }, icon("file")), name);
  const image = h("img", { src: url, alt: file.name });
  const figure = h("figure", {}, image);
  // The browser cannot show every picture that the playground can send (HEIC).
  image.addEventListener("error", () => {
    figure.classList.add("plain");
    figure.replaceChildren(h("span", { class: "sheet" }, icon("photo")), name);
  });
  return figure;
}
