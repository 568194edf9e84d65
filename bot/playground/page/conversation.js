// The conversation that is open: its messages, where one has scrolled to, and what one can do with a message.

import { bubble, gist, isService } from "./bubbles.js";
import { chatFace } from "./faces.js";
import { confirmDialog, alertDialog, choose, menu, toast } from "./dialogs.js";
import { arrange, h, iconButton } from "./dom.js";
import { fileOf, isBare } from "./media.js";
import { chat, chatsOf, isGroup, isMine, keyOf, messagesOf, model, on, titleOf } from "./model.js";
import * as server from "./server.js";
import { locale, t } from "./words.js";

const SHOWN_FIRST = 120;
const NEAR_PX = 120;

const scroller = document.getElementById("scroller");
const log = document.getElementById("log");
const down = document.getElementById("down");
let shown = new Map(); // by key: the entry as it was drawn, and its element
let limit = SHOWN_FIRST;
let missed = 0;
let atEnd = true;
let place = ""; // whose chat and which topic is shown

export function conversation(composer) {
  const acts = {
    reply: composer.reply,
    menu: (message, x, y) => menu(choices(message, composer), x, y),
    press: (message, button) => press(message, button, composer),
    tap: (kind, said) => composer.sendText(said),
    jump,
  };
  const draw = () => {
    down.setAttribute("aria-label", t("down"));
    const focused = log.contains(document.activeElement);
    redraw(acts);
    if (focused && !log.contains(document.activeElement)) composer.focus(); // what had it is gone
  };
  const anew = () => {
    place = [model.me, model.chatId, model.topic].join();
    limit = SHOWN_FIRST;
    missed = 0;
    log.replaceChildren();
    shown = new Map();
    draw();
    toEnd();
  };
  on("me", anew);
  on("chat", () => {
    if (place !== [model.me, model.chatId, model.topic].join()) anew();
    else draw(); // read again: whoever reads what was before goes on reading
  });
  on("messages", (news) => {
    const follow = atEnd || (news?.isNew && isMine(news.message));
    draw();
    if (follow) toEnd(true);
    else if (news?.isNew) countMissed();
  });
  down.append(iconButton("down", t("down")).firstChild, h("span", {}));
  down.addEventListener("click", () => toEnd(true));
  let top = 0;
  scroller.addEventListener("scroll", () => {
    if (nearEnd()) {
      atEnd = true;
      missed = 0;
    } else if (scroller.scrollTop < top) atEnd = false; // somebody reads what was before; we only ever scroll down
    top = scroller.scrollTop;
    down.hidden = nearEnd();
    down.lastChild.textContent = missed || "";
  });
  // A picture that has loaded, or a keyboard that has opened, must not move the end out of sight.
  const stay = new ResizeObserver(() => atEnd && toEnd());
  stay.observe(log);
  stay.observe(scroller);
}

const movement = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth");

function nearEnd() {
  return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_PX;
}

function toEnd(smoothly = false) {
  atEnd = true;
  scroller.scrollTo({ top: scroller.scrollHeight, behavior: smoothly ? movement() : "instant" });
}

function countMissed() {
  missed++;
  down.hidden = false;
  down.lastChild.textContent = missed;
}

// Messages in the topic, put together: albums become one entry, and who said several in a row is told once.
function entries() {
  const one = chat();
  const inTopic = (message) => !one.forum || (message.is_topic_message ? message.message_thread_id : null) === model.topic;
  const messages = messagesOf(one.id).filter((message) => inTopic(message) && !message.migrate_to_chat_id); // its other half tells it
  const list = [];
  for (const message of messages) {
    const before = list.at(-1);
    if (message.media_group_id && before?.messages[0].media_group_id === message.media_group_id) before.messages.push(message);
    else list.push({ key: keyOf(message), messages: [message] });
  }
  for (let i = 0; i < list.length; i++) {
    list[i].first = !together(list[i - 1], list[i]);
    list[i].last = !together(list[i], list[i + 1]);
    list[i].day = dayOf(list[i]) !== (list[i - 1] && dayOf(list[i - 1])) ? dayOf(list[i]) : null;
  }
  return list;
}

function together(a, b) {
  if (!a || !b || dayOf(a) !== dayOf(b)) return false;
  const [one, two] = [a.messages[0], b.messages[0]];
  return one.from.id === two.from.id && two.date - one.date < 600 && !isService(one) && !isService(two);
}

const dayOf = (entry) => new Date(1000 * entry.messages[0].date).toDateString();

function dayName(day) {
  const days = Math.round((new Date(new Date().toDateString()) - new Date(day)) / 86_400_000);
  if (days === 0) return t("today");
  if (days === 1) return t("yesterday");
  return new Date(day).toLocaleDateString(locale(), { month: "long", day: "numeric" });
}

function same(a, b) {
  return a && a.first === b.first && a.last === b.last && a.day === b.day && a.messages.length === b.messages.length && a.messages.every((message, i) => message === b.messages[i]);
}

function redraw(acts) {
  const all = chat() ? entries() : [];
  const list = all.slice(-limit);
  const elements = [];
  const next = new Map();
  if (list.length < all.length) elements.push(earlier(acts));
  if (chat() && !list.length) elements.push(welcome());
  for (const entry of list) {
    const before = shown.get(entry.key);
    const element = same(before?.entry, entry) ? before.element : drawn(entry, acts, before?.element);
    next.set(entry.key, { entry, element });
    elements.push(element);
  }
  shown = next;
  arrange(log, elements);
}

// What was drawn before is changed where it is.
function drawn(entry, acts, before) {
  const element = bubble(entry, acts, before?.lastChild);
  const day = entry.day ? h("div", { class: "service day" }, h("span", {}, dayName(entry.day))) : null;
  if (!before) return h("div", { class: "line new" }, day, element);
  before.className = "line";
  arrange(before, day ? [day, element] : [element]);
  return before;
}

function earlier(acts) {
  return h("button", { type: "button", class: "earlier", onclick: () => {
    const height = scroller.scrollHeight;
    limit += SHOWN_FIRST;
    redraw(acts);
    scroller.scrollTop += scroller.scrollHeight - height;
  } }, t("earlier"));
}

function welcome() {
  const one = chat();
  return h("div", { class: "welcome" }, chatFace(one), h("h2", {}, titleOf(one)), h("p", {}, isGroup(one) ? t("nothing") : t("intro")));
}

function jump(message) {
  const found = [...shown.values()].find(({ entry }) => entry.messages.some((one) => keyOf(one) === keyOf(message)));
  const target = found?.element.lastChild;
  if (!target) return;
  target.scrollIntoView({ block: "center", behavior: movement() });
  target.classList.remove("found");
  requestAnimationFrame(() => target.classList.add("found"));
}

async function press(message, button, composer) {
  if (button.switch_inline_query !== undefined) {
    composer.put(`@${model.bot.username} ${button.switch_inline_query}`);
  } else {
    const answer = await server.post(`/chats/${message.chat.id}/messages/${message.message_id}/press`, { person: model.me, data: button.callback_data });
    if (!answer.answered) toast(t("no_answer"));
    else if (answer.text) await (answer.show_alert ? alertDialog(answer.text) : toast(answer.text));
  }
}

function choices(message, composer) {
  const said = message.text ?? message.caption;
  const base = `/chats/${message.chat.id}/messages/${message.message_id}`;
  return [
    composer.canReply(message) ? { label: t("reply"), icon: "reply", act: () => composer.reply(message) } : null,
    isMine(message) && !message.forward_origin && !isBare(message) ? { label: t("edit"), icon: "edit", act: () => composer.edit(message) } : null,
    said && navigator.clipboard ? { label: t("copy"), icon: "copy", act: async () => { await navigator.clipboard.writeText(said); toast(t("copied")); } } : null,
    fileOf(message) ? { label: t("download"), icon: "download", act: () => download(fileOf(message)) } : null,
    { label: t("forward"), icon: "forward", act: () => forward(message, base) },
    isMine(message) || !isGroup(chat())
      ? { label: t("remove"), icon: "trash", danger: true, act: async () => (await confirmDialog(`${t("remove")}: ${gist(message)}`)) && server.remove(base, { person: model.me }) }
      : null,
  ];
}

function download({ file_id, name }) {
  h("a", { href: server.mediaUrl(file_id), download: name }).click();
}

async function forward(message, base) {
  const items = chatsOf(model.me).map((one) => ({ value: one.id, label: titleOf(one), face: chatFace(one) }));
  const target = await choose(t("to_whom"), items);
  if (target) await server.post(`${base}/forward`, { person: model.me, to_chat: Number(target) });
}
