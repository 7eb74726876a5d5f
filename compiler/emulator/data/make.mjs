// Makes the built-in study of the HealthImaging stand-in, and proves that each
// frame decodes to the very pixels it was made from.
//
//   python -m venv V && V/bin/pip install pydicom==3.0.2
//   npm install --prefix N @cornerstonejs/codec-openjph@2.4.11
//   node make.mjs V/bin/python N/node_modules
//
// Nothing is installed beside the sources: both places are arguments.

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const CODEC = '@cornerstonejs/codec-openjph';
const CODEC_VERSION = '2.4.11';
// High-Throughput JPEG 2000 with RPCL (lossless only), 1.2.840.10008.1.2.4.202:
// HealthImaging's own form of every lossless frame.
const RPCL = 2;

// Tests compare with what these hold, without a DICOM reader.
const COMPARED = ['ct_small', 'mr_small'];

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

const work = mkdtempSync(join(tmpdir(), 'study-'));
const script = join(here, 'pixels.py');
const study = join(here, 'study');
try {
  execFileSync(python, [script, 'frames', work], { stdio: 'inherit' });
  for (const { name, frames, rows, columns, bitsPerSample, signed } of JSON.parse(readFileSync(join(work, 'index.json'), 'utf8'))) {
    const info = { width: columns, height: rows, bitsPerSample, componentCount: 1, isSigned: signed, isUsingColorTransform: false };
    let [before, after] = [0, 0];
    for (let number = 1; number <= frames; number += 1) {
      const file = join(work, `${name}.${number}`);
      const pixels = readFileSync(`${file}.raw`);
      const frame = encode(pixels, info);
      if (!decode(frame).equals(pixels)) throw new Error(`${name}: frame ${number} does not decode to its pixels`);
      writeFileSync(`${file}.jph`, frame);
      before += pixels.length;
      after += frame.length;
    }
    console.log(`${name}: ${frames} frame(s), ${before} bytes of pixels, ${after} in HTJ2K, lossless`);
  }
  rmSync(study, { recursive: true, force: true });
  mkdirSync(study);
  execFileSync(python, [script, 'pack', work, study], { stdio: 'inherit' });
  for (const name of COMPARED) {
    for (const kind of ['jph', 'raw']) copyFileSync(join(work, `${name}.1.${kind}`), join(here, `${name}.${kind}`));
  }
} finally {
  rmSync(work, { recursive: true });
}
