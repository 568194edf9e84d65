// A picture over the whole screen; arrows go to the others of the conversation, and a result is compared with its photo.

import { slider, today } from "./compare.js";
import { open } from "./dialogs.js";
import { h, icon, iconButton } from "./dom.js";
import { messagesOf, model } from "./model.js";
import { mediaUrl } from "./server.js";
import { t } from "./words.js";

export function view(message, { comparing = false } = {}) {
  const pictures = messagesOf(model.chatId).filter((one) => one.photo);
  let at = pictures.findIndex((one) => one.message_id === message.message_id && one.chat.id === message.chat.id);
  let shown = null;
  const stage = h("div", { class: "stage" });
  const caption = h("p", {});
  const link = h("a", { class: "icon", download: "throwback.jpg", "aria-label": t("download"), title: t("download") }, icon("download"));
  const compare = iconButton("compare", t("compare"), () => draw(!stage.querySelector(".comparison")), { hidden: true });
  const dialog = h(
    "dialog",
    { class: "viewer", "aria-label": t("photo") },
    h("header", {}, compare, link, iconButton("close", t("close"), () => dialog.close(), { autofocus: true })),
    stage,
    caption,
  );
  async function draw(asked = false) {
    const one = (shown = pictures[at]);
    const [{ file_id, width, height }] = one.photo.slice(-1);
    const picture = h("img", { src: mediaUrl(file_id), alt: one.caption ?? t("photo"), width, height });
    stage.replaceChildren(picture);
    caption.textContent = one.caption ?? "";
    link.href = picture.src;
    dialog.classList.remove("near");
    compare.hidden = true;
    const below = one.from.id === model.bot.id ? await today(one) : null;
    if (shown !== one || !below) return;
    compare.hidden = false;
    compare.setAttribute("aria-pressed", String(asked));
    if (!asked) return;
    const frame = slider(picture, below);
    frame.style.setProperty("--ratio", width / height);
    stage.replaceChildren(frame);
    frame.querySelector("input").focus();
  }
  function step(by) {
    if (by === 0 || pictures[at + by] === undefined) return;
    at += by;
    draw();
  }
  dialog.addEventListener("keydown", (event) => {
    if (!event.target.matches("input")) step({ ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target.parentElement === stage && event.target.matches("img")) dialog.classList.toggle("near");
    else if ([dialog, stage, caption].includes(event.target)) dialog.close();
  });
  draw(comparing);
  open(dialog);
}
