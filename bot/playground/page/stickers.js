// A sticker set, as it opens from one of its stickers or from its address; a press sends one.

import { show, toast } from "./dialogs.js";
import { h } from "./dom.js";
import { model } from "./model.js";
import * as server from "./server.js";
import { t } from "./words.js";

const ADDRESS = /^https:\/\/t\.me\/addstickers\/(\w+)$/;

// Tells whether the address is that of a set, and opens it then.
export function opensStickers(url) {
  const [, name] = ADDRESS.exec(url) ?? [];
  if (name) openStickers(name);
  return Boolean(name);
}

export async function openStickers(name) {
  const path = `/chats/${model.chatId}/messages`;
  let set;
  try {
    set = await server.get(`/stickers?name=${name}`);
  } catch {
    return toast(t("no_stickers"));
  }
  const tiles = set.stickers.map((one) =>
    h("button", { class: "tile", value: one.file_id, "aria-label": `${t("sticker")} ${one.emoji ?? ""}` }, h("img", { src: server.mediaUrl(one.file_id), alt: "" })),
  );
  const content = h("form", { method: "dialog" }, h("h2", { dir: "auto" }, set.title), tiles.length ? h("div", { class: "pack" }, tiles) : h("p", {}, t("none")));
  const sticker = await show(content, { class: "ask", "aria-label": set.title });
  if (sticker) await server.post(path, { person: model.me, sticker });
}
