// Whose phone it is, and the chats on it.

import { gist, nameOf } from "./bubbles.js";
import { openToOthers, showDevices } from "./devices.js";
import { ask, menuBelow, show, toast } from "./dialogs.js";
import { arrange, h, icon, rove } from "./dom.js";
import { chatFace, face } from "./faces.js";
import { chatsOf, choosePerson, isGroup, isMine, me, model, on, once, open, titleOf } from "./model.js";
import * as server from "./server.js";
import { LANGUAGES, locale, speak, t } from "./words.js";

const people = document.getElementById("people");
const chats = document.getElementById("chats");
const settings = document.getElementById("settings");

let others = false; // whether other devices are let in

// Their elements, by id. They stay while their content changes.
const tabs = new Map();
const rows = new Map();

export function sidebar() {
  on("me", () => {
    speak(me().language_code);
    drawPeople();
    drawChats();
    people.querySelector('[aria-selected="true"]').scrollIntoView({ inline: "nearest", block: "nearest" });
  });
  on("people", drawPeople);
  on("chats", drawChats);
  rove(people);
  settings.append(icon("more"));
  const known = Promise.all([new Promise((resolve) => on("me", resolve)), openToOthers().then((open) => (others = open), () => null)]);
  settings.addEventListener("click", async () => {
    await known; // whoever is quick waits
    menuBelow(settings, choices());
  });
}

function drawPeople() {
  people.setAttribute("aria-label", t("whose"));
  document.getElementById("sidebar").setAttribute("aria-label", t("chats"));
  document.getElementById("note").textContent = t("note");
  settings.setAttribute("aria-label", t("settings"));
  settings.title = t("settings");
  arrange(people, [...model.people.values()].map(tab));
}

function tab(person) {
  if (!tabs.has(person.id)) {
    const button = h("button", { type: "button", role: "tab", class: "person", "data-person": String(person.id), onclick: () => choosePerson(person.id) });
    tabs.set(person.id, button);
  }
  const element = tabs.get(person.id);
  element.setAttribute("aria-selected", String(person.id === model.me));
  element.tabIndex = person.id === model.me ? 0 : -1;
  element.setAttribute("aria-label", person.first_name);
  element.title = person.first_name;
  element.replaceChildren(face(person), h("span", { dir: "auto" }, person.first_name));
  return element;
}

function drawChats() {
  const mine = chatsOf(model.me);
  arrange(chats, mine.map(row));
  const unread = mine.reduce((sum, one) => sum + unreadIn(one), 0);
  document.title = `${unread ? `(${unread}) ` : ""}Throwback playground`;
}

const unreadIn = (one) => model.unread.get(`${model.me}/${one.id}`)?.size ?? 0;

function row(one) {
  if (!rows.has(one.id)) {
    const button = h("button", { type: "button", class: "chat", "data-chat": String(one.id), onclick: () => open(one.id) });
    rows.set(one.id, h("div", { role: "listitem" }, button));
  }
  const element = rows.get(one.id);
  const button = element.firstChild;
  const message = one.last_message;
  const unread = unreadIn(one);
  const who = message && isGroup(one) && !isMine(message) ? nameOf(message) : "";
  if (one.id === model.chatId) button.setAttribute("aria-current", "true");
  else button.removeAttribute("aria-current");
  button.replaceChildren(
    chatFace(one),
    h("span", { class: "title", dir: "auto" }, titleOf(one)),
    h("time", {}, message ? when(message.date) : ""),
    h("span", { class: "gist" }, who ? h("b", {}, h("bdi", {}, who), ": ") : null, h("bdi", {}, message ? gist(message) : t("nothing"))),
    ...(unread ? [h("span", { class: "unread" }, String(unread))] : []),
  );
  return element;
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
    others ? { label: t("devices"), icon: "phone", act: showDevices } : null,
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
  await once(() => model.chats.has(made.id));
  await open(made.id);
}

async function newPerson() {
  const name = await ask(t("new_person"));
  if (!name) return;
  const person = await server.post("/people", { first_name: name, language_code: me().language_code });
  await once(() => model.chats.has(person.id)); // a person's private chat comes after the person
  await choosePerson(person.id);
  toast(name);
}
