// Texts with their entities, as elements.

import { h } from "./dom.js";

const TAGS = { bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code", pre: "pre", blockquote: "blockquote", expandable_blockquote: "blockquote" };

// `act` is called with ("command", "/start") and the like when somebody taps one.
export function formatted(text, entities, act) {
  return part(text, 0, text.length, entities ?? [], act);
}

function part(text, from, to, entities, act) {
  const pieces = [];
  let at = from;
  const inside = entities.filter((entity) => entity.offset >= from && entity.offset + entity.length <= to);
  for (let i = 0; i < inside.length; i++) {
    const entity = inside[i];
    if (entity.offset < at) continue; // inside of the one before, which has drawn it
    if (entity.offset > at) pieces.push(text.slice(at, entity.offset));
    at = entity.offset + entity.length;
    pieces.push(element(entity, part(text, entity.offset, at, inside.slice(i + 1), act), text.slice(entity.offset, at), act));
  }
  if (at < to) pieces.push(text.slice(at, to));
  return pieces;
}

function element(entity, children, said, act) {
  switch (entity.type) {
    case "bot_command":
      return h("button", { type: "button", class: "command", dir: "auto", onclick: () => act("command", said) }, children);
    case "url":
    case "text_link":
      return h("a", { href: entity.url ?? said, dir: "auto", target: "_blank", rel: "noreferrer noopener" }, children);
    case "email":
      return h("a", { href: `mailto:${said}` }, children);
    case "spoiler":
      return h("span", { class: "spoiler", tabindex: "0", role: "button", onclick: (event) => event.currentTarget.classList.add("shown") }, children);
    case "mention":
    case "hashtag":
      return h("span", { class: "mention", dir: "auto" }, children);
    default:
      return entity.type in TAGS ? h(TAGS[entity.type], {}, children) : h("span", {}, children);
  }
}
