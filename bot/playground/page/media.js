// What a message shows besides words: pictures, films, round films, stickers and files.

import { offerComparison } from "./compare.js";
import { h, icon } from "./dom.js";
import { mediaUrl } from "./server.js";
import { openStickers } from "./stickers.js";
import { view } from "./viewer.js";
import { locale, t } from "./words.js";

const PHOTO_MAX = { width: 340, height: 420 }; // px
const PHOTO_MIN_WIDTH = 160; // px
const STICKER_MAX = 200; // px of the longer side

// `bare` media have no bubble around them.
export const isBare = (message) => Boolean(message.sticker || message.video_note);

export function mediaOf(entry, old) {
  const [message] = entry.messages;
  if (entry.messages.length > 1 && (message.photo || message.video)) return h("div", { class: `album n${Math.min(entry.messages.length, 10)}` }, entry.messages.map((one) => kept(one, old)));
  if (entry.messages.length > 1) return h("div", { class: "document" }, entry.messages.map(fileRow));
  if (fileOf(message) && !(message.document && !message.animation)) return kept(message, old);
  return message.document ? h("div", { class: "document" }, fileRow(message)) : null;
}

// The file of a message that can be kept, with what it is called; null where there is none.
export function fileOf(message) {
  if (message.photo) return { file_id: message.photo.at(-1).file_id, name: "throwback.jpg" };
  const [kind, name] = [["video", "throwback.mp4"], ["animation", "throwback.mp4"], ["video_note", "throwback.mp4"], ["sticker", "throwback.webp"], ["document", "file"]].find(([one]) => message[one]) ?? [];
  return kind ? { file_id: message[kind].file_id, name: message[kind].file_name ?? name } : null;
}

// As it was drawn before, where it is the same file: a film goes on playing.
function kept(message, old) {
  const id = fileOf(message).file_id;
  return old?.querySelector(`[data-file="${CSS.escape(id)}"]`) ?? drawn(message, id);
}

function drawn(message, id) {
  if (message.video) return h("div", { class: "film", "data-file": id }, film(message.video, id, { controls: true }));
  if (message.animation) return animation(message.animation, id);
  if (message.video_note) return videoNote(message.video_note, id);
  if (message.sticker) return sticker(message.sticker, id);
  return photo(message, id);
}

function photo(message, id) {
  const large = message.photo.at(-1);
  const button = h(
    "button",
    { type: "button", class: "photo", "aria-label": message.caption ?? t("photo"), onclick: () => view(message) },
    h("img", { src: mediaUrl(id), alt: "", width: large.width, height: large.height, decoding: "async" }),
  );
  const frame = h("div", { class: "framed", "data-file": id }, button);
  offerComparison(message, frame, () => view(message, { comparing: true }));
  return frame;
}

const film = (file, id, properties = {}) =>
  h("video", {
    src: mediaUrl(id), loop: true, muted: true, autoplay: true, playsinline: true, preload: "auto", "aria-label": t("film"),
    width: file.width ?? file.length, height: file.height ?? file.length, poster: file.thumbnail ? mediaUrl(file.thumbnail.file_id) : null, ...properties,
  });

// Plays over and over, without controls; a press stops it or lets it go on.
function pressed(element, kind, id, ...more) {
  const toggle = () => (element.paused ? element.play() : element.pause());
  return h("button", { type: "button", class: kind, "data-file": id, "aria-label": element.ariaLabel, onclick: toggle }, element, more);
}

const animation = (file, id) => pressed(film(file, id, { "aria-label": "GIF" }), "film gif", id, h("span", { class: "kind", "aria-hidden": "true" }, "GIF"));

const videoNote = (file, id) => pressed(film(file, id, { "aria-label": t("video_note") }), "note", id);

function sticker(file, id) {
  const label = [t("sticker"), file.emoji].filter(Boolean).join(" ");
  const scale = STICKER_MAX / Math.max(file.width, file.height);
  const image = h("img", { src: mediaUrl(id), alt: "", width: Math.round(file.width * scale), height: Math.round(file.height * scale) });
  return h("button", { type: "button", class: "sticker", "data-file": id, "aria-label": label, disabled: !file.set_name, onclick: () => openStickers(file.set_name) }, image);
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
export function size(body, entry) {
  const [message] = entry.messages;
  const sides = message.video ?? message.animation ?? message.photo?.at(-1);
  if (!sides) return;
  const scale = Math.min(PHOTO_MAX.width / sides.width, PHOTO_MAX.height / sides.height);
  const fitted = entry.messages.length > 1 ? PHOTO_MAX.width : Math.max(PHOTO_MIN_WIDTH, Math.round(sides.width * scale));
  body.style.setProperty("--media-width", `${fitted}px`);
  if (entry.messages.length === 1) body.style.setProperty("--media-ratio", `${sides.width} / ${sides.height}`);
}
