// One entry of a conversation: a message, or the messages of an album, as a bubble with its buttons.

import { arrange, h, icon } from "./dom.js";
import { face, tintOf } from "./faces.js";
import { isGroup, isMine, model } from "./model.js";
import { mediaUrl } from "./server.js";
import { formatted } from "./text.js";
import { view } from "./viewer.js";
import { locale, t } from "./words.js";

const PHOTO_MAX = { width: 340, height: 420 };
const PHOTO_MIN_WIDTH = 160;

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
    { class: `bubble${media && !media.classList.contains("document") ? " pictured" : ""}` },
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
  if (message.video || message.animation) return said ? `🎞 ${said}` : t("film");
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

function mediaOf(entry, old) {
  const [message] = entry.messages;
  if (entry.messages.length > 1 && (message.photo || message.video)) return h("div", { class: `album n${Math.min(entry.messages.length, 10)}` }, entry.messages.map((one) => picture(one, old)));
  if (entry.messages.length > 1) return h("div", { class: "document" }, entry.messages.map(fileRow));
  if (message.photo || message.video || message.animation) return picture(message, old);
  return message.document ? h("div", { class: "document" }, fileRow(message)) : null;
}

function picture(message, old) {
  const film = message.video ?? message.animation;
  const id = film?.file_id ?? message.photo.at(-1).file_id;
  const before = old?.querySelector(`[data-file="${CSS.escape(id)}"]`);
  if (before) return before;
  if (film) return player(film, id);
  const [large] = message.photo.slice(-1);
  return h(
    "button",
    { type: "button", class: "photo", "data-file": id, "aria-label": message.caption ?? t("photo"), onclick: () => view(message) },
    h("img", { src: mediaUrl(id), alt: "", width: large.width, height: large.height, decoding: "async" }),
  );
}

function player(film, id) {
  const video = h("video", {
    src: mediaUrl(id), width: film.width, height: film.height, loop: true, muted: true, autoplay: true, controls: true,
    playsinline: true, preload: "auto", "aria-label": t("film"), poster: film.thumbnail ? mediaUrl(film.thumbnail.file_id) : null,
  });
  return h("div", { class: "film", "data-file": id }, video);
}

function fileRow(message) {
  const file = message.document;
  const shown = file.thumbnail ? h("img", { src: mediaUrl(file.thumbnail.file_id), alt: "" }) : h("span", { class: "sheet" }, icon("file"));
  return h(
    "a",
    { class: "file", href: mediaUrl(file.file_id), download: file.file_name ?? "file", "data-file": file.file_id },
    shown,
    h("span", {}, h("strong", {}, file.file_name ?? t("file")), h("span", {}, bytes(file.file_size))),
  );
}

export function bytes(count) {
  const power = Math.min(3, Math.floor(Math.log(Math.max(count, 1)) / Math.log(1024)));
  return `${(count / 1024 ** power).toLocaleString(locale(), { maximumFractionDigits: power ? 1 : 0 })} ${["B", "KB", "MB", "GB"][power]}`;
}

// The bubble is as wide as its picture, which fits into PHOTO_MAX; long captions wrap below it.
function size(body, entry) {
  const [message] = entry.messages;
  if (!message.photo && !message.video && !message.animation) return;
  const { width, height } = message.video ?? message.animation ?? message.photo.at(-1);
  const scale = Math.min(PHOTO_MAX.width / width, PHOTO_MAX.height / height);
  const fitted = entry.messages.length > 1 ? PHOTO_MAX.width : Math.max(PHOTO_MIN_WIDTH, Math.round(width * scale));
  body.style.setProperty("--media-width", `${fitted}px`);
  if (entry.messages.length === 1) body.style.setProperty("--media-ratio", `${width} / ${height}`);
}

function keyboard(message, acts) {
  const rows = message.reply_markup?.inline_keyboard;
  if (!rows) return null;
  return h(
    "div",
    { class: "keyboard" },
    rows.map((row) => h("div", {}, row.map((button) => keyOf(message, button, acts)))),
  );
}

function keyOf(message, button, acts) {
  if (button.url) return h("a", { class: "key", href: button.url, target: "_blank", rel: "noreferrer noopener" }, button.text, icon("link"));
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
