// Puts the page together.

import { Composer } from "./composer.js";
import { conversation } from "./conversation.js";
import { conversationHeader } from "./header.js";
import { begin, chatsOf, model, on, open } from "./model.js";
import { sidebar, wide } from "./sidebar.js";

sidebar();
conversationHeader();
conversation(new Composer());

on("people", () => {
  if (model.chatId === null && wide()) open(chatsOf(model.me)[0].id);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !document.querySelector("dialog[open], .cover") && !wide() && event.target === document.body) open(null);
});

begin();
