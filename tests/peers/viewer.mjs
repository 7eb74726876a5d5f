// OHIF in a headless Chromium, by one JSON object per line on stdin, with its result on a line
// of stdout. Run where playwright-core is installed; it ends with its stdin. The first
// argument is Chromium's program, with SwiftShader's libraries beside it.
//
// Chromium runs with its defaults: nothing that would take CORS away. It can resolve no
// name but localhost, so nothing leaves this machine.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join } from "node:path";
import { createInterface } from "node:readline";

const require = createRequire(`${process.cwd()}/`);
const { chromium } = require("playwright-core");

const LIMIT = 120_000;
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

/** In OHIF's page: its viewports, and what they show. Thumbnails have engines of their own. */
const inPage = () => {
  const viewports = () => {
    const engines = window.cornerstone?.getRenderingEngines() ?? [];
    return engines
      .filter(({ id }) => !id.startsWith("renderGPUViewport"))
      .flatMap((engine) => engine.getViewports())
      .filter((viewport) => viewport.getCurrentImageId?.());
  };

  const states = () =>
    viewports().map((viewport) => ({
      imageId: viewport.getCurrentImageId(),
      slices: viewport.getImageIds().length,
      // 8: all that there is of it, and not a first, coarse look.
      whole: window.cornerstone.cache.getImage(viewport.getCurrentImageId())?.imageQualityStatus === 8,
      drawn: viewport.viewportStatus === "rendered",
    }));

  /** The decoded pixels, and how the canvas shows them. */
  const picture = () => {
    const { cornerstone } = window;
    const [viewport] = viewports();
    const imageId = viewport.getCurrentImageId();
    const { rows, columns, photometricInterpretation, ...image } = cornerstone.cache.getImage(imageId);
    const pixels = image.voxelManager.getScalarData();
    const { canvas } = viewport;
    const shown = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const { voiRange, invert } = viewport.getProperties();
    const window_ = (value) => Math.min(1, Math.max(0, (value - voiRange.lower) / (voiRange.upper - voiRange.lower)));
    // At the middle of a pixel, nothing of its neighbours is mixed in.
    const points = [];
    for (let row = 1; row < rows - 1; row += 3) {
      for (let column = 1; column < columns - 1; column += 3) {
        const world = cornerstone.utilities.imageToWorldCoords(imageId, [column + 0.5, row + 0.5]);
        const [x, y] = viewport.worldToCanvas(world).map((at) => Math.floor((at * canvas.width) / canvas.clientWidth));
        if (x < 0 || y < 0 || x >= canvas.width || y >= canvas.height) continue;
        const grey = window_(pixels[row * columns + column]);
        points.push([Math.round(255 * (invert ? 1 - grey : grey)), shown.data[4 * (y * canvas.width + x)]]);
      }
    }
    const shades = new Set();
    for (let at = 0; at < shown.data.length; at += 4) shades.add(shown.data[at]);
    return { imageId, rows, columns, photometricInterpretation, pixels: Array.from(pixels), shades: shades.size, points };
  };

  window.framesTest = { states, picture };
};

const states = () => page.evaluate(() => window.framesTest.states());

/** A page from a web server of its own; paths without a file are its router's. */
let config = "";
const TYPES = { html: "text/html", js: "text/javascript", css: "text/css", wasm: "application/wasm" };
async function serve(directory, request, answer) {
  const { pathname } = new URL(request.url, "http://localhost");
  const file = (name) => readFile(join(directory, name)).then((content) => ({ name, content }), () => null);
  const own = pathname === "/app-config.js" ? { name: pathname, content: config } : await file(pathname);
  const found = own ?? (extname(pathname) ? null : await file("/index.html"));
  if (!found) return answer.writeHead(404).end();
  const type = TYPES[found.name.split(/[./]/).at(-1)] ?? "application/octet-stream";
  answer.writeHead(200, { "Content-Type": type }).end(found.content);
}

/** What OHIF needs of an OpenID Connect issuer: the code flow with PKCE, and refresh tokens. */
function issuer(tokens, expiresIn) {
  const codes = new Map();
  const asks = [];
  const json = (answer, status, value) => {
    answer.writeHead(status, { "Content-Type": "application/json", "Access-Control-Allow-Origin": "*" });
    answer.end(JSON.stringify(value));
  };
  return async (request, answer) => {
    const base = `http://${request.headers.host}`;
    const { pathname, searchParams } = new URL(request.url, base);
    if (pathname === "/.well-known/openid-configuration") {
      return json(answer, 200, {
        issuer: base,
        authorization_endpoint: `${base}/authorize`,
        token_endpoint: `${base}/token`,
      });
    }
    if (pathname === "/authorize") {
      const asked = Object.fromEntries(searchParams);
      if (asked.response_type !== "code" || asked.code_challenge_method !== "S256") return json(answer, 400, {});
      const code = String(codes.size + 1);
      codes.set(code, asked);
      const back = new URL(asked.redirect_uri);
      back.searchParams.set("code", code);
      back.searchParams.set("state", asked.state);
      return answer.writeHead(302, { Location: back.href }).end();
    }
    if (pathname !== "/token" || request.method !== "POST") return json(answer, 404, {});
    let form = "";
    for await (const part of request) form += part;
    const sent = new URLSearchParams(form);
    if (sent.get("grant_type") === "authorization_code") {
      const asked = codes.get(sent.get("code"));
      codes.delete(sent.get("code"));
      const challenge = createHash("sha256").update(sent.get("code_verifier") ?? "").digest("base64url");
      const same = asked && ["client_id", "redirect_uri"].every((name) => asked[name] === sent.get(name));
      if (!same || challenge !== asked.code_challenge) return json(answer, 400, { error: "invalid_grant" });
    } else if (sent.get("refresh_token") !== "again") {
      return json(answer, 400, { error: "invalid_grant" });
    }
    asks.push(sent.get("grant_type"));
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: base, sub: "viewer", aud: sent.get("client_id"), iat: now, exp: now + expiresIn };
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    json(answer, 200, {
      access_token: tokens[Math.min(asks.length, tokens.length) - 1],
      token_type: "Bearer",
      expires_in: expiresIn,
      refresh_token: "again",
      id_token: `${part({ alg: "RS256" })}.${part(claims)}.AA`,
    });
  };
}

/** On a free port; its origin. */
async function listen(handle) {
  const server = createServer((request, answer) => {
    Promise.resolve(handle(request, answer)).catch((error) => answer.writeHead(500).end(String(error)));
  });
  server.unref();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { origin: `http://localhost:${server.address().port}` };
}

/** Until `found` finds something. */
async function until(found, what) {
  const end = Date.now() + LIMIT;
  for (;;) {
    const value = await found();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${await what()} at ${page.url()}: ${errors.join("\n")}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const commands = {
  /** Goes to an address in a browser without a past; the page before it is closed. */
  async open({ url, clock }) {
    await page?.context().close();
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    // The tour would cover the picture.
    await context.addInitScript(() => localStorage.setItem("shownTours", '["basicViewerTour"]'));
    await context.addInitScript(inPage);
    asked = [];
    errors = [];
    page = await context.newPage();
    page.setDefaultTimeout(LIMIT);
    if (clock) await page.clock.install();
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(`${message.text()} (${message.location().url})`);
    });
    page.on("pageerror", (error) => errors.push(String(error)));
    context.on("request", (request) => asked.push(request));
    await page.goto(url);
    return {};
  },

  /** A selector's text, once it is there. */
  async text({ selector }) {
    return { text: await page.locator(selector).first().innerText() };
  },

  async click({ selector, double }) {
    const found = page.locator(selector).first();
    await (double ? found.dblclick() : found.click());
    return {};
  },

  async reaches({ part }) {
    await page.waitForURL((url) => url.href.includes(part));
    return {};
  },

  /** The first viewport's picture, once it is drawn whole. */
  async drawn() {
    const drawn = async () => (await states()).every(({ whole, drawn }) => whole && drawn);
    await until(
      async () => (await states()).length > 0 && (await drawn()),
      async () => `nothing is drawn: ${JSON.stringify(await states())}`,
    );
    return page.evaluate(() => window.framesTest.picture());
  },

  async viewports() {
    return { viewports: await states() };
  },

  /** Turns the mouse's wheel over the first viewport, until another slice is meant. */
  async scroll() {
    const [before] = await states();
    await page.locator(".cornerstone-canvas").last().hover();
    await page.mouse.wheel(0, 100);
    const moved = async () => (await states())[0].imageId !== before.imageId;
    await until(moved, async () => `the slice stays ${before.imageId}`);
    return {};
  },

  async forward({ seconds }) {
    await page.clock.fastForward(seconds * 1000);
    return {};
  },

  /** What was asked since the page was opened, and how it was answered; and the console's errors. */
  async log() {
    const requests = [];
    for (const request of asked.filter((request) => request.url().startsWith("http"))) {
      const answer = await request.response().catch(() => null);
      requests.push({
        url: request.url(),
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
    return { value: (await page.evaluate(script)) ?? null };
  },

  async serve({ directory }) {
    return listen((request, answer) => serve(directory, request, answer));
  },

  async configure({ config: text }) {
    config = text;
    return {};
  },

  async issuer({ tokens, expiresIn }) {
    return listen(issuer(tokens, expiresIn));
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...rest } = JSON.parse(line);
  const late = new Promise((_, reject) => setTimeout(reject, 2 * LIMIT, new Error("took too long")).unref());
  const result = await Promise.race([commands[command](rest), late]).catch((error) => ({ failure: String(error) }));
  console.log(JSON.stringify(result));
}
await browser.close();
