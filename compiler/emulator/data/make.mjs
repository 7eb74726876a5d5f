// Makes the fixtures of the HealthImaging stand-in, and proves that each frame
// decodes to the very pixels it was made from.
//
//   python -m venv V && V/bin/pip install pydicom==3.0.2
//   npm install --prefix N @cornerstonejs/codec-openjph@2.4.11
//   node make.mjs V/bin/python N/node_modules
//
// Nothing is installed beside the sources: both places are arguments.

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const CODEC = '@cornerstonejs/codec-openjph';
const CODEC_VERSION = '2.4.11';
const RPCL = 2;
// High-Throughput JPEG 2000 with RPCL (lossless only): HealthImaging's own
// form of every lossless frame.
const HTJ2K_LOSSLESS_RPCL = '1.2.840.10008.1.2.4.202';

// Made-up ids in the service's form; the UIDs are the slices' own.
const DATASTORE = '12345678901234567890123456789012';
const IDS = {
  ct_small: { imageSetId: 'aaaabbbbccccddddeeeeffff00001111', imageFrameId: '0123456789abcdef0123456789abcdef' },
  mr_small: { imageSetId: 'aaaabbbbccccddddeeeeffff00002222', imageFrameId: 'fedcba9876543210fedcba9876543210' },
};

const [python, modules] = process.argv.slice(2);
if (!python || !modules) {
  console.error('usage: node make.mjs PYTHON NODE_MODULES (see the top of this file)');
  process.exit(2);
}
const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(resolve(modules), 'x.js'));
const { version } = JSON.parse(readFileSync(join(modules, CODEC, 'package.json'), 'utf8'));
if (version !== CODEC_VERSION) throw new Error(`${CODEC} ${CODEC_VERSION} wanted, ${version} found`);
const openjph = await require(CODEC)();

function encode(pixels, info) {
  const encoder = new openjph.HTJ2KEncoder();
  encoder.getDecodedBuffer(info).set(pixels);
  encoder.setQuality(true, 0);
  encoder.setProgressionOrder(RPCL);
  encoder.encode();
  const bytes = Buffer.from(encoder.getEncodedBuffer());
  encoder.delete();
  return bytes;
}

function decode(bytes) {
  const decoder = new openjph.HTJ2KDecoder();
  decoder.getEncodedBuffer(bytes.length).set(bytes);
  decoder.decode();
  const pixels = Buffer.from(decoder.getDecodedBuffer());
  decoder.delete();
  return pixels;
}

const work = mkdtempSync(join(tmpdir(), 'fixtures-'));
try {
  execFileSync(python, [join(here, 'pixels.py'), work], { stdio: 'inherit' });
  const instances = Object.entries(IDS).map(([name, ids]) => {
    const facts = JSON.parse(readFileSync(join(work, `${name}.facts.json`), 'utf8'));
    const pixels = readFileSync(join(work, `${name}.raw`));
    const { bitsPerSample, signed, ...uids } = facts;
    const frame = encode(pixels, {
      width: facts.columns, height: facts.rows, bitsPerSample, componentCount: 1, isSigned: signed, isUsingColorTransform: false,
    });
    if (!decode(frame).equals(pixels)) throw new Error(`${name}: the frame does not decode to its pixels`);
    writeFileSync(join(here, `${name}.jph`), frame);
    for (const file of [`${name}.raw`, `${name}.metadata.json`]) copyFileSync(join(work, file), join(here, file));
    console.log(`${name}: ${pixels.length} bytes of pixels, ${frame.length} in HTJ2K, lossless`);
    return { name, ...ids, ...uids };
  });
  const index = { datastoreId: DATASTORE, transferSyntax: HTJ2K_LOSSLESS_RPCL, instances };
  writeFileSync(join(here, 'index.json'), `${JSON.stringify(index, null, 2)}\n`);
} finally {
  rmSync(work, { recursive: true });
}
