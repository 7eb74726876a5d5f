// A page with a script of docs/viewers.md, and the packages that it imports: bundled from the
// current directory's packages into the folder that the second argument names.
//
//     node pages.mjs SCRIPT FOLDER

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
// Where Cornerstone3D's loader looks for its worker and the decoder when no bundler has moved them.
await build({
  entryPoints: [join(process.cwd(), "node_modules/@cornerstonejs/dicom-image-loader/dist/esm/decodeImageFrameWorker.js")],
  bundle: true,
  format: "esm",
  outfile: join(folder, "decodeImageFrameWorker.js"),
  plugins: [builtins],
  logLevel: "error",
});
await mkdir(join(folder, "@cornerstonejs/codec-openjph"), { recursive: true });
await copyFile(
  require.resolve("@cornerstonejs/codec-openjph/wasm"),
  join(folder, "@cornerstonejs/codec-openjph/wasm"),
);
await writeFile(
  join(folder, "index.html"),
  '<!doctype html><div id="slice" style="width: 512px; height: 512px"></div><script src="/viewer.js"></script>',
);
