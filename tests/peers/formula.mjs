// What Ruby's own parser finds wrong with the source on stdin, as JSON. Run where it is installed.

import { readFileSync } from "node:fs";

const { loadPrism } = await import(`${process.cwd()}/node_modules/@ruby/prism/src/index.js`);

const parse = await loadPrism();
const { errors, warnings } = parse(readFileSync(0, "utf8"));
console.log(JSON.stringify([...errors, ...warnings].map(({ message }) => message)));
