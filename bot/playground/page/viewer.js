// A picture over the whole screen; arrows go to the others of the conversation.

import { h, iconButton } from "./dom.js";
import { messagesOf, model } from "./model.js";
import { mediaUrl } from "./server.js";
import { t } from "./words.js";

export function view(message) {
  const pictures = messagesOf(model.chatId).filter((one) => one.photo);
  let at = pictures.findIndex((one) => one.message_id === message.message_id && one.chat.id === message.chat.id);
  const picture = h("img", { alt: "" });
  const caption = h("p", {});
  const link = h("a", { class: "icon", download: "throwback.jpg", "aria-label": t("download"), title: t("download") });
  link.append(iconButton("download", t("download")).firstChild);
  const dialog = h(
    "dialog",
    { class: "viewer", "aria-label": t("photo") },
    h("header", {}, link, iconButton("close", t("close"), () => dialog.close(), { autofocus: true })),
    picture,
    caption,
  );
  function draw() {
    const shown = pictures[at];
    picture.src = mediaUrl(shown.photo.at(-1).file_id);
    picture.alt = shown.caption ?? t("photo");
    caption.textContent = shown.caption ?? "";
    link.href = picture.src;
    dialog.classList.remove("near");
  }
  function step(by) {
    if (by === 0 || pictures[at + by] === undefined) return;
    at += by;
    draw();
  }
  dialog.addEventListener("keydown", (event) => step({ ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0));
  dialog.addEventListener("click", (event) => {
    if (event.target === picture) dialog.classList.toggle("near");
    else if (event.target === dialog || event.target === caption) dialog.close();
  });
  dialog.addEventListener("close", () => dialog.remove());
  draw();
  document.body.append(dialog);
  dialog.showModal();
}
