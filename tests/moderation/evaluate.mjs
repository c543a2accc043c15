// How well filters find listed words in the spellings that people try, and how often they find one in clean text.
// Usage: node evaluate.mjs [--callgate PROGRAM] [--plugin FOLDER_OR_WASM] [--port N] [--misses]

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { Callgate, PEERS } from "./contestants.mjs";
import { plot } from "./plot.mjs";
import { EXTRAORDINARY, ORDINARY } from "./spellings.mjs";
import { LANGUAGES, sentences, words } from "./texts.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const option = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : process.argv[at + 1];
};
const program = option("callgate", join(here, "../../target/release/callgate"));
const plugin = option("plugin", join(here, "../../plugins/filter-messages"));
const port = Number(option("port", "18480"));
const showMisses = process.argv.includes("--misses");

/** All spellings of a language's words: kind, word, text. */
function spellings(language, list, kinds) {
  const all = [];
  for (const [kind, spell] of Object.entries(kinds)) {
    for (const word of list) {
      const spelling = spell(word, language);
      if (spelling === null) continue;
      const around = LANGUAGES[language].around("\0").split("\0");
      const text = Array.isArray(spelling) ? [around[0] + spelling[0], spelling[1] + around[1]] : around.join(spelling);
      all.push({ kind, word, text });
    }
  }
  return all;
}

const percent = (part, of) => (of === 0 ? NaN : (100 * part) / of);
const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

/** Recall of each kind, in percent. */
function recall(cases, isFound) {
  const kinds = {};
  cases.forEach(({ kind }, index) => {
    const counts = (kinds[kind] ??= [0, 0]);
    counts[0] += isFound[index] ? 1 : 0;
    counts[1] += 1;
  });
  return Object.fromEntries(Object.entries(kinds).map(([kind, [found, of]]) => [kind, percent(found, of)]));
}

async function all(items, isFound) {
  const results = new Array(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const at = next++;
      results[at] = await isFound(items[at]);
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  return results;
}

const rows = [];
for (const language of Object.keys(LANGUAGES)) {
  const list = words(language);
  const clean = sentences(language, list);
  const ordinary = spellings(language, list, ORDINARY);
  const extraordinary = spellings(language, list, EXTRAORDINARY);
  const note = (filter, cases, isFound, found) => {
    const kinds = recall(cases, isFound);
    const false_positives = found.filter(Boolean).length;
    rows.push({ language, filter, words: list.length, kinds, recall: mean(Object.values(kinds)), clean: clean.length, false_positives });
    if (showMisses && filter.startsWith("callgate")) {
      cases.forEach(({ kind, text }, at) => isFound[at] || console.log("missed", filter, language, kind, JSON.stringify(text)));
      clean.forEach((text, at) => found[at] && console.log("wrong", filter, language, text));
    }
  };
  for (const [strictness, cases] of [["normal", ordinary], ["aggressive", [...ordinary, ...extraordinary]]]) {
    const callgate = await Callgate.start(program, plugin, port, list, strictness);
    try {
      const single = cases.filter(({ text }) => !Array.isArray(text));
      const openim = await all(single, ({ text }) => callgate.openim(text));
      note(`callgate ${strictness}, OpenIM`, single, openim, await all(clean, (text) => callgate.openim(text)));
      const tencent = await all(cases, ({ text }) => callgate.tencent(text));
      note(`callgate ${strictness}, Tencent`, cases, tencent, await all(clean, (text) => callgate.tencent(text)));
    } finally {
      callgate.stop();
      await new Promise((resolve) => callgate.child.once("exit", resolve));
    }
  }
  for (const [name, make] of Object.entries(PEERS)) {
    const isFound = make(list, LANGUAGES[language].spaced);
    const safely = (text) => {
      try {
        return isFound(text);
      } catch {
        return false;
      }
    };
    // One of them takes tens of milliseconds for each text: every so many will do.
    const every = (items, most) => items.filter((_, at) => name !== "bad-words-next" || at % Math.ceil(items.length / most) === 0);
    const [some, cases] = [every(clean, 200), every(ordinary, 600)];
    note(name, cases, cases.map(({ text }) => safely(text)), some.map(safely));
    rows.at(-1).clean = some.length;
  }
  console.error(`${LANGUAGES[language].name}: ${list.length} words, ${ordinary.length + extraordinary.length} spellings, ${clean.length} clean sentences`);
}

const filters = [...new Set(rows.map((row) => row.filter))];
const of = (filter, language) => rows.find((row) => row.filter === filter && row.language === language);
const table = [
  `| filter | ${Object.values(LANGUAGES).map(({ name }) => name).join(" | ")} |`,
  `| --- | ${Object.keys(LANGUAGES).map(() => "---").join(" | ")} |`,
  ...filters.map((filter) => {
    const cells = Object.keys(LANGUAGES).map((language) => {
      const row = of(filter, language);
      return `${row.recall.toFixed(1)} (${row.false_positives} of ${row.clean})`;
    });
    return `| ${filter} | ${cells.join(" | ")} |`;
  }),
];
console.log(`Recall in %, mean over the kinds of spelling, and false positives:\n\n${table.join("\n")}\n`);
const kinds = [...Object.keys(ORDINARY), ...Object.keys(EXTRAORDINARY)];
const cell = (value) => (value === undefined ? "" : value.toFixed(0));
for (const language of Object.keys(LANGUAGES)) {
  console.log(`${LANGUAGES[language].name}, recall in %:\n\n| kind | ${filters.join(" | ")} |\n| --- | ${filters.map(() => "---").join(" | ")} |`);
  for (const kind of kinds) {
    const cells = filters.map((filter) => cell(of(filter, language).kinds[kind]));
    if (cells.some((text) => text !== "")) console.log(`| ${kind} | ${cells.join(" | ")} |`);
  }
  console.log();
}
mkdirSync(join(here, "results"), { recursive: true });
writeFileSync(join(here, "results/moderation.json"), JSON.stringify(rows, null, 1));
writeFileSync(join(here, "results/moderation.svg"), plot(rows, LANGUAGES));
console.error("written: results/moderation.json, results/moderation.svg");
