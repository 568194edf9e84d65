// Round pictures of people, groups and the bot.

import { h } from "./dom.js";
import { isGroup, model, titleOf } from "./model.js";

const TINTS = 7;

export const tintOf = (id) => (id === model.bot.id ? "tint-bot" : `tint${Math.abs(id) % TINTS}`);

export function face(user) {
  if (user.id === model.bot.id) return botFace();
  return h("span", { class: `face ${tintOf(user.id)}`, "aria-hidden": "true" }, initials(user.first_name ?? user.title));
}

export function chatFace(one) {
  return isGroup(one) ? h("span", { class: `face ${tintOf(one.id)}`, "aria-hidden": "true" }, initials(titleOf(one))) : botFace();
}

const botFace = () => h("img", { class: "face", src: "icon.svg", alt: "" });

const initials = (name) => [...name][0]?.toUpperCase() ?? "?";
