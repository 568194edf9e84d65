// Where one writes: text, commands, replies, edits, files by clip, camera, dropping and pasting.

import { gist, nameOf } from "./bubbles.js";
import { takePhoto } from "./camera.js";
import { menuAbove, toast } from "./dialogs.js";
import { h, icon, iconButton } from "./dom.js";
import { botIsIn, chat, draft, isGroup, isMine, messagesOf, model, on, rememberDraft } from "./model.js";
import { offer } from "./sending.js";
import * as server from "./server.js";
import { Suggestions } from "./suggestions.js";
import { locale, t } from "./words.js";

const footer = document.getElementById("composer");
const dropZone = document.getElementById("drop");

export class Composer {
  constructor() {
    this.replied = null;
    this.edited = null;
    this.place = ""; // whose chat, which topic and language it was made for
    this.suggestions = new Suggestions((kind, said) => (kind === "command" ? this.sendText(said) : this.clear()));
    this.canReply = (message) => message.chat.id === model.chatId; // not from before a group became a supergroup
    this.reply = (message) => this.canReply(message) && this.about(message, null);
    this.edit = (message) => this.about(null, message);
    this.build();
    on("chat", () => this.draw());
    on("me", () => this.draw());
    on("status", () => this.drawState());
    on("messages", () => this.drawState());
    on("commands", () => this.loadCommands());
    this.acceptDrops();
    document.addEventListener("paste", (event) => this.paste(event));
  }

  // Anew for another chat. For the same one it stays, with what is half typed, answered or edited.
  draw() {
    footer.hidden = !chat();
    dropZone.hidden = true;
    const place = [model.me, model.chatId, model.topic, locale()].join();
    if (!chat() || place === this.place) return this.drawState();
    this.place = place;
    this.replied = this.edited = null;
    this.build();
    this.input.value = draft();
    this.suggestions.close();
    this.drawState();
    this.changed();
    this.loadCommands();
    const choosing = document.activeElement.matches("[role=tab]:focus-visible"); // by arrows, and perhaps not done yet
    if (matchMedia("(hover: hover)").matches && !choosing) this.focus();
  }

  // On a phone the keyboard would come up: there the conversation has the focus, where Tab and arrows go on from.
  focus() {
    const target = matchMedia("(hover: hover)").matches ? this.input : document.getElementById("scroller");
    target.focus({ preventScroll: true });
  }

  // All its parts, in the words of whoever holds the phone. They are there before any chat is, as news may come first.
  build() {
    this.input = h("textarea", { rows: "1", placeholder: t("message"), "aria-label": t("message"), enterkeyhint: "send", autocomplete: "off" });
    this.suggestions.belongTo(this.input);
    this.input.addEventListener("input", () => this.changed());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.files = h("input", { type: "file", multiple: true, hidden: true, onchange: () => this.attach(this.files) });
    this.clip = iconButton("clip", t("attach"), () => menuAbove(this.clip, [
      { label: t("photos"), icon: "photo", act: () => this.pick("image/*,video/*,.heic,.heif", false) },
      { label: t("file"), icon: "file", act: () => this.pick("", true) },
    ]));
    this.menuButton = h("button", { type: "button", class: "round menu-button", hidden: true, "aria-label": t("menu"), title: t("menu"), onclick: () => this.toggleMenu() }, icon("menu"));
    this.camera = iconButton("camera", t("camera"), () => this.photograph());
    this.sendButton = h("button", { type: "button", class: "round send", "aria-label": t("send"), title: t("send"), onclick: () => this.send() }, icon("send"));
    this.context = h("div", { class: "context", hidden: true });
    this.row = h("div", { class: "row" }, this.menuButton, h("div", { class: "field" }, this.input, this.clip, this.camera), this.sendButton, this.files);
    this.state = h("button", { type: "button", class: "state", hidden: true });
    footer.replaceChildren(this.suggestions.element, this.context, this.row, this.state);
  }

  // Instead of the composer: START in a new chat, and a way back where the bot was stopped.
  drawState() {
    const one = chat();
    if (!one) return;
    const stopped = !isGroup(one) && !botIsIn(one);
    const fresh = !isGroup(one) && !messagesOf(one.id).length;
    this.row.hidden = stopped || fresh;
    this.state.hidden = !this.row.hidden;
    this.fit();
    this.state.textContent = stopped ? t("unblock") : t("start");
    this.state.onclick = () => (stopped ? server.post(`/chats/${one.id}/bot`, { person: model.me, action: "unblock" }) : this.sendText("/start"));
  }

  async loadCommands() {
    if (!(await this.suggestions.loadCommands())) return;
    this.menuButton.hidden = !this.suggestions.commands.length;
    if (this.suggestions.completes(this.input.value)) this.suggestions.update(this.input.value);
  }

  toggleMenu() {
    if (this.suggestions.open) this.suggestions.close();
    else this.suggestions.offerCommands("");
    this.input.focus();
  }

  changed() {
    this.fit();
    this.sendButton.classList.toggle("ready", this.input.value.trim() !== "");
    if (!this.edited) rememberDraft(this.input.value);
    this.suggestions.update(this.input.value);
  }

  // As tall as its words; the style sheet says how tall at most.
  fit() {
    this.input.style.height = "auto";
    if (this.input.scrollHeight) this.input.style.height = `${this.input.scrollHeight}px`;
  }

  put(text) {
    this.input.value = text;
    this.input.focus();
    this.changed();
  }

  clear() {
    this.about(null, null);
    this.put("");
  }

  key(event) {
    if (event.isComposing || this.suggestions.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.send();
    } else if (event.key === "Escape" && (this.replied || this.edited)) {
      this.clear();
    } else if (event.key === "ArrowUp" && this.input.value === "") {
      const last = messagesOf(model.chatId).filter((message) => isMine(message) && message.text !== undefined).at(-1);
      if (last) {
        event.preventDefault();
        this.edit(last);
      }
    }
  }

  about(replied, edited) {
    this.replied = replied;
    this.edited = edited;
    const message = replied ?? edited;
    this.context.hidden = !message;
    if (!message) return;
    const title = edited ? t("editing") : t("replying", { name: isMine(message) ? t("you") : nameOf(message) });
    this.context.replaceChildren(
      icon(edited ? "edit" : "reply"),
      h("span", {}, h("strong", {}, title), h("span", {}, gist(message))),
      iconButton("close", t("cancel"), () => (this.edited ? this.clear() : this.about(null, null))),
    );
    if (edited) this.put(message.text ?? message.caption ?? "");
    this.input.focus();
  }

  where() {
    return { reply_to: this.replied?.message_id ?? null, topic: model.topic };
  }

  send() {
    const text = this.input.value.trim();
    if (text) this.sendText(text);
  }

  async sendText(text) {
    const { edited } = this;
    const path = `/chats/${edited?.chat.id ?? model.chatId}/messages`;
    const values = Object.fromEntries(Object.entries(this.where()).filter(([, value]) => value !== null));
    this.clear();
    try {
      if (edited) await server.patch(`${path}/${edited.message_id}`, { person: model.me, text });
      else await server.post(path, { person: model.me, text, ...values });
    } catch (error) {
      toast(error.message);
      if (!this.input.value) this.put(text);
    }
  }

  pick(accept, asFiles) {
    this.asFiles = asFiles;
    this.files.accept = accept;
    this.files.click();
  }

  async attach(input) {
    const files = [...input.files];
    input.value = "";
    await this.offer(files, this.asFiles);
  }

  async photograph() {
    const photo = await takePhoto();
    if (photo) await this.offer([photo], false);
    else if (!navigator.mediaDevices) this.pick("image/*", false);
  }

  async offer(files, asFiles) {
    const caption = this.input.value;
    if (await offer(files, this.where(), { asFiles, caption })) this.clear();
  }

  paste(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length || !chat() || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    this.offer(files, null);
  }

  acceptDrops() {
    const zone = (asFiles, name, title) => {
      const element = h("div", {}, icon(name), h("b", {}));
      element.addEventListener("dragover", (event) => {
        event.preventDefault();
        element.classList.add("over");
      });
      element.addEventListener("dragleave", () => element.classList.remove("over"));
      element.addEventListener("drop", (event) => {
        event.preventDefault();
        this.offer([...event.dataTransfer.files], asFiles);
      });
      return { element, title };
    };
    const zones = [zone(false, "photo", "drop_photo"), zone(true, "file", "drop_file")];
    dropZone.append(...zones.map(({ element }) => element));
    const over = (event) => chat() && [...(event.dataTransfer?.types ?? [])].includes("Files");
    document.addEventListener("dragenter", (event) => {
      if (!over(event)) return;
      for (const { element, title } of zones) element.lastChild.textContent = t(title);
      dropZone.hidden = false;
    });
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) dropZone.hidden = true;
    });
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      dropZone.hidden = true;
      for (const { element } of zones) element.classList.remove("over");
    });
  }
}

