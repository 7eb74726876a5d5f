
'use strict';
const element = (id) => document.getElementById(id);
const form = element('form');
const rows = element('rows');
const canvas = element('picture');
const slider = element('slider');
const [center, width] = [element('center'), element('width')];

/** Frames that are kept for a while, in bytes and in number: memory has an end. */
const KEPT_BYTES = 128 * 1024 * 1024;
const KEPT = 256;
/** Studies that are listed at once. */
const STUDIES = 20;
const number = (value, digits = 0) => value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });

// The key stays in the address: the page can be loaded anew for as long as its server lives.
const own = (path, options) => fetch(path, { ...options, headers: { 'X-Key': location.hash.slice(1) } });
let given = {};
async function fill() {
  const answer = await own('/values');
  if (!answer.ok) throw new Error('The key is missing, or is another run\u2019s. Open the address that `frames dev` printed: it ends with the key.');
  given = await answer.json();
  for (const [name, value] of Object.entries(given)) {
    if (form.elements[name]) form.elements[name].value = value;
  }
}

function node(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

// ---- The edge

const DICOM_JSON = { Accept: 'application/dicom+json' };
const FRAME = { Accept: 'multipart/related; type=application/octet-stream; transfer-syntax=*' };
const root = () => `${form.elements.edge.value}/datastore/${encodeURIComponent(form.elements.datastore.value.trim())}`;
const nativeFrame = (imageSet, imageFrameId) => ({
  url: `${root()}/imageSet/${encodeURIComponent(imageSet)}/getImageFrame`, method: 'POST',
  headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ imageFrameId }),
});

/** One request through the edge: what came, how long it took, and what the edge says of it. */
async function ask({ url, method = 'GET', headers, body }, withToken = true) {
  const token = form.elements.token.value;
  const sent = withToken && token ? { ...headers, Authorization: `Bearer ${token}` } : headers;
  const start = performance.now();
  try {
    const response = await fetch(url, { method, headers: sent, body, cache: 'no-store', credentials: 'omit' });
    const bytes = await response.arrayBuffer();
    const ms = performance.now() - start;
    const header = (name) => response.headers.get(name);
    return { ok: response.ok, status: response.status, type: header('content-type') ?? '', cache: header('x-cache'), age: header('age'), timing: header('server-timing'), bytes, ms, method, path: new URL(url).pathname };
  } catch {
    return { ok: false, status: 'failed', type: '', bytes: new ArrayBuffer(0), ms: performance.now() - start };
  }
}

/** What the edge's own log says of an answer. */
async function logOf(answer) {
  if (!answer.path) return null;
  const id = /cdn-rid;desc="([^"]*)"/.exec(answer.timing ?? '');
  const { method, path, status } = answer;
  const query = new URLSearchParams(id ? { id: id[1] } : { method, path, status });
  // %20 for a space: the server takes it as a URL's path is written.
  const response = await own(`/request?${String(query).replaceAll('+', '%20')}`);
  return response.ok ? response.json() : null;
}

/** Why there is no image, in words. */
function refusal(answer, what) {
  if (answer.status === 'failed') return `The browser got no answer for ${what}. Either the edge refused before the authorizer, or its answers aren\u2019t for this page: see delivery.cors.origins.`;
  let said = '';
  try {
    const body = JSON.parse(new TextDecoder().decode(answer.bytes));
    said = body.error ?? body.message ?? body.Message ?? '';
  } catch { /* Not JSON: the status says it. */ }
  const meaning = { 401: 'The token is missing, or isn\u2019t good.', 403: 'This token, or the signer\u2019s role, may not read it.', 404: 'It isn\u2019t there.', 406: 'It isn\u2019t to be had in a form that can be asked for.' };
  return [`The edge answered ${answer.status} for ${what}.`, meaning[answer.status], said && `\u201c${said}\u201d`].filter(Boolean).join(' ');
}

async function askJson(path, what) {
  const answer = await ask({ url: root() + path, headers: DICOM_JSON });
  if (!answer.ok) throw Object.assign(new Error(refusal(answer, what)), { answer });
  return answer.status === 204 ? [] : JSON.parse(new TextDecoder().decode(answer.bytes));
}

/** The only part of a multipart answer, and its content type. Another answer is its own part. */
function part({ bytes, type }) {
  const boundary = /^multipart\/related\b.*;\s*boundary="?([^";]+)"?/i.exec(type);
  if (!boundary) return { type, bytes: new Uint8Array(bytes) };
  const all = new Uint8Array(bytes);
  const find = (text, from) => {
    const wanted = new TextEncoder().encode(text);
    for (let at = all.indexOf(wanted[0], from); at >= 0; at = all.indexOf(wanted[0], at + 1)) {
      if (wanted.every((byte, n) => all[at + n] === byte)) return at;
    }
    return -1;
  };
  const start = find(`--${boundary[1]}`, 0);
  const end = find('\r\n\r\n', start);
  // The boundary is looked for at the end: a frame has millions of bytes.
  const tail = `\r\n--${boundary[1]}--`;
  const last = find(tail, Math.max(end + 2, all.length - tail.length - 1024));
  if (start < 0 || end < 0 || last < 0) throw new Error('The answer isn\u2019t multipart, though it says so.');
  const head = new TextDecoder().decode(all.subarray(start, end));
  const partType = /^content-type:\s*(.*?)\s*$/im.exec(head);
  return { type: partType ? partType[1] : '', bytes: all.subarray(end + 4, last) };
}

// ---- Studies, series and frames

const value = (record, tag) => record[tag]?.Value?.[0];
const text = (record, tag) => {
  const first = value(record, tag);
  return String(first?.Alphabetic ?? first ?? '').replaceAll('^', ' ').trim();
};
const date = (text) => (/^\d{8}$/.test(text) ? `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}` : text);

/** Of the local stand-in, where the edge doesn't tell. */
async function known() {
  const answer = await own('/series');
  return answer.ok ? answer.json() : [];
}

const ofKnown = (found) => found.map((one) => ({
  study: one.study, uid: one.series, imageSet: one.imageSet, modality: one.modality, title: one.description,
  patient: one.patient.replaceAll('^', ' ').trim(), date: date(one.date), count: one.frames, isNative: !given.dicomweb,
}));

/** Series in the order of the edge's answers, a few studies at a time. */
async function listed(offset) {
  if (!given.dicomweb) return { series: ofKnown(await known()), more: false };
  let studies;
  try {
    studies = await askJson(`/studies?limit=${STUDIES + 1}&offset=${offset}`, 'the studies');
  } catch (error) {
    // Where `iam.allow` names studies or series, nobody may search for others.
    const series = error.answer?.status === 403 ? ofKnown(await known()) : [];
    if (!series.length) throw error;
    return { series, more: false };
  }
  const series = [];
  for (const study of studies.slice(0, STUDIES)) {
    const uid = value(study, '0020000D');
    const found = await askJson(`/studies/${encodeURIComponent(uid)}/series?includefield=0008103E&includefield=00201209`, 'a study\u2019s series');
    for (const one of found) {
      series.push({
        study: uid, uid: value(one, '0020000E'), modality: text(one, '00080060'), title: text(one, '0008103E'),
        patient: text(study, '00100010'), date: date(text(study, '00080020')), count: value(one, '00201209') ?? 1,
      });
    }
  }
  return { series, more: studies.length > STUDIES };
}

/** What drawing needs of an instance's metadata: of an enhanced one, what counts for the frame. */
function drawnBy(metadata, n) {
  const needed = Object.entries(metadata).filter(([key]) => key.startsWith('0028') || key === '00083002');
  const shared = value(metadata, '52009229');
  const each = metadata['52009230']?.Value?.[n - 1];
  return { ...Object.fromEntries(needed), ...(shared || each ? { 52009229: { vr: 'SQ', Value: [{ ...shared, ...each }] } } : {}) };
}

/** The frames of a series, its instances by their number. */
async function framesOf(series) {
  if (series.frames) return series.frames;
  const frames = [];
  const uids = `study=${encodeURIComponent(series.study)}&series=${encodeURIComponent(series.uid)}`;
  if (series.isNative) {
    const answer = await own(`/metadata?${uids}`);
    for (const { imageSet, frames: ids, metadata } of answer.ok ? await answer.json() : []) {
      ids.forEach((id, n) => frames.push({ request: nativeFrame(imageSet, id), metadata: drawnBy(metadata ?? {}, n + 1) }));
    }
  } else {
    const base = `/studies/${encodeURIComponent(series.study)}/series/${encodeURIComponent(series.uid)}`;
    const instances = await askJson(`${base}/metadata`, 'the series\u2019 metadata');
    instances.sort((a, b) => (value(a, '00200013') ?? 0) - (value(b, '00200013') ?? 0));
    for (const instance of instances) {
      // One without rows has no pixels: a report, say.
      const count = instance['00280010'] ? Math.min(Number(value(instance, '00280008') ?? 1), 100000) : 0;
      const uid = encodeURIComponent(value(instance, '00080018'));
      for (let n = 1; n <= count; n += 1) {
        const url = `${root()}${base}/instances/${uid}/frames/${n}`;
        frames.push({ request: { url, headers: FRAME }, metadata: drawnBy(instance, n) });
      }
    }
  }
  for (const frame of frames) frame.answers = [];
  series.frames = frames;
  return frames;
}

/** Frames with bytes, the one used last at the end. */
const kept = new Set();
function keep(frame) {
  kept.delete(frame);
  kept.add(frame);
  let bytes = 0;
  for (const one of kept) bytes += one.part.bytes.length;
  for (const one of kept) {
    if ((bytes <= KEPT_BYTES && kept.size <= KEPT) || one === frame) return;
    bytes -= one.part.bytes.length;
    kept.delete(one);
    one.part = null;
    one.picture = null;
  }
}

/** Asks the edge for a frame; what came stays for a while. */
function load(frame) {
  frame.loading ??= (async () => {
    try {
      const answer = await ask(frame.request);
      answer.log = await logOf(answer);
      frame.why = answer.ok ? '' : refusal(answer, 'this frame');
      frame.part = null;
      kept.delete(frame);
      if (answer.ok) {
        frame.part = part(answer);
        frame.picture = null;
        keep(frame);
      }
      frame.answers.push({ ...answer, size: answer.bytes.byteLength, bytes: null });
    } catch (error) {
      frame.why = error.message;
    } finally {
      frame.loading = null;
    }
  })();
  return frame.loading;
}

/** The frame's picture by a window, or by its own: drawn by this page's server. */
async function drawn(frame, window) {
  const wanted = String(window);
  if (frame.picture?.wanted === wanted) return frame.picture;
  if (!frame.part) return null;
  const { type, bytes } = frame.part;
  const head = JSON.stringify({ contentType: type, metadata: frame.metadata, window });
  const answer = await own('/picture', { method: 'POST', body: new Blob([head, '\n', bytes]) });
  if (!answer.ok) {
    frame.why = `The frame came, and can\u2019t be drawn: ${(await answer.text()).trim()}.`;
    return null;
  }
  const said = answer.headers.get('x-window');
  const image = await createImageBitmap(await answer.blob(), { colorSpaceConversion: 'none' });
  frame.picture = { wanted, image, window: said ? said.split(' ').map(Number) : null };
  return frame.picture;
}

function paint(target, image) {
  target.width = image.width;
  target.height = image.height;
  target.getContext('2d').drawImage(image, 0, 0);
}
