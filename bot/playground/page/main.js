// Puts the page together.

import { Composer } from "./composer.js";
import { conversation } from "./conversation.js";
import { toast } from "./dialogs.js";
import { whenWide, wide } from "./dom.js";
import { conversationHeader } from "./header.js";
import { begin, model, open, openHome } from "./model.js";
import { Refused } from "./server.js";
import { sidebar } from "./sidebar.js";

sidebar();
conversationHeader();
conversation(new Composer());

whenWide(() => model.me !== null && model.chatId === null && openHome());

// What was refused and nobody has something else to do about is said, not lost.
addEventListener("unhandledrejection", (event) => {
  if (!(event.reason instanceof Refused)) return;
  event.preventDefault();
  toast(event.reason.message);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !document.querySelector("dialog[open], .cover") && !wide() && event.target === document.body) open(null);
});

begin();
