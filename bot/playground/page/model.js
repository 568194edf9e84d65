// What the page knows: people, chats, messages, and who holds the phone. Parts of the page subscribe to changes.

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
  unread: new Map(), // by person and chat
  me: null,
  chatId: null,
  topic: null,
  connected: true,
};

const subscribers = new Map();

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

export function previous() {
  return JSON.parse(localStorage.getItem("throwback") ?? "{}");
}

function remember() {
  localStorage.setItem("throwback", JSON.stringify({ ...previous(), me: model.me, chat: model.chatId }));
}

export function rememberDraft(text) {
  localStorage.setItem(`draft/${model.me}/${model.chatId}`, text);
}

export function draft() {
  return localStorage.getItem(`draft/${model.me}/${model.chatId}`) ?? "";
}

export async function load() {
  const state = await server.get("/state");
  model.bot = state.bot;
  model.people = new Map(state.people.map((person) => [person.id, person]));
  model.chats = new Map(state.chats.map((one) => [one.id, one]));
  if (!model.people.has(model.me)) {
    const before = previous();
    model.me = model.people.has(before.me) ? before.me : state.people[0].id;
    if (model.chats.has(before.chat)) model.chatId = before.chat;
  }
  model.messages.clear();
  if (!model.chats.has(model.chatId)) model.chatId = null;
  if (model.chatId !== null) await open(model.chatId);
  tell("people");
  tell("chats");
  tell("chat");
}

export async function open(chatId) {
  model.chatId = chatId;
  model.topic = null;
  if (chatId !== null && !model.messages.has(chatId)) {
    const history = await server.get(`/chats/${chatId}/messages`);
    model.messages.set(chatId, new Map(history.map((message) => [keyOf(message), message])));
  }
  model.unread.delete(`${model.me}/${chatId}`);
  remember();
  tell("chats");
  tell("chat");
}

export function choosePerson(personId) {
  model.me = personId;
  model.unread.delete(`${personId}/${model.chatId}`);
  remember();
  tell("people");
}

export function chooseTopic(topic) {
  model.topic = topic;
  tell("chat");
}

function receive(event) {
  switch (event.type) {
    case "message":
    case "edited":
      keep(event.chat_id, event.message, event.type === "message");
      break;
    case "deleted":
      model.messages.get(event.chat_id)?.delete(`${event.chat_id}/${event.message_id}`);
      tell("messages");
      break;
    case "action":
      act(event.chat_id, event.action);
      break;
    case "chat":
      keepChat(event.chat);
      break;
    case "person":
      model.people.set(event.person.id, event.person);
      tell("people");
      break;
    case "commands":
      tell("commands");
      break;
    case "listening":
      if (!model.bot.listening) {
        model.bot.listening = true;
        tell("status");
      }
      break;
  }
}

function keep(chatId, message, isNew) {
  model.messages.get(chatId)?.set(keyOf(message), message);
  const one = model.chats.get(chatId);
  if (one && (isNew || one.last_message?.message_id === message.message_id)) one.last_message = message;
  if (isNew) {
    if (message.from.id === model.bot.id && model.actions.delete(chatId)) tell("status");
    for (const person of model.people.values()) {
      const looking = chatId === model.chatId && person.id === model.me;
      const key = `${person.id}/${chatId}`;
      if (message.from.id !== person.id && !looking) model.unread.set(key, (model.unread.get(key) ?? 0) + 1);
    }
  }
  if (chatId === model.chatId) tell("messages", { isNew, message });
  tell("chats");
}

function keepChat(changed) {
  if (changed.migrated_to !== null) {
    model.chats.delete(changed.id);
    if (model.chatId === changed.id) open(changed.migrated_to);
  } else model.chats.set(changed.id, { last_message: model.chats.get(changed.id)?.last_message, ...changed });
  tell("chats");
  if (changed.id === model.chatId) tell("status");
}

function act(chatId, action) {
  model.actions.set(chatId, action);
  tell("status");
  setTimeout(() => {
    if (model.actions.get(chatId) === action) {
      model.actions.delete(chatId);
      tell("status");
    }
  }, ACTION_LASTS_MS);
}

// Whether the bot is still there: it comes with news of itself, but goes without.
async function look() {
  if (!model.connected || !model.bot) return;
  model.bot = (await server.get("/state")).bot;
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
