// The filters that are compared. Each gets the same list of words, and says whether a text has one of them.

import { createRequire } from "node:module";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(import.meta.url);

/** Filters that run in this process: a function from a text to a boolean. */
export const PEERS = {
  obscenity(words, spaced) {
    const { RegExpMatcher, DataSet, englishRecommendedTransformers, parseRawPattern } = require("obscenity");
    const data = new DataSet();
    for (const word of words) {
      const raw = word.replace(/[\\[\]?|]/g, "\\$&");
      data.addPhrase((phrase) => phrase.setMetadata({ originalWord: word }).addPattern(parseRawPattern(spaced ? `|${raw}|` : raw)));
    }
    const matcher = new RegExpMatcher({ ...data.build(), ...englishRecommendedTransformers });
    return (text) => matcher.hasMatch(text);
  },
  "@2toad/profanity"(words, spaced) {
    const { Profanity } = require("@2toad/profanity");
    const filter = new Profanity({ wholeWord: spaced, unicodeWordBoundaries: true });
    filter.removeWords([...(filter.blacklist?.words ?? [])]);
    filter.addWords(words);
    return (text) => filter.exists(text);
  },
  allprofanity(words) {
    const { AllProfanity } = require("allprofanity");
    const filter = new AllProfanity({ silent: true });
    filter.clearList();
    filter.add(words);
    return (text) => filter.check(text);
  },
  "bad-words-next"(words) {
    const BadWordsNext = require("bad-words-next");
    const { lookalike } = require("bad-words-next/lib/en");
    // As its page advises: `+` for repeated letters, `_` for what can be between them.
    const pattern = (word) => [...word].map((c) => (c === " " ? "_" : `${c}+`)).join("_");
    const data = { id: "listed", words: words.map(pattern), lookalike };
    const filter = new BadWordsNext({ data });
    return (text) => filter.check(text);
  },
  "tim-profanity-filter-plugin"(words) {
    const Plugin = require("tim-profanity-filter-plugin");
    const isOf = (type) => (value) => value instanceof type;
    const filter = new Plugin({ isArray: Array.isArray, isMap: isOf(Map), isDevMode: false });
    // The list comes from Tencent, encrypted; here it is not.
    filter._getDecryptedString = (text) => (text ?? "").toLowerCase();
    filter.onLexiconCompleted(words.map((word) => ({ filterType: 1, profanityType: 1, profanity: word, replacement: "" })));
    return (text) => filter.filter(text).type === 1;
  },
};

const CONTENT_TYPE = { "Content-Type": "application/json" };

/** The program itself, over HTTP on this machine's own address, as both chat servers ask it. */
export class Callgate {
  static async start(program, plugin, port, words, strictness) {
    const folder = mkdtempSync(join(tmpdir(), "callgate-moderation-"));
    const from = plugin.endsWith(".wasm") ? `wasm = ${JSON.stringify(plugin)}` : `source = ${JSON.stringify(plugin)}`;
    const settings = `
[server]
listen = "127.0.0.1:${port}"
[admin]
off = true
[[sink]]
name = "records"
kind = "file"
format = "plain"
path = ${JSON.stringify(join(folder, "records.jsonl"))}
[[platform]]
kind = "openim"
on_overload = "allow"
[[platform]]
kind = "tencent-chat"
[[platform.app]]
id = 1400000000
[[plugin]]
name = "filter-messages"
${from}
commands = ["callbackBeforeSendSingleMsgCommand", "C2C.CallbackBeforeSendMsg"]
settings = { strictness = ${JSON.stringify(strictness)} }
settings_files = { words = "words.txt" }
`;
    writeFileSync(join(folder, "words.txt"), words.join("\n"));
    writeFileSync(join(folder, "host.toml"), settings);
    const child = spawn(program, ["serve", "--settings", join(folder, "host.toml"), "--log", "warn"], { stdio: ["ignore", "ignore", "inherit"] });
    child.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    const callgate = new Callgate(child, port);
    for (let tries = 0; ; tries++) {
      try {
        await callgate.openim("hello");
        return callgate;
      } catch (error) {
        if (tries > 600 || child.exitCode !== null) throw new Error("callgate did not start", { cause: error });
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  constructor(child, port) {
    this.child = child;
    this.port = port;
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
  }

  stop() {
    this.agent.destroy();
    this.child.kill("SIGTERM");
  }

  post(path, body) {
    return new Promise((resolve, reject) => {
      const options = { host: "127.0.0.1", port: this.port, method: "POST", path, agent: this.agent, headers: CONTENT_TYPE };
      const request = http.request(options, (response) => {
        const parts = [];
        response.on("data", (part) => parts.push(part));
        response.on("end", () => resolve(JSON.parse(Buffer.concat(parts).toString("utf8"))));
      });
      request.on("error", reject);
      request.end(JSON.stringify(body));
    });
  }

  /** Whether OpenIM is told to stop a message with this text; JSON.stringify writes half a surrogate as an escape. */
  async openim(text) {
    const body = { callbackCommand: "callbackBeforeSendSingleMsgCommand", sendID: "u1", recvID: "u2", contentType: 101, content: JSON.stringify({ content: text }) };
    return (await this.post("/openim/callbackBeforeSendSingleMsgCommand", body)).errCode === 5004;
  }

  /** The same for Tencent; a list of texts is a message of several elements. */
  async tencent(text) {
    const elements = [text].flat().map((part) => ({ MsgType: "TIMTextElem", MsgContent: { Text: part } }));
    const body = { CallbackCommand: "C2C.CallbackBeforeSendMsg", From_Account: "u1", To_Account: "u2", MsgBody: elements };
    return (await this.post("/tencent-chat?SdkAppid=1400000000&CallbackCommand=C2C.CallbackBeforeSendMsg", body)).ErrorCode === 120005;
  }
}
