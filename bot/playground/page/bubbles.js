// One entry of a conversation: a message, or the messages of an album, as a bubble with its buttons.

import { arrange, h, icon } from "./dom.js";
import { face, tintOf } from "./faces.js";
import { isBare, mediaOf, size } from "./media.js";
import { isGroup, isMine, model } from "./model.js";
import { mediaUrl } from "./server.js";
import { opensStickers } from "./stickers.js";
import { formatted } from "./text.js";
import { locale, t } from "./words.js";

const shown = new WeakMap(); // by article: the message its menu is about, and its buttons as text

// `entry` has `messages` and whether it is `first` and `last` of those its sender said in a row.
// `old` is how it looked before, and becomes the new look where it can: a film that plays goes on playing, and buttons
// that stay the same keep the focus and a press that has begun.
export function bubble(entry, acts, old) {
  const message = entry.messages[0];
  const service = serviceText(message);
  if (service) return h("div", { class: "service" }, h("span", {}, service));
  const mine = isMine(message);
  const last = entry.messages.at(-1);
  const captioned = entry.messages.find((one) => one.caption);
  const media = mediaOf(entry, old);
  const time = () => stamp(last, mine, entry.messages.some((one) => one.edit_date && !one.reply_markup));
  const said = words(message, captioned, acts);
  // The time is on the last line: an unseen copy of it keeps its place among the words.
  said?.append(h("span", { class: "room", "aria-hidden": "true" }, time()));
  const body = h(
    "div",
    { class: `bubble${isBare(message) ? " bare" : media && !media.classList.contains("document") ? " pictured" : ""}` },
    entry.first && !mine && isGroup(model.chats.get(model.chatId)) ? h("strong", { class: `name ${tintOf(message.from.id)}`, dir: "auto" }, nameOf(message)) : null,
    message.forward_origin ? h("span", { class: "origin" }, t("forwarded", { name: message.forward_origin.sender_user.first_name })) : null,
    message.via_bot && message.via_bot.id !== message.from.id ? h("span", { class: "origin" }, t("via", { name: message.via_bot.username })) : null,
    quote(message, acts),
    media && !said ? h("div", { class: "timed" }, media, time()) : media,
    said,
    media && !said ? null : time(),
  );
  if (media) size(body, entry);
  const element = old?.matches("article") ? old : article(acts);
  const before = shown.get(element);
  const keys = JSON.stringify(last.reply_markup?.inline_keyboard ?? null);
  shown.set(element, { message: last, keys });
  element.className = `entry ${mine ? "mine" : "theirs"}${entry.first ? " first" : ""}${entry.last ? " last" : ""}`;
  element.setAttribute("aria-label", spoken(message, captioned));
  const beside = !mine && isGroup(model.chats.get(model.chatId)) ? h("div", { class: "beside" }, entry.last ? face(message.sender_chat ?? message.from) : null) : null;
  const stack = element.querySelector(":scope > .stack");
  const buttons = before?.keys === keys ? stack.querySelector(":scope > .keyboard") : keyboard(last, acts);
  arrange(stack, [body, buttons].filter(Boolean));
  arrange(element, [beside, stack].filter(Boolean));
  return element;
}

function article(acts) {
  const element = h("article", { tabindex: "0" }, h("div", { class: "stack" }));
  const menu = (x, y) => acts.menu(shown.get(element).message, x, y);
  element.addEventListener("contextmenu", (event) => {
    event.preventDefault();
    menu(event.clientX, event.clientY);
  });
  element.addEventListener("dblclick", () => acts.reply(shown.get(element).message));
  element.addEventListener("keydown", (event) => {
    if (event.target === element && (event.key === "Enter" || event.key === "ContextMenu")) {
      const box = element.querySelector(".bubble").getBoundingClientRect();
      menu(box.left + 20, box.top + 20);
      event.preventDefault();
    }
  });
  return element;
}

export function nameOf(message) {
  return message.sender_chat?.title ?? message.from.first_name;
}

// What a message is in a few words, for the list of chats, quotes and screen readers.
export function gist(message) {
  const said = message.text ?? message.caption;
  if (message.photo) return said ? `🖼 ${said}` : t("photo");
  if (message.sticker) return `${message.sticker.emoji ?? ""} ${t("sticker")}`.trim();
  if (message.video_note) return t("video_note");
  if (message.animation) return said ? `🎞 ${said}` : "GIF";
  if (message.video) return said ? `🎞 ${said}` : t("film");
  if (message.document) return said ? `📄 ${said}` : (message.document.file_name ?? t("file"));
  return said ?? serviceText(message) ?? "";
}

function serviceText(message) {
  if (message.new_chat_members) return t("joined", { name: message.new_chat_members[0].first_name });
  if (message.left_chat_member) return t("left", { name: message.left_chat_member.first_name });
  if (message.forum_topic_created) return t("topic_opened", { name: message.forum_topic_created.name });
  if (message.migrate_to_chat_id || message.migrate_from_chat_id) return t("migrated");
  return null;
}

export const isService = (message) => serviceText(message) !== null;

function spoken(message, captioned) {
  return `${isMine(message) ? t("you") : nameOf(message)}: ${gist(captioned ?? message)}, ${clock(message)}`;
}

function quote(message, acts) {
  const answered = message.reply_to_message;
  if (!answered || answered.forum_topic_created) return null;
  return h(
    "button",
    { type: "button", class: `quote ${tintOf(answered.from.id)}`, onclick: () => acts.jump(answered) },
    answered.photo ? h("img", { src: mediaUrl(answered.photo[0].file_id), alt: "" }) : null,
    h("span", {}, h("strong", {}, isMine(answered) ? t("you") : nameOf(answered)), h("span", {}, gist(answered))),
  );
}

function words(message, captioned, acts) {
  if (message.text !== undefined) {
    const large = /^\p{Extended_Pictographic}(\u200d?\p{Extended_Pictographic}|\ufe0f){0,4}$/u.test(message.text) && !message.reply_to_message;
    return h("div", { class: large ? "words large" : "words", dir: "auto" }, formatted(message.text, message.entities, acts.tap));
  }
  return captioned ? h("div", { class: "words", dir: "auto" }, formatted(captioned.caption, captioned.caption_entities, acts.tap)) : null;
}

function stamp(message, mine, edited) {
  return h(
    "time",
    { class: "stamp", datetime: new Date(1000 * message.date).toISOString() },
    edited ? `${t("edited")} ` : null,
    clock(message),
    mine ? icon("seen") : null,
  );
}

const clock = (message) => new Date(1000 * message.date).toLocaleTimeString(locale(), { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

function keyboard(message, acts) {
  const rows = message.reply_markup?.inline_keyboard;
  if (!rows) return null;
  return h(
    "div",
    { class: "keyboard" },
    rows.map((row) => h("div", { class: row.length > 3 ? "narrow" : null }, row.map((button) => keyOf(message, button, acts)))),
  );
}

function keyOf(message, button, acts) {
  if (button.url) {
    const opened = (event) => opensStickers(button.url) && event.preventDefault();
    return h("a", { class: "key", href: button.url, target: "_blank", rel: "noreferrer noopener", onclick: opened }, button.text, icon("link"));
  }
  const element = h("button", { type: "button", class: "key" }, button.text);
  element.addEventListener("click", async () => {
    if (element.classList.contains("waiting")) return;
    element.classList.add("waiting");
    element.setAttribute("aria-busy", "true");
    try {
      await acts.press(message, button);
    } finally {
      element.classList.remove("waiting");
      element.removeAttribute("aria-busy");
    }
  });
  return element;
}
