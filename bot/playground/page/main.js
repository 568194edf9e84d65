// Puts the page together.

import { Composer } from "./composer.js";
import { conversation } from "./conversation.js";
import { toast } from "./dialogs.js";
import { whenWide, wide } from "./dom.js";
import { conversationHeader } from "./header.js";
import { joinWhenAsked } from "./join.js";
import { begin, model, open, openHome } from "./model.js";
import { Refused } from "./server.js";
import { sidebar } from "./sidebar.js";

joinWhenAsked();
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

// The app opens, too, while the playground is not running. Without TLS, browsers have this on the playground's machine alone.
navigator.serviceWorker?.register("sw.js", { updateViaCache: "none" });

begin();
