// Texts with their entities, as elements.

import { h } from "./dom.js";
import { opensStickers } from "./stickers.js";

// `act` is called with ("command", "/start") when somebody taps a command.
export function formatted(text, entities, act) {
  const pieces = [];
  let at = 0;
  for (const entity of entities ?? []) {
    const end = entity.offset + entity.length;
    pieces.push(text.slice(at, entity.offset), element(entity, text.slice(entity.offset, end), act));
    at = end;
  }
  return [...pieces, text.slice(at)].filter((piece) => piece !== "");
}

function element(entity, said, act) {
  switch (entity.type) {
    case "bot_command":
      return h("button", { type: "button", class: "command", dir: "auto", onclick: () => act("command", said) }, said);
    case "url":
      return h("a", { href: said, dir: "auto", target: "_blank", rel: "noreferrer noopener", onclick: (event) => opensStickers(said) && event.preventDefault() }, said);
    default:
      return h("span", { class: "mention", dir: "auto" }, said);
  }
}
