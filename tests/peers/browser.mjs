// A headless Chromium that does what it is told: a JSON object a line on stdin,
// its result a line on stdout. Run where playwright-core is installed; it ends
// with its stdin. The first argument is Chromium's program.
//
// Chromium runs with its defaults: nothing that would take CORS away. It can
// resolve no name but localhost, so nothing leaves this machine.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(`${process.cwd()}/`);
const { chromium } = require("playwright-core");

const LIMIT = 90_000;
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

/** The texts of the SVG that is open: colour, what is painted behind, whether they stay in their box. */
const textsOfPicture = () => {
  const parts = (color) => color.match(/\d+/g).slice(0, 3).map(Number);
  const holds = (outer, inner) =>
    outer.left <= inner.left && inner.right <= outer.right && outer.top <= inner.top && inner.bottom <= outer.bottom;
  const picture = document.documentElement.getBoundingClientRect();
  const boxes = [...document.querySelectorAll("rect")].filter((box) => getComputedStyle(box).fill !== "none");
  return [...document.querySelectorAll("text")].map((text) => {
    const place = text.getBoundingClientRect();
    const [x, y] = [place.left + place.width / 2, place.top + place.height / 2];
    // The last one that is painted below the text's middle.
    const box = boxes.findLast((box) => holds(box.getBoundingClientRect(), { left: x, right: x, top: y, bottom: y }));
    return {
      text: text.textContent,
      color: parts(getComputedStyle(text).fill),
      behind: box ? parts(getComputedStyle(box).fill) : [255, 255, 255],
      inside: holds(picture, place) && box !== undefined && holds(box.getBoundingClientRect(), place),
    };
  });
};

/** The page that is looked at, step by step. */
let looked;

const commands = {
  /** Opens a page for the commands after it, as a reader whose system asks for `scheme` sees it. */
  async open({ url, scheme, size: [width, height] }) {
    await looked?.close();
    looked = await browser.newPage({ colorScheme: scheme, viewport: { width, height } });
    looked.setDefaultTimeout(LIMIT);
    await looked.goto(url);
    return {};
  },

  /** Waits until an expression is true in the page, whose policy forbids Playwright's own way. */
  async until({ script }) {
    for (const end = Date.now() + LIMIT; !(await looked.evaluate(script)); ) {
      if (Date.now() > end) throw new Error(`not in time: ${script}`);
      await looked.waitForTimeout(50);
    }
    return {};
  },

  async evaluate({ script }) {
    return { value: (await looked.evaluate(script)) ?? null };
  },

  async click({ selector }) {
    await looked.click(selector);
    return {};
  },

  async fill({ selector, text }) {
    await looked.fill(selector, text);
    return {};
  },

  async press({ selector, key }) {
    await looked.press(selector, key);
    return {};
  },

  /** Turns the mouse's wheel over the middle of an element. */
  async wheel({ selector, by }) {
    await looked.hover(selector);
    await looked.mouse.wheel(0, by);
    return {};
  },

  /** Draws a line from the middle of an element with the button down. */
  async drag({ selector, by: [x, y] }) {
    const box = await looked.locator(selector).boundingBox();
    const [fromX, fromY] = [box.x + box.width / 2, box.y + box.height / 2];
    await looked.mouse.move(fromX, fromY);
    await looked.mouse.down();
    await looked.mouse.move(fromX + x, fromY + y, { steps: 4 });
    await looked.mouse.up();
    return {};
  },

  async shoot({ path }) {
    await looked.screenshot({ path, fullPage: true });
    return {};
  },

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

  /** A graph drawn by Mermaid itself: the texts of its nodes with their classes, and its stages. */
  async graph({ text, path }) {
    const page = await browser.newPage({ viewport: { width: 1600, height: 1600 } });
    page.setDefaultTimeout(LIMIT);
    await page.addScriptTag({ path: require.resolve("mermaid/dist/mermaid.min.js") });
    const found = await page.evaluate(async (text) => {
      mermaid.initialize({ startOnLoad: false, securityLevel: "strict" });
      const { svg } = await mermaid.render("drawn", text);
      document.body.innerHTML = svg;
      const texts = (selector, of) => [...document.querySelectorAll(selector)].map(of);
      return {
        nodes: texts("g.node", (node) => [node.textContent.trim(), node.getAttribute("class")]),
        // As they are drawn, from the top.
        stages: texts("g.cluster .cluster-label", (label) => [label.getBoundingClientRect().top, label.textContent.trim()])
          .sort(([one], [other]) => one - other)
          .map(([, text]) => text),
      };
    }, text);
    if (path) await page.screenshot({ path, fullPage: true });
    await page.close();
    return found;
  },

  /** What a reader sees of an SVG's texts, in a colour scheme. */
  async picture({ url, scheme }) {
    const page = await browser.newPage({ colorScheme: scheme, viewport: { width: 1600, height: 1600 } });
    await page.goto(url);
    const texts = await page.evaluate(textsOfPicture);
    await page.close();
    return { texts };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...rest } = JSON.parse(line);
  const late = new Promise((_, reject) => setTimeout(reject, 2 * LIMIT, new Error("took too long")).unref());
  const result = await Promise.race([commands[command](rest), late]).catch((error) => ({ failure: String(error) }));
  console.log(JSON.stringify(result));
}
await browser.close();
