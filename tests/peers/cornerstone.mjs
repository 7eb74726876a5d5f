// A page of Cornerstone3D with a script of docs/viewers.md: bundled from the packages in
// the current directory into the folder that the second argument names.
//
//     node cornerstone.mjs SCRIPT FOLDER

import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

const [script, folder] = process.argv.slice(2);
const require = createRequire(`${process.cwd()}/`);
const { build } = require("esbuild");

// Codecs and vtk.js name modules of Node.js that a page never comes to.
const builtins = {
  name: "builtins",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(events|fs|path|url)$/ }, ({ path }) => ({ path, namespace: "builtins" }));
    onLoad({ filter: /./, namespace: "builtins" }, () => ({
      contents: "export class EventEmitter {}; export const URL = globalThis.URL;",
    }));
  },
};

await build({
  stdin: { contents: await readFile(script, "utf8"), resolveDir: process.cwd() },
  bundle: true,
  format: "iife",
  globalName: "viewer",
  outfile: join(folder, "viewer.js"),
  plugins: [builtins],
  define: { "import.meta.url": "location.href" },
  logLevel: "error",
});
await build({
  entryPoints: ["@cornerstonejs/dicom-image-loader/dist/esm/decodeImageFrameWorker.js"].map((name) =>
    join(process.cwd(), "node_modules", name),
  ),
  bundle: true,
  format: "esm",
  outfile: join(folder, "decodeImageFrameWorker.js"),
  plugins: [builtins],
  logLevel: "error",
});
// Where the loader looks for the decoder when no bundler has moved it.
await mkdir(join(folder, "@cornerstonejs/codec-openjph"), { recursive: true });
await copyFile(
  require.resolve("@cornerstonejs/codec-openjph/wasm"),
  join(folder, "@cornerstonejs/codec-openjph/wasm"),
);
await writeFile(
  join(folder, "index.html"),
  '<!doctype html><div id="slice" style="width: 512px; height: 512px"></div><script src="/viewer.js"></script>',
);
