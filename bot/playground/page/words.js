// The page's own words, in the language of the person who holds the phone.

import de from "./words.de.js";
import en from "./words.en.js";
import es from "./words.es.js";
import ja from "./words.ja.js";
import ko from "./words.ko.js";
import pt from "./words.pt.js";
import ru from "./words.ru.js";
import zh from "./words.zh.js";

const WORDS = { de, en, es, ja, ko, pt, ru, zh };

export const LANGUAGES = {
  en: "English", ko: "한국어", ja: "日本語", es: "Español", de: "Deutsch", pt: "Português", ru: "Русский", zh: "中文",
};

let language = "en";

export function speak(code) {
  const [plain] = code.split("-"); // of a region's own variety nothing is known here
  language = plain in WORDS ? plain : "en";
  document.documentElement.lang = language;
}

export function locale() {
  return language;
}

export function t(key, values = {}) {
  return WORDS[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}
