// Above the conversation: who it is with, what they are doing, and what can be changed about it.

import { ask, menuBelow, toast } from "./dialogs.js";
import { h, iconButton } from "./dom.js";
import { chatFace } from "./faces.js";
import { botIsIn, chat, chooseTopic, isGroup, model, on, open, titleOf } from "./model.js";
import * as server from "./server.js";
import { t } from "./words.js";

const header = document.getElementById("header");
const topics = document.getElementById("topics");

export function conversationHeader() {
  for (const kind of ["chat", "status", "people", "connection"]) on(kind, draw);
}

function draw() {
  document.body.classList.toggle("reading", model.chatId !== null);
  document.body.classList.toggle("lost", !model.connected);
  const one = chat();
  header.hidden = !one;
  topics.hidden = !one?.forum;
  if (!one) return;
  const doing = model.actions.get(one.id);
  const about = h("span", { class: doing ? "about busy" : "about" }, !model.connected ? t("lost") : doing ? t(doing) : idle(one));
  const more = iconButton("more", t("more"), () => menuBelow(more, choices(one)));
  header.replaceChildren(
    iconButton("back", t("back"), () => open(null), { class: "icon back" }),
    chatFace(one),
    h("h1", {}, titleOf(one)),
    about,
    more,
  );
  if (one.forum) drawTopics(one);
}

function idle(one) {
  if (isGroup(one)) return t("members", { n: Object.values(one.members).filter((status) => status !== "left").length + (botIsIn(one) ? 1 : 0) });
  return model.bot.listening ? t("online") : t("absent");
}

function drawTopics(one) {
  const tab = (id, name) =>
    h("button", { type: "button", role: "tab", class: "topic", "aria-selected": String(model.topic === id), onclick: () => chooseTopic(id) }, name);
  topics.replaceChildren(
    tab(null, t("general")),
    ...Object.entries(one.topics).map(([id, name]) => tab(Number(id), name)),
    iconButton("plus", t("new_topic"), async () => {
      const name = await ask(t("new_topic"));
      if (name) chooseTopic((await server.post(`/chats/${one.id}/topics`, { person: model.me, name })).topic);
    }),
  );
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
