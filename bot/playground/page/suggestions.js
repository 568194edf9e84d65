// Above the composer: the bot's commands while one types "/", and its results while one types "@bot".

import { h } from "./dom.js";
import { chat, isGroup, model } from "./model.js";
import * as server from "./server.js";
import { t } from "./words.js";

const PAUSE_MS = 350;

export class Suggestions {
  // `take` is called with ("command", "/start") or ("result", null).
  constructor(take) {
    this.element = h("div", { id: "suggestions", class: "suggestions", role: "listbox", "aria-label": t("menu"), hidden: true });
    this.input = null; // tells a screen reader which one is chosen, as the focus stays in it
    this.take = take;
    this.commands = [];
    this.timer = null;
    this.asked = 0;
    this.loading = 0;
  }

  // Tells whether they are of use: there may be newer ones, or another chat, by the time they come.
  async loadCommands() {
    const loading = ++this.loading;
    const { chatId, me } = model;
    const commands = chatId === null ? [] : await server.get(`/chats/${chatId}/menu?person=${me}`);
    if (loading !== this.loading || chatId !== model.chatId || me !== model.me) return false;
    this.commands = commands;
    return true;
  }

  // Whether the text is the beginning of a command.
  completes(text) {
    return /^\/\w*$/.test(text);
  }

  get open() {
    return !this.element.hidden;
  }

  close() {
    clearTimeout(this.timer);
    this.asked++;
    this.element.hidden = true;
    this.element.replaceChildren();
    this.mark(null);
  }

  belongTo(input) {
    this.input = input;
    for (const [name, value] of Object.entries({ "aria-autocomplete": "list", "aria-controls": this.element.id })) input.setAttribute(name, value);
  }

  mark(option) {
    for (const one of this.element.querySelectorAll("[aria-selected]")) if (one !== option) one.removeAttribute("aria-selected");
    option?.setAttribute("aria-selected", "true");
    if (option) this.input.setAttribute("aria-activedescendant", option.id);
    else this.input.removeAttribute("aria-activedescendant");
  }

  // What to offer for the text as it is now.
  update(text) {
    const inline = new RegExp(`^@${model.bot.username}\\s(.*)$`, "is").exec(text);
    if (inline) this.ask(inline[1]);
    else if (this.completes(text)) this.offerCommands(text.slice(1).toLowerCase());
    else this.close();
  }

  offerCommands(beginning) {
    const to = isGroup(chat()) ? `@${model.bot.username}` : ""; // in a group others might feel addressed
    const fitting = this.commands.filter(({ command }) => command.startsWith(beginning));
    this.show(
      fitting.map(({ command, description }) =>
        h("button", { type: "button", role: "option", onclick: () => this.take("command", `/${command}${to}`) }, h("b", {}, `/${command}`), h("span", {}, description)),
      ),
    );
  }

  ask(query) {
    clearTimeout(this.timer);
    const asked = ++this.asked;
    this.timer = setTimeout(async () => {
      if (!this.open) this.show([h("p", {}, t("searching"))]);
      const [person, chatId] = [model.me, model.chatId];
      const { answered, results, query_id } = await server.post(`/chats/${chatId}/inline`, { person, query });
      if (asked !== this.asked) return;
      if (!answered || !results.length) this.show([h("p", {}, answered ? t("none") : t("no_answer"))]);
      else this.show(results.map((result) => this.result(result, { person, query_id, result_id: result.id }, chatId)), true);
    }, PAUSE_MS);
  }

  result(result, choice, chatId) {
    const choose = async () => {
      this.close();
      await server.post(`/chats/${chatId}/inline/choose`, choice);
      this.take("result", null);
    };
    const film = result.video_file_id;
    const shown = film
      ? h("video", { src: server.mediaUrl(film), muted: true, autoplay: true, loop: true, playsinline: true, "aria-label": result.title })
      : h("img", { src: server.mediaUrl(result.photo_file_id), alt: result.title ?? result.caption ?? t("photo") });
    return h("button", { type: "button", role: "option", class: "tile", onclick: choose }, shown);
  }

  show(children, tiles = false) {
    this.element.replaceChildren(...children);
    this.element.classList.toggle("tiles", tiles);
    this.element.hidden = !children.length;
    this.element.ariaLabel = t("menu");
    const options = [...this.element.querySelectorAll("button")];
    for (const [i, option] of options.entries()) option.id = `suggestion${i}`;
    this.mark(options[0] ?? null);
  }

  // Keys while it is open; tells whether it has used this one.
  key(event) {
    if (!this.open) return false;
    const options = [...this.element.querySelectorAll("button")];
    const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && options.length) {
      const next = options[(at + step + options.length) % options.length];
      this.mark(next);
      next.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter" && options[at]) options[at].click();
    else if (event.key === "Tab" && options[at]) options[at].click();
    else if (event.key === "Escape") this.close();
    else return false;
    event.preventDefault();
    return true;
  }
}
