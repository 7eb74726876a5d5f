// OHIF in a headless Chromium, by one JSON object per line on stdin, with its result on a line
// of stdout. Run where playwright-core is installed; it ends with its stdin. The first
// argument is Chromium's program, with SwiftShader's libraries beside it.
//
// Chromium runs with its defaults: nothing that would take CORS away. It can resolve no
// name but localhost, so nothing leaves this machine.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(`${process.cwd()}/`);
const { chromium } = require("playwright-core");

const LIMIT = 90_000;
const RESOLVE = "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1";

const browser = await chromium.launch({
  executablePath: process.argv[2],
  args: [
    "--disable-background-networking",
    "--no-proxy-server",
    `--host-resolver-rules=${RESOLVE}`,
    // WebGL without a graphics card.
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
  ],
});

/** The open page, and what it asked and said since it was opened. */
let page;
let asked = [];
let errors = [];

/** In OHIF's page: what its viewports show. */
const viewports = () => {
  const { cornerstone } = window;
  if (!cornerstone) return [];
  // Thumbnails have engines of their own.
  const engines = cornerstone.getRenderingEngines().filter(({ id }) => !id.startsWith("renderGPUViewport"));
  return engines
    .flatMap((engine) => engine.getViewports())
    .filter((viewport) => viewport.getCurrentImageId?.())
    .map((viewport) => {
      const imageId = viewport.getCurrentImageId();
      const image = cornerstone.cache.getImage(imageId);
      return {
        id: viewport.id,
        imageId,
        slice: viewport.getCurrentImageIdIndex(),
        slices: viewport.getImageIds().length,
        // 8: all that there is of it, and not a first, coarse look.
        whole: image?.imageQualityStatus === 8,
        drawn: viewport.viewportStatus === "rendered",
      };
    });
};

/** In OHIF's page: a viewport's decoded pixels, and how the canvas shows them. */
const picture = (id) => {
  const { cornerstone } = window;
  const engines = cornerstone.getRenderingEngines().filter((engine) => !engine.id.startsWith("renderGPUViewport"));
  const viewport = engines.map((engine) => engine.getViewport(id)).find(Boolean);
  const imageId = viewport.getCurrentImageId();
  const image = cornerstone.cache.getImage(imageId);
  const pixels = image.getPixelData();
  const { lower, upper } = viewport.getProperties().voiRange;
  const canvas = viewport.canvas;
  const shown = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const ratio = canvas.width / canvas.clientWidth;
  const inverted = Boolean(viewport.getProperties().invert) !== (image.photometricInterpretation === "MONOCHROME1");
  // At the middle of a pixel, nothing of its neighbours is mixed in.
  const points = [];
  const step = Math.max(1, Math.floor(Math.min(image.rows, image.columns) / 40));
  for (let row = 1; row < image.rows - 1; row += step) {
    for (let column = 1; column < image.columns - 1; column += step) {
      const world = cornerstone.utilities.imageToWorldCoords(imageId, [column + 0.5, row + 0.5]);
      const [x, y] = viewport.worldToCanvas(world).map((at) => Math.floor(at * ratio));
      if (x < 0 || y < 0 || x >= canvas.width || y >= canvas.height) continue;
      const part = Math.min(1, Math.max(0, (pixels[row * image.columns + column] - lower) / (upper - lower)));
      const expected = Math.round(255 * (inverted ? 1 - part : part));
      points.push([expected, shown.data[4 * (y * canvas.width + x)]]);
    }
  }
  const shades = new Set();
  for (let at = 0; at < shown.data.length; at += 4) shades.add(shown.data[at]);
  return {
    imageId,
    rows: image.rows,
    columns: image.columns,
    pixels: Array.from(pixels),
    shades: shades.size,
    points,
  };
};

async function settled(wanted) {
  await page.waitForFunction(wanted, undefined, { timeout: LIMIT, polling: 200 });
}

const commands = {
  /** Goes to an address in a browser without a past; the page before it is closed. */
  async open({ url, clock }) {
    await page?.context().close();
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    // The tour would cover the picture.
    await context.addInitScript(() => localStorage.setItem("shownTours", '["basicViewerTour"]'));
    asked = [];
    errors = [];
    page = await context.newPage();
    page.setDefaultTimeout(LIMIT);
    if (clock) await page.clock.install();
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(`${message.text()} (${message.location().url})`);
    });
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("request", (request) => asked.push({ request, url: request.url(), method: request.method() }));
    await page.goto(url);
    return { url: page.url() };
  },

  async goto({ url }) {
    await page.goto(url);
    return { url: page.url() };
  },

  /** A selector's text, once it has some. */
  async text({ selector }) {
    return { text: await page.locator(selector).first().innerText(), url: page.url() };
  },

  async click({ selector, double }) {
    const found = page.locator(selector).first();
    await (double ? found.dblclick() : found.click());
    return {};
  },

  /** The viewports' states, once `count` of them have drawn their picture. */
  async drawn({ count }) {
    const end = Date.now() + LIMIT;
    for (;;) {
      const found = await page.evaluate(viewports);
      if (found.length >= count && found.every(({ whole, drawn }) => whole && drawn)) return { viewports: found };
      if (Date.now() > end) throw new Error(`nothing is drawn at ${page.url()}: ${JSON.stringify(found)} ${errors.join("\n")}`);
      await page.waitForTimeout(200);
    }
  },

  async viewports() {
    return { viewports: await page.evaluate(viewports), url: page.url() };
  },

  async picture({ id }) {
    return page.evaluate(picture, id);
  },

  /** Turns the mouse's wheel over the first viewport, until the slice is another. */
  async scroll({ by }) {
    const [before] = await page.evaluate(viewports);
    await page.locator('[data-cy="viewport-pane"], .viewport-wrapper').first().hover();
    await page.mouse.wheel(0, by);
    await page.waitForFunction(
      ([known, text]) => new Function(`return (${text})()`)()[0].imageId !== known,
      [before.imageId, viewports.toString()],
      { timeout: LIMIT, polling: 100 },
    );
    return {};
  },

  async wait({ ms }) {
    await page.waitForTimeout(ms);
    return {};
  },

  /** Sets the page's clock on, where it was opened with one. */
  async forward({ seconds }) {
    await page.clock.fastForward(seconds * 1000);
    return {};
  },

  /** What was asked since the page was opened, and how it was answered; and the console's errors. */
  async log() {
    const requests = [];
    for (const { request, url, method } of asked) {
      if (!url.startsWith("http")) continue;
      const answer = await request.response().catch(() => null);
      requests.push({
        url,
        method,
        kind: request.resourceType(),
        accept: request.headers().accept ?? null,
        status: answer?.status() ?? 0,
        cache: (await answer?.headerValue("x-cache").catch(() => null)) ?? null,
      });
    }
    return { requests, errors };
  },

  async screenshot({ path }) {
    await page.screenshot({ path });
    return {};
  },

  async evaluate({ script }) {
    return { value: await page.evaluate(script) };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...rest } = JSON.parse(line);
  const late = new Promise((_, reject) => setTimeout(reject, 2 * LIMIT, new Error("took too long")).unref());
  const result = await Promise.race([commands[command](rest), late]).catch((error) => ({ failure: String(error) }));
  console.log(JSON.stringify(result));
}
await browser.close();
