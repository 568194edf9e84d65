// A result beside the photo it was made of: both on one another, with a slider between them.

import { h, icon } from "./dom.js";
import { messagesOf, model, on } from "./model.js";
import { mediaUrl } from "./server.js";
import { t } from "./words.js";

const SIDE = 24; // px of the small pictures that are compared
const SAME = 0.97; // correlation of two pictures that are one; smaller takes others for it
const ALIKE = 0.75; // correlation of a photo and what was made of it; smaller takes strangers for it
const SHAPE = 0.02; // by how much the proportions of a photo and its result may differ
const NEAR = 12; // messages before and after a result, among which its film and its photo are looked for

const found = new Map(); // by file_id: a promise of where the photo of today is, or null
const waiting = new Map(); // by the frame of a result: what to try again when there is something new to compare it with

// Puts a button on a result, once it is clear what to compare it with.
export async function offerComparison(message, frame, compare) {
  if (message.from.id !== model.bot.id) return;
  if (!(await today(message))) return waiting.set(frame, () => offerComparison(message, frame, compare));
  frame.append(h("button", { type: "button", class: "round compare", "aria-label": t("compare"), title: t("compare"), onclick: compare }, icon("compare")));
}

on("messages", (news) => {
  if (!news?.message?.video && !news?.message?.photo) return;
  for (const [frame, again] of [...waiting]) {
    waiting.delete(frame);
    if (frame.isConnected) again();
  }
});

// Where the photo of today is that belongs to a result, or null; asked again as long as it is not there.
export function today(message) {
  const id = message.photo.at(-1).file_id;
  if (!found.has(id)) {
    const searching = search(message).catch(() => null);
    found.set(id, searching);
    searching.then((result) => result ?? found.delete(id));
  }
  return found.get(id);
}

async function search(message) {
  const all = messagesOf(message.chat.id);
  const at = all.findIndex((one) => one.message_id === message.message_id);
  const near = all.slice(Math.max(0, at - NEAR), at + NEAR + 1);
  const large = message.photo.at(-1);
  const shaped = ({ width, height }) => Math.abs((width / height / large.width) * large.height - 1) < SHAPE;
  const result = pixels(await image(large.file_id));
  // A film that ends in this picture begins with the photo of today, or the other way round.
  for (const { video } of near.filter((one) => one.video && one.from.id === model.bot.id && shaped(one.video))) {
    const film = await loaded(h("video", { src: mediaUrl(video.file_id), muted: true, preload: "auto", playsinline: true }), "loadeddata");
    const ends = [0, Math.max(0, film.duration - 0.05)];
    const alike = [];
    for (const end of ends) alike.push(correlation(result, pixels(await moment(film, end))));
    if (Math.max(...alike) > SAME) return { kind: "video", id: video.file_id, at: ends[alike.indexOf(Math.min(...alike))] };
  }
  for (const one of near.slice(0, near.indexOf(all[at])).reverse().filter((other) => other.photo && other.from.id !== model.bot.id && shaped(other.photo.at(-1)))) {
    const { file_id } = one.photo.at(-1);
    if (correlation(result, pixels(await image(file_id))) > ALIKE) return { kind: "img", id: file_id };
  }
  return null;
}

const image = (id) => loaded(h("img", { src: mediaUrl(id) }), "load");

function loaded(element, event) {
  return new Promise((resolve, reject) => {
    element.addEventListener(event, () => resolve(element), { once: true });
    element.addEventListener("error", reject, { once: true });
  });
}

async function moment(film, at) {
  if (film.currentTime !== at) {
    film.currentTime = at;
    await new Promise((resolve) => film.addEventListener("seeked", resolve, { once: true }));
  }
  return film;
}

function pixels(source) {
  const canvas = h("canvas", { width: SIDE, height: SIDE });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(source, 0, 0, SIDE, SIDE);
  return context.getImageData(0, 0, SIDE, SIDE).data.filter((_, i) => i % 4 !== 3);
}

function correlation(a, b) {
  const mean = (values) => values.reduce((sum, one) => sum + one, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  a.forEach((one, i) => {
    ab += (one - meanA) * (b[i] - meanB);
    aa += (one - meanA) ** 2;
    bb += (b[i] - meanB) ** 2;
  });
  return ab / Math.sqrt(aa * bb || 1);
}

// The result over the photo of today; the slider moves the border between them.
export function slider(picture, { kind, id, at }) {
  const below = h(kind, { src: mediaUrl(id), alt: t("photo"), muted: true, playsinline: true, preload: "auto", class: "below" });
  if (kind === "video") below.addEventListener("loadedmetadata", () => (below.currentTime = at));
  const range = h("input", { type: "range", min: "0", max: "100", value: "50", step: "0.5", "aria-label": t("compare"), autofocus: true });
  const frame = h("div", { class: "comparison" }, picture, below, h("i", {}, icon("compare")), range);
  const set = () => frame.style.setProperty("--border", `${range.value}%`);
  range.addEventListener("input", set);
  set();
  return frame;
}
