// What GitHub's own language service finds in workflows and actions, as JSON. Run where it is installed.
//
// On stdin: {"files": [[name, text]], "actions": {"owner/name@commit": {"inputs", "required"}}}. An action that
// isn't among those is a finding.

import { readFileSync } from "node:fs";
import { register } from "node:module";

// It is written for bundlers: its JSON comes without the attribute that Node.js wants.
const load = `
import { readFile } from "node:fs/promises";
export async function load(url, context, next) {
  if (!url.endsWith(".json")) return next(url, context);
  const source = "export default " + (await readFile(new URL(url), "utf8"));
  return { format: "module", source, shortCircuit: true };
}`;
register(`data:text/javascript,${encodeURIComponent(load)}`);

const installed = `${process.cwd()}/node_modules`;
const { validate } = await import(`${installed}/@actions/languageservice/dist/index.js`);
const { TextDocument } = await import(
  `${installed}/vscode-languageserver-textdocument/lib/esm/main.js`
);

const { files, actions } = JSON.parse(readFileSync(0, "utf8"));

const fetchActionMetadata = async ({ owner, name, ref, path }) => {
  const known = actions[`${[owner, name, path].filter(Boolean).join("/")}@${ref}`];
  if (!known) return undefined;
  const input = (key) => [key, { description: key, required: known.required.includes(key) }];
  return { name, description: name, inputs: Object.fromEntries(known.inputs.map(input)) };
};

const found = [];
for (const [name, text] of files) {
  const document = TextDocument.create(`file:///${name}`, "yaml", 1, text);
  for (const { message, range } of await validate(document, {
    actionsMetadataProvider: { fetchActionMetadata },
  })) {
    found.push(`${name}:${range.start.line + 1}: ${message}`);
  }
}
console.log(JSON.stringify(found));
