// What the page knows: people, chats, messages, and who holds the phone. Parts of the page subscribe to changes.

import { wide } from "./dom.js";
import * as server from "./server.js";

const IN_CHAT = new Set(["creator", "administrator", "member"]);
const ACTION_LASTS_MS = 5500;
const LOOK_EVERY_MS = 10_000;

export const model = {
  bot: null,
  people: new Map(),
  chats: new Map(),
  messages: new Map(), // by chat, then by chat and number, in order
  actions: new Map(), // by chat: what the bot is doing there
  unread: new Map(), // by person and chat: the keys of the messages
  me: null,
  chatId: null,
  topic: null,
  connected: true,
};

const subscribers = new Map();

// "people": who there is. "me": who holds the phone, or their language. "chats": the list. "chat": what is open.
// "messages": what was said there. "status": what is known about it and the bot. "commands", "devices", "connection".
export function on(kind, react) {
  if (!subscribers.has(kind)) subscribers.set(kind, []);
  subscribers.get(kind).push(react);
}

function tell(kind, detail) {
  for (const react of subscribers.get(kind) ?? []) react(detail);
}

export const keyOf = (message) => `${message.chat.id}/${message.message_id}`;
export const me = () => model.people.get(model.me);
export const chat = () => model.chats.get(model.chatId);
export const isMine = (message) => message.from.id === model.me;
export const isGroup = (one) => one.kind !== "private";
export const botIsIn = (one) => IN_CHAT.has(one.bot_status);

export function chatsOf(personId) {
  const own = [...model.chats.values()].filter((one) =>
    isGroup(one) ? IN_CHAT.has(one.members[personId]) : one.id === personId,
  );
  return own.sort((a, b) => (b.last_message?.date ?? 0) - (a.last_message?.date ?? 0) || b.id - a.id);
}

export const titleOf = (one) => (isGroup(one) ? one.title : model.bot.first_name);

export function messagesOf(chatId) {
  return [...(model.messages.get(chatId)?.values() ?? [])];
}

function previous() {
  return JSON.parse(localStorage.getItem("throwback") ?? "{}");
}

function remember() {
  localStorage.setItem("throwback", JSON.stringify({ me: model.me, chatId: model.chatId }));
}

export function rememberDraft(text) {
  localStorage.setItem(`draft/${model.me}/${model.chatId}`, text);
}

export function draft() {
  return localStorage.getItem(`draft/${model.me}/${model.chatId}`) ?? "";
}

// News wait while the state is on its way: they may be of somebody who is only known from there.
let fetching = 0;
let waiting = [];

async function undisturbed(fetch) {
  fetching++;
  try {
    return await fetch();
  } finally {
    fetching--;
    tellWaiting();
  }
}

function receive(event) {
  waiting.push(event);
  tellWaiting();
}

function tellWaiting() {
  while (model.bot && !fetching && waiting.length) take(waiting.shift());
}

// A chat's messages as the playground had them when it answered, and what has happened to them since.
const begun = new Set(); // for each history on its way, the news since it was asked for

async function historyOf(chatId) {
  const since = [];
  begun.add(since);
  try {
    const messages = await server.get(`/chats/${chatId}/messages`);
    const history = new Map(messages.map((message) => [keyOf(message), message]));
    for (const event of since) write(history, chatId, event);
    return history;
  } finally {
    begun.delete(since);
  }
}

// Puts what has happened into a history; tells whether it belongs there. A supergroup's history begins with that of the
// group it was, so a message may belong into two.
function write(history, chatId, event) {
  const key = event.message ? keyOf(event.message) : `${event.chat_id}/${event.message_id}`;
  if (event.type === "deleted") return history.delete(key);
  if (event.type === "message" ? event.chat_id !== chatId : !history.has(key)) return false;
  history.set(key, event.message);
  return true;
}

let loads = 0; // what was asked for before the latest is of no use any more
let wanted = { me: null, chatId: null }; // asked for last; shown as soon as its messages are here

async function load() {
  const thisLoad = ++loads;
  waiting = []; // the snapshot has them
  await undisturbed(async () => {
    const state = await server.get("/state");
    if (thisLoad !== loads) return;
    const before = model.bot ? wanted : previous();
    model.bot = state.bot;
    model.people = new Map(state.people.map((person) => [person.id, person]));
    model.chats = new Map(state.chats.map((one) => [one.id, one]));
    for (const chatId of [...model.messages.keys()]) if (chatId !== model.chatId) model.messages.delete(chatId);
    const me = model.people.has(before.me) ? before.me : state.people[0].id;
    await turn(me, own(me, before.chatId) ?? home(me), true);
    for (const kind of ["people", "status", "commands"]) tell(kind);
  });
}

// The person and the chat change together, and only when there is something to show: until then the screen, and
// what is typed, belong to the ones before. Of several turns the last one counts, whichever is ready first.
async function turn(me, chatId, again = false) {
  const asked = (wanted = { me, chatId });
  const thisLoad = loads;
  if (chatId !== null && (again || !model.messages.has(chatId))) {
    const history = await historyOf(chatId);
    if (thisLoad === loads) model.messages.set(chatId, history);
  }
  if (asked !== wanted || thisLoad !== loads) return;
  const another = model.me !== me;
  if (model.chatId !== chatId) model.topic = null;
  Object.assign(model, { me, chatId });
  model.unread.delete(`${me}/${chatId}`);
  remember();
  if (another) tell("me");
  tell("chats");
  tell("chat");
}

// The chat itself, or the supergroup it has become, if this person is in it; else null.
function own(personId, chatId) {
  const theirs = chatsOf(personId);
  const one = theirs.find(({ id }) => id === chatId) ?? theirs.find(({ migrated_from }) => migrated_from && migrated_from === chatId);
  return one?.id ?? null;
}

// What is open where nothing was chosen: on a phone the list of chats.
const home = (personId) => (wide() ? (chatsOf(personId)[0]?.id ?? null) : null);

export const open = (chatId) => turn(model.me, chatId);

export const openHome = () => open(home(model.me));

export const choosePerson = (personId) => turn(personId, own(personId, model.chatId) ?? home(personId));

// Resolves once it holds. What one has done oneself comes as news, too, and may come after the answer.
const expected = new Set();

export function once(holds) {
  return new Promise((resolve) => {
    if (holds()) resolve();
    else expected.add({ holds, resolve });
  });
}

export function chooseTopic(topic) {
  model.topic = topic;
  tell("chat");
}

const NEWS = {
  message: keep,
  edited: keep,
  deleted: keep,
  action: (event) => act(event.chat_id, event.action),
  chat: (event) => keepChat(event.chat),
  person: (event) => keepPerson(event.person),
  commands: () => tell("commands"),
  devices: () => tell("devices"),
  listening: hear,
};

function take(event) {
  NEWS[event.type]?.(event);
  for (const one of [...expected].filter(({ holds }) => holds())) {
    expected.delete(one);
    one.resolve();
  }
}

function hear() {
  if (model.bot.listening) return;
  model.bot.listening = true;
  tell("status");
}

function keep(event) {
  for (const since of begun) since.push(event);
  const changed = [...model.messages].filter(([chatId, history]) => write(history, chatId, event));
  const one = model.chats.get(event.chat_id);
  const { type, message } = event;
  if (type === "message") count(event.chat_id, message);
  if (type === "deleted") for (const unread of model.unread.values()) unread.delete(`${event.chat_id}/${event.message_id}`);
  if (one && type === "deleted") one.last_message = event.last_message;
  else if (one && (type === "message" || one.last_message?.message_id === message.message_id)) one.last_message = message;
  if (changed.some(([chatId]) => chatId === model.chatId)) tell("messages", { isNew: type === "message", message });
  tell("chats");
}

function count(chatId, message) {
  if (message.from.id === model.bot.id && model.actions.delete(chatId)) tell("status");
  for (const person of model.people.values()) {
    const looking = chatId === model.chatId && person.id === model.me;
    if (message.from.id === person.id || looking) continue;
    const place = `${person.id}/${chatId}`;
    if (!model.unread.has(place)) model.unread.set(place, new Set());
    model.unread.get(place).add(keyOf(message));
  }
}

function keepPerson(person) {
  const before = model.people.get(person.id);
  model.people.set(person.id, person);
  tell("people");
  if (person.id === model.me && before.language_code !== person.language_code) tell("me");
}

function keepChat(changed) {
  if (changed.migrated_to !== null) model.chats.delete(changed.id);
  else model.chats.set(changed.id, { last_message: model.chats.get(changed.id)?.last_message, ...changed });
  tell("chats");
  if (changed.id !== wanted.chatId) return;
  // Somebody who has left a group, or whose group has become another, cannot go on in it.
  const chatId = own(wanted.me, changed.id);
  if (chatId !== changed.id) turn(wanted.me, chatId ?? home(wanted.me));
  else tell("status");
}

function act(chatId, action) {
  const doing = { action };
  model.actions.set(chatId, doing);
  tell("status");
  setTimeout(() => {
    if (model.actions.get(chatId) !== doing) return; // it has begun something since, if only the same again
    model.actions.delete(chatId);
    tell("status");
  }, ACTION_LASTS_MS);
}

// Whether the bot is still there: it comes with news of itself, but goes without.
async function look() {
  if (!model.connected || !model.bot) return;
  await undisturbed(async () => {
    model.bot = (await server.get("/state")).bot;
  });
  tell("status");
}

export function begin() {
  server.listen(receive, async (connected) => {
    model.connected = connected;
    tell("connection");
    if (connected) await load();
  });
  setInterval(look, LOOK_EVERY_MS);
}
