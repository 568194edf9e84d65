// Whose phone it is, and the chats on it.

import { gist, nameOf } from "./bubbles.js";
import { ask, menuBelow, show, toast } from "./dialogs.js";
import { h, icon } from "./dom.js";
import { chatFace, face } from "./faces.js";
import { chatsOf, choosePerson, isGroup, isMine, me, model, on, open, titleOf } from "./model.js";
import * as server from "./server.js";
import { LANGUAGES, locale, speak, t } from "./words.js";

const people = document.getElementById("people");
const chats = document.getElementById("chats");
const settings = document.getElementById("settings");

export function sidebar() {
  on("people", () => {
    speak(me().language_code);
    drawPeople();
    drawChats();
    const [first] = chatsOf(model.me);
    if (model.chatId !== null && !chatsOf(model.me).some((one) => one.id === model.chatId)) open(wide() ? first.id : null);
  });
  on("chats", drawChats);
  settings.append(icon("more"));
  settings.addEventListener("click", () => menuBelow(settings, choices()));
}

export const wide = () => matchMedia("(min-width: 760px)").matches;

function drawPeople() {
  people.setAttribute("aria-label", t("whose"));
  document.getElementById("sidebar").setAttribute("aria-label", t("chats"));
  document.getElementById("note").textContent = t("note");
  settings.setAttribute("aria-label", t("settings"));
  settings.title = t("settings");
  people.replaceChildren(
    ...[...model.people.values()].map((person) =>
      h(
        "button",
        {
          type: "button", role: "tab", class: "person", "aria-selected": String(person.id === model.me), "aria-label": person.first_name,
          "data-person": String(person.id), title: person.first_name, onclick: () => choosePerson(person.id),
        },
        face(person),
        h("span", {}, person.first_name),
      ),
    ),
  );
  people.querySelector('[aria-selected="true"]')?.scrollIntoView({ inline: "nearest", block: "nearest" });
}

function drawChats() {
  const focused = document.activeElement?.dataset?.chat;
  const own = chatsOf(model.me);
  chats.replaceChildren(...own.map(row));
  const unread = own.reduce((sum, one) => sum + (model.unread.get(`${model.me}/${one.id}`) ?? 0), 0);
  document.title = `${unread ? `(${unread}) ` : ""}Throwback playground`;
  if (focused) chats.querySelector(`[data-chat="${focused}"]`)?.focus();
}

function row(one) {
  const message = one.last_message;
  const unread = model.unread.get(`${model.me}/${one.id}`);
  const who = message && isGroup(one) && !isMine(message) ? `${nameOf(message)}: ` : "";
  return h(
    "div",
    { role: "listitem" },
    h(
      "button",
      { type: "button", class: "chat", "data-chat": String(one.id), "aria-current": one.id === model.chatId ? "true" : null, onclick: () => open(one.id) },
      chatFace(one),
      h("span", { class: "title" }, titleOf(one)),
      h("time", {}, message ? when(message.date) : ""),
      h("span", { class: "gist" }, who ? h("b", {}, who) : null, message ? gist(message) : t("nothing")),
      unread ? h("span", { class: "unread" }, String(unread)) : null,
    ),
  );
}

function when(date) {
  const then = new Date(1000 * date);
  const today = then.toDateString() === new Date().toDateString();
  return today ? then.toLocaleTimeString(locale(), { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }) : then.toLocaleDateString(locale(), { month: "short", day: "numeric" });
}

function choices() {
  return [
    { label: `${t("language")}: ${LANGUAGES[me().language_code] ?? me().language_code}`, icon: "settings", act: chooseLanguage },
    { label: t("new_group"), icon: "plus", act: () => newGroup(t("new_group"), { kind: "group" }) },
    { label: t("new_forum"), icon: "plus", act: () => newGroup(t("new_forum"), { kind: "supergroup", forum: true }) },
    { label: t("new_person"), icon: "plus", act: newPerson },
  ];
}

async function chooseLanguage() {
  const rows = Object.entries(LANGUAGES).map(([code, name]) =>
    h("button", { class: "row", value: code, lang: code, "aria-current": code === me().language_code ? "true" : null }, name),
  );
  const code = await show(h("form", { method: "dialog" }, h("h2", {}, t("language")), rows), { class: "ask", "aria-label": t("language") });
  if (code) await server.patch(`/people/${model.me}`, { language_code: code });
}

async function newGroup(title, settings) {
  const name = await ask(title);
  if (!name) return;
  const others = [...model.people.keys()].filter((id) => id !== model.me);
  const made = await server.post("/chats", { title: name, members: [model.me, ...others], with_bot: true, ...settings });
  await open(made.id);
}

async function newPerson() {
  const name = await ask(t("new_person"));
  if (!name) return;
  const person = await server.post("/people", { first_name: name, language_code: me().language_code });
  choosePerson(person.id);
  toast(name);
}
