// The ways in which people spell a listed word to get it past a filter. Each returns the spelling, or null where it
// makes no difference or no sense for the word. Nothing here is random: a run can be repeated.

import * as OpenCC from "opencc-js";

const letters = (word) => [...word];
const isHan = (word) => /\p{Script=Han}/u.test(word);
const isArabic = (word) => /\p{Script=Arabic}/u.test(word);
const isLatin = (word) => /^[\p{Script=Latin}\p{M}\s'-]+$/u.test(word);
const isLetter = (c) => c !== undefined && /[\p{L}]/u.test(c);
/** Replaces letters by a table; null if the word has none of them. */
const by = (table) => (word) => {
  const changed = letters(word).map((c) => table[c] ?? c).join("");
  return changed === word ? null : changed;
};
/** Puts something between all letters; spaces of the word become three. */
const between = (sign) => (word) => {
  if (letters(word).filter(isLetter).length < 3 && !isHan(word)) return null;
  const parts = word.split(" ").map((part) => letters(part).join(sign));
  return parts.join(sign.trim() === "" ? "   " : sign);
};
/** Shifts a to z into another alphabet of Unicode. */
const shifted = (first) => by(Object.fromEntries(Array.from({ length: 26 }, (_, at) => [String.fromCharCode(97 + at), String.fromCodePoint(first + at)])));
const pairs = (from, to) => Object.fromEntries(letters(from).map((c, at) => [c, letters(to)[at]]));
const traditional = OpenCC.Converter({ from: "cn", to: "hk" });
const middle = (word) => Math.ceil(letters(word).length / 2);
const cut = (word, at, sign) => letters(word).slice(0, at).join("") + sign + letters(word).slice(at).join("");
/** The index of a letter inside of the word, with letters on both sides. */
const inside = (word) => {
  const all = letters(word);
  const at = all.findIndex((c, index) => index >= all.length / 2 && isLetter(c) && isLetter(all[index - 1]) && isLetter(all[index + 1]));
  return at > 0 ? at : all.findIndex((c, index) => isLetter(c) && isLetter(all[index - 1]) && isLetter(all[index + 1]));
};

/** Kinds that `normal` is for. */
export const ORDINARY = {
  "as listed": (word) => word,
  "capitals": (word, language) => changed(word, word.toLocaleUpperCase(language)),
  "mixed capitals": (word) => changed(word, letters(word).map((c, at) => (at % 2 ? c : c.toUpperCase())).join("")),
  "full width": by(pairs("abcdefghijklmnopqrstuvwxyz", "ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ")),
  "spaces between": between(" "),
  "dots between": between("."),
  "hyphens between": between("-"),
  "sign for a space": (word) => (word.includes(" ") ? word.replaceAll(" ", "_") : null),
  "zero-width spaces": (word) => letters(word).join("\u200b"),
  "soft hyphen": (word) => cut(word, middle(word), "\u00ad"),
  "Cyrillic look-alikes": by(pairs("aeopcxyi", "аеорсхуі")),
  "Greek look-alikes": by(pairs("aovpixtu", "αονριχτυ")),
  "mathematical letters": shifted(0x1d41a),
  "script letters": shifted(0x1d4ea),
  "circled letters": shifted(0x24d0),
  "digits for letters": by(pairs("aeiost", "431057")),
  "signs for letters": by(pairs("as", "@$")),
  "a repeated letter": (word) => {
    const at = letters(word).findIndex((c) => /[aeiouäöüı]/u.test(c));
    return at < 0 || isHan(word) ? null : cut(word, at, letters(word)[at].repeat(3));
  },
  "combining marks": (word) => (isHan(word) || isArabic(word) ? null : letters(word).map((c) => (isLetter(c) ? c + "\u0336" : c)).join("")),
  "accents": by(pairs("aeiou", "áéíóú")),
  "half a surrogate beside": (word) => `\ud83d${word}`,
  "traditional characters": (word) => (isHan(word) ? changed(word, traditional(word)) : null),
  "a space inside": (word) => (isHan(word) ? cut(word, middle(word), " ") : null),
  "a sign inside": (word) => (isHan(word) ? cut(word, middle(word), "*") : null),
  "vowel signs": (word) => (isArabic(word) ? letters(word).map((c) => (isLetter(c) ? c + "\u064e" : c)).join("") : null),
  "a line between letters": (word) => (isArabic(word) ? word.replace(/(?<=\p{L})(?=\p{L})/gu, "\u0640") : null),
  "an article": (word) => (isArabic(word) && !word.includes(" ") && !word.startsWith("ال") ? `ال${word}` : null),
};

/** Kinds that only `aggressive` is for. */
export const EXTRAORDINARY = {
  "one sign": (word) => {
    const at = inside(word);
    return at > 0 && !isHan(word) && letters(word).filter(isLetter).length > 3 ? cut(word, at, "#") : null;
  },
  "a masked letter": (word) => {
    const at = inside(word);
    const all = letters(word);
    return at > 0 && !isHan(word) && all.filter(isLetter).length > 3 ? [...all.slice(0, at), "*", ...all.slice(at + 1)].join("") : null;
  },
  "emoji between": (word) => letters(word).join("🔥"),
  "digits inside": (word) => (isHan(word) ? cut(word, middle(word), "1") : null),
  // Two elements where a message has several; where it has one, the spelling does not exist.
  "over two elements": (word) => (letters(word).length > 3 ? [letters(word).slice(0, middle(word)).join(""), letters(word).slice(middle(word)).join("")] : null),
};

function changed(word, spelling) {
  return spelling === word ? null : spelling;
}
