// A headless Chromium that does what it is told: a JSON object a line on stdin,
// its result a line on stdout. Run where playwright-core is installed; it ends
// with its stdin. The first argument is Chromium's program.
//
// Chromium runs with its defaults: nothing that would take CORS away. It can
// resolve no name but localhost, so nothing of it leaves this machine.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(`${process.cwd()}/`);
const { chromium } = require("playwright-core");

const LIMIT = 20_000;
const RESOLVE = "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1";

const browser = await chromium.launch({
  executablePath: process.argv[2],
  args: ["--disable-background-networking", "--no-proxy-server", `--host-resolver-rules=${RESOLVE}`],
});

/** A page that is there already, or is opened. */
const pages = new Map();
async function at(url) {
  if (!pages.has(url)) {
    const page = await browser.newPage();
    page.setDefaultTimeout(LIMIT);
    await page.goto(url);
    pages.set(url, page);
  }
  return pages.get(url);
}

/** What a page's script gets of an answer, and nothing that it doesn't. */
const byScript = async ({ url, limit, ...options }) => {
  const signal = AbortSignal.timeout(limit);
  try {
    const answer = await fetch(url, { cache: "no-store", signal, ...options });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    return {
      status: answer.status,
      headers: Object.fromEntries(answer.headers),
      body: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")),
    };
  } catch (error) {
    return { error: error.name };
  }
};

const commands = {
  async fetch({ page, ...request }) {
    return (await at(page)).evaluate(byScript, { limit: LIMIT, ...request });
  },

  /** Whether an address is shown in a frame of the page. */
  async frame({ page, url }) {
    const parent = await at(page);
    const handle = await parent.evaluateHandle(
      (src) =>
        new Promise((resolve) => {
          const frame = document.createElement("iframe");
          frame.addEventListener("load", () => resolve(frame));
          frame.src = src;
          document.body.append(frame);
        }),
      url,
    );
    const frame = await handle.asElement().contentFrame();
    return { shown: frame.url() === url };
  },

  /** Goes there as by the address bar; what the browser got, and then a selector's text. */
  async visit({ url, wait }) {
    const page = await browser.newPage();
    page.setDefaultTimeout(LIMIT);
    const answer = await page.goto(url);
    const text = wait && (await page.locator(wait).innerText());
    const found = { status: answer.status(), headers: await answer.allHeaders(), text };
    await page.close();
    return found;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...rest } = JSON.parse(line);
  const late = new Promise((_, reject) => setTimeout(reject, 2 * LIMIT, new Error("took too long")).unref());
  const result = await Promise.race([commands[command](rest), late]).catch((error) => ({ failure: String(error) }));
  console.log(JSON.stringify(result));
}
await browser.close();
