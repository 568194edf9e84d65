// What comes over the conversation: notes that pass, alerts, questions and menus.

import { h, icon } from "./dom.js";
import { t } from "./words.js";

const TOAST_MS = 3500;

export function toast(text) {
  const note = h("div", { class: "toast" }, text);
  document.getElementById("toasts").append(note);
  setTimeout(() => note.classList.add("going"), TOAST_MS);
  setTimeout(() => note.remove(), TOAST_MS + 300);
}

// Opens a dialog, which is gone once it is closed. Chromium then gives the focus back to where one wrote, but not the
// caret, and swallows what is typed: it gets the focus anew.
export function open(dialog) {
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    const back = document.activeElement;
    back.blur();
    back.focus({ preventScroll: true });
  });
  dialog.showModal();
}

// Shows a dialog and resolves with the value it was closed with, or null.
export function show(content, properties = {}) {
  const dialog = h("dialog", properties, content);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  open(dialog);
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue || null)));
}

const form = (...children) => h("form", { method: "dialog" }, children);

export function alertDialog(text) {
  return show(form(h("p", { class: "said" }, text), h("menu", {}, h("button", { class: "strong", value: "ok", autofocus: true }, t("ok")))), { class: "alert", "aria-label": text });
}

export function confirmDialog(text) {
  return show(
    form(
      h("p", { class: "said" }, text),
      h("menu", {}, h("button", { value: "" }, t("cancel")), h("button", { class: "strong", value: "ok", autofocus: true }, t("ok"))),
    ),
    { class: "alert", "aria-label": text },
  );
}

export async function ask(title, label = t("name")) {
  const input = h("input", { name: "answer", required: true, autofocus: true, maxlength: "60", autocomplete: "off" });
  const answered = await show(
    form(
      h("h2", {}, title),
      h("label", {}, h("span", {}, label), input),
      // No submit button but the one: Enter presses the first of them.
      h("menu", {}, h("button", { type: "button", onclick: (event) => event.target.closest("dialog").close() }, t("cancel")), h("button", { class: "strong", value: "ok" }, t("create"))),
    ),
    { class: "ask", "aria-label": title },
  );
  return answered ? input.value.trim() : null;
}

export function choose(title, items) {
  const rows = items.map(({ value, label, face }) => h("button", { class: "row", value: String(value) }, face, h("span", {}, label)));
  return show(form(h("h2", {}, title), rows), { class: "ask", "aria-label": title });
}

// A menu at a point of the screen; items are {label, icon, act, danger} or null for what does not apply.
export function menu(items, x, y) {
  const offered = items.filter(Boolean);
  if (!offered.length) return;
  const before = document.activeElement;
  const list = h(
    "div",
    { class: "popup", role: "menu" },
    offered.map((item) =>
      h("button", { type: "button", role: "menuitem", class: item.danger ? "danger" : null, onclick: () => close(item.act) }, item.icon ? icon(item.icon) : null, item.label),
    ),
  );
  const cover = h("div", { class: "cover", onclick: () => close(), oncontextmenu: (event) => { event.preventDefault(); close(); } }, list);
  function close(act) {
    cover.remove();
    before?.focus?.({ preventScroll: true });
    act?.();
  }
  cover.addEventListener("keydown", (event) => {
    const buttons = [...list.children];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) buttons[(buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length].focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  document.body.append(cover);
  const { width, height } = list.getBoundingClientRect();
  list.style.left = `${Math.max(8, Math.min(x, innerWidth - width - 8))}px`;
  list.style.top = `${Math.max(8, Math.min(y, innerHeight - height - 8))}px`;
  list.firstElementChild.focus();
}

export function menuBelow(button, items) {
  const box = button.getBoundingClientRect();
  menu(items, box.left, box.bottom + 4);
}

export function menuAbove(button, items) {
  const box = button.getBoundingClientRect();
  menu(items, box.left, box.top - 12 - 46 * items.filter(Boolean).length);
}
