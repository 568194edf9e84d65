// Above the conversation: who it is with, what they are doing, and what can be changed about it.

import { ask, menuBelow, toast } from "./dialogs.js";
import { arrange, h, iconButton, rove } from "./dom.js";
import { chatFace } from "./faces.js";
import { botIsIn, chat, chooseTopic, isGroup, model, on, once, open, titleOf } from "./model.js";
import * as server from "./server.js";
import { locale, t } from "./words.js";

const header = document.getElementById("header");
const topics = document.getElementById("topics");
const ACTIONS = new Set(["upload_photo", "record_video", "upload_video", "upload_document"]);

// The buttons stay while what is between them changes.
const back = iconButton("back", "", () => open(null), { class: "icon back" });
const more = iconButton("more", "", () => menuBelow(more, choices(chat())));
const title = h("h1", { dir: "auto" });
const about = h("span", {});
let shownTopics = "";

export function conversationHeader() {
  rove(topics);
  for (const kind of ["chat", "status", "me", "connection"]) on(kind, draw);
}

function draw() {
  document.body.classList.toggle("reading", model.chatId !== null);
  document.body.classList.toggle("lost", !model.connected);
  const one = chat();
  header.hidden = !one;
  topics.hidden = !one?.forum;
  if (!one) return;
  const doing = model.actions.get(one.id)?.action;
  about.className = doing ? "about busy" : "about";
  about.textContent = !model.connected ? t("lost") : doing ? t(ACTIONS.has(doing) ? doing : "typing") : idle(one);
  title.textContent = titleOf(one);
  for (const [button, label] of [[back, t("back")], [more, t("more")]]) button.title = button.ariaLabel = label;
  arrange(header, [back, chatFace(one), title, about, more]);
  if (one.forum) drawTopics(one);
}

function idle(one) {
  if (isGroup(one)) return t("members", { n: Object.values(one.members).filter((status) => status !== "left").length + (botIsIn(one) ? 1 : 0) });
  return model.bot.listening ? t("online") : t("absent");
}

function drawTopics(one) {
  const now = JSON.stringify([one.id, one.topics, model.topic, locale()]);
  if (now === shownTopics) return;
  shownTopics = now;
  const focused = topics.contains(document.activeElement);
  const tab = (id, name) =>
    h("button", { type: "button", role: "tab", class: "topic", "aria-selected": String(model.topic === id), tabindex: model.topic === id ? "0" : "-1", onclick: () => chooseTopic(id) }, name);
  topics.replaceChildren(
    tab(null, t("general")),
    ...Object.entries(one.topics).map(([id, name]) => tab(Number(id), name)),
    iconButton("plus", t("new_topic"), async () => {
      const name = await ask(t("new_topic"));
      if (!name) return;
      const { topic } = await server.post(`/chats/${one.id}/topics`, { person: model.me, name });
      await once(() => topic in (model.chats.get(one.id)?.topics ?? {}));
      if (model.chatId === one.id) chooseTopic(topic);
    }),
  );
  if (focused) topics.querySelector("[aria-selected=true]").focus();
}

function choices(one) {
  const change = (label, action, danger = false) => ({ label: t(label), danger, act: () => server.post(`/chats/${one.id}/bot`, { person: model.me, action }).catch((error) => toast(error.message)) });
  if (!isGroup(one)) return [botIsIn(one) ? change("block", "block", true) : change("unblock", "unblock")];
  return [
    botIsIn(one) && one.bot_status !== "administrator" ? change("promote", "promote") : null,
    one.kind === "group" ? { label: t("migrate"), act: () => server.post(`/chats/${one.id}/migrate`, { person: model.me }) } : null,
    botIsIn(one) ? change("remove_bot", "remove", true) : change("add_bot", "add"),
  ];
}
