
// ---- What is shown

let all = [];
let current = { series: null, index: 0, window: null, turn: 0 };

function say(why) {
  element('why').textContent = why;
  if (why) {
    canvas.width = canvas.height = 1;
    canvas.setAttribute('aria-label', why);
  }
}

async function show(index) {
  const { series } = current;
  const turn = ++current.turn;
  const frames = series.frames;
  current.index = Math.max(0, Math.min(frames.length - 1, index));
  const frame = frames[current.index];
  slider.value = current.index + 1;
  slider.setAttribute('aria-valuetext', `Frame ${current.index + 1} of ${frames.length}`);
  element('position').textContent = `${current.index + 1} / ${frames.length}`;
  const stage = element('stage');
  stage.classList.add('waits');
  if (!frame.part && !frame.why) await load(frame);
  if (turn !== current.turn) return;
  showEdge(frame);
  await redraw();
  if (turn !== current.turn) return;
  stage.classList.remove('waits');
  document.body.dataset.shown = `${all.indexOf(series)} ${current.index}`;
  prefetch(turn);
}

/** One picture is asked for at a time; of what is wanted meanwhile, the last. */
let drawing = null;
async function redraw() {
  if (drawing) {
    drawing.again = true;
    return drawing.done;
  }
  drawing = { again: true };
  drawing.done = (async () => {
    while (drawing.again) {
      drawing.again = false;
      const { series, index, window } = current;
      // None while another series is being opened.
      const frame = series?.frames?.[index];
      if (!frame) continue;
      const picture = await drawn(frame, window).catch((error) => { frame.why = error.message; });
      if (series === current.series && index === current.index && !drawing.again) put(frame, picture);
    }
    drawing = null;
  })();
  return drawing.done;
}

function put(frame, picture) {
  say(picture ? '' : frame.why);
  const { series, index } = current;
  const window = picture?.window;
  for (const [input, at] of [[center, 0], [width, 1]]) {
    input.disabled = !window;
    if (document.activeElement !== input || !window) input.value = window ? Number(window[at].toFixed(2)) : '';
  }
  element('reset').disabled = !current.window;
  element('levels').textContent = window ? `C ${number(window[0])}  W ${number(window[1])}` : '';
  if (!picture) return;
  paint(canvas, picture.image);
  canvas.setAttribute('aria-label', `${series.title || series.modality || 'Series'}, frame ${index + 1} of ${series.frames.length}`);
}

/** The next frames, two at a time, while the reader looks at this one. */
async function prefetch(turn) {
  const { series, index } = current;
  const near = [1, 2, 3, 4, -1, -2].map((step) => series.frames[index + step]).filter((frame) => frame && !frame.part && !frame.why);
  const next = async () => {
    while (near.length && turn === current.turn) await load(near.shift());
  };
  await Promise.all([next(), next()]);
}

/** Stages of the edge, in the order of the request; the last two are what the log doesn't split up. */
const STAGES = [
  ['authorizer', 'Authorizer', (log) => log?.stages.viewerRequest],
  ['signer', 'Signer', (log) => log?.stages.originRequest],
  ['origin', 'HealthImaging', (log) => log?.stages.origin],
  ['response', 'Signer, on the answer', (log) => log?.stages.originResponse],
  ['edge', 'Web ACL, cache and headers', (log) => log && Math.max(0, log.ms - Object.values(log.stages).reduce((sum, ms) => sum + ms, 0))],
  ['way', 'Preflight and transport', (log, ms) => log && Math.max(0, ms - log.ms)],
];

/** Those that images are often written in (DICOM PS3.6, table A-1). */
const SYNTAXES = {
  '1.2.840.10008.1.2.1': 'Explicit VR Little Endian', '1.2.840.10008.1.2.5': 'RLE',
  '1.2.840.10008.1.2.4.50': 'JPEG baseline', '1.2.840.10008.1.2.4.70': 'JPEG lossless', '1.2.840.10008.1.2.4.80': 'JPEG-LS lossless',
  '1.2.840.10008.1.2.4.90': 'JPEG 2000 lossless', '1.2.840.10008.1.2.4.91': 'JPEG 2000',
  '1.2.840.10008.1.2.4.201': 'HTJ2K lossless', '1.2.840.10008.1.2.4.202': 'HTJ2K lossless RPCL', '1.2.840.10008.1.2.4.203': 'HTJ2K',
};

function showEdge(frame) {
  const answer = frame.answers.at(-1);
  const [verdict, bar, stages, history] = [element('verdict'), element('bar'), element('stages').tBodies[0], element('history').tBodies[0]];
  for (const part of [verdict, bar, stages, history, element('facts')]) part.replaceChildren();
  if (!answer) {
    verdict.textContent = 'Nothing yet';
    return;
  }
  const cache = /^(Hit|Miss)/.exec(answer.cache ?? '')?.[1];
  const took = `${number(answer.ms, 1)} ms, ${number(answer.size)} bytes`;
  verdict.append(node('b', answer.status, answer.ok ? 'good' : 'bad'), ` ${cache ?? (answer.cache || 'no answer of the cache')}`, node('span', took));
  const taken = STAGES.map(([name, label, of]) => [name, label, of(answer.log, answer.ms)]);
  const total = taken.reduce((sum, [, , ms]) => sum + (ms ?? 0), 0);
  const told = [];
  for (const [name, label, ms] of taken) {
    const line = node('tr');
    const head = node('th');
    head.scope = 'row';
    head.append(node('i', undefined, name), label);
    const isThere = ms !== undefined && ms !== null;
    line.append(head, node('td', isThere ? number(ms, 1) : 'not asked', isThere ? 'number' : 'number none'));
    stages.append(line);
    if (!isThere || ms <= 0) continue;
    const piece = node('i', undefined, name);
    piece.style.width = `${(100 * ms) / total}%`;
    piece.title = `${label}: ${number(ms, 1)} ms`;
    bar.append(piece);
    told.push(`${label} ${number(ms, 1)} ms`);
  }
  bar.setAttribute('aria-label', told.join(', ') || 'The edge has no log of it');
  element('total').textContent = number(answer.ms, 1);
  const [media, syntax] = (frame.part?.type ?? answer.type).split(/;\s*transfer-syntax=/i);
  const facts = [
    ['X-Cache', answer.cache], ['Age', answer.age && `${answer.age} s`], ['Content type', media],
    ['Transfer syntax', syntax && [SYNTAXES[syntax], syntax].filter(Boolean).join(', ')], ['Frame', frame.part && `${number(frame.part.bytes.length)} bytes`],
  ];
  for (const [name, fact] of facts) if (fact) element('facts').append(node('dt', name), node('dd', fact));
  for (const one of frame.answers.slice(-6)) {
    const line = node('tr');
    line.append(node('td', one.status, one.ok ? 'good' : 'bad'), node('td', one.cache?.replace(' from cloudfront', '') ?? '\u2013'), node('td', number(one.ms, 1), 'number'), node('td', number(one.size), 'number'));
    history.append(line);
  }
}

function titled(...parts) {
  const texts = parts.map((part) => part.filter(Boolean).join(' \u00b7 '));
  [...element('title').children].forEach((child, n) => { child.textContent = texts[n]; });
}

async function open(series) {
  const turn = ++current.turn;
  current = { series, index: 0, window: null, turn };
  for (const one of all) one.button.setAttribute('aria-current', String(one === series));
  titled([series.patient, series.title], [series.modality, series.date]);
  try {
    await framesOf(series);
  } catch (error) {
    if (turn === current.turn) say(error.message);
    return;
  }
  if (turn !== current.turn) return;
  const count = series.frames.length;
  series.note.textContent = noted(series);
  slider.max = Math.max(1, count);
  slider.disabled = count < 2;
  element('again').disabled = !count;
  if (count) await show(Math.floor((count - 1) / 2));
  else say('This series has no pixels.');
}

const noted = (series) => {
  const count = series.frames?.length ?? series.count;
  return [series.modality, count === 1 ? '1 frame' : `${count} frames`].filter(Boolean).join(', ');
};

/** A thumbnail is made once it is seen, and one after the other. */
let thumbnails = Promise.resolve();
const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    thumbnails = thumbnails.then(() => thumbnail(target.series));
  }
});

async function thumbnail(series) {
  if (!all.includes(series)) return;
  try {
    const frames = await framesOf(series);
    series.note.textContent = noted(series);
    const frame = frames[Math.floor((frames.length - 1) / 2)];
    if (frame && !frame.part) await load(frame);
    const picture = frame && (await drawn(frame, null));
    if (picture) paint(series.thumb, picture.image);
  } catch { /* Who opens the series reads why. */ }
}

function list(series) {
  let study = all.at(-1)?.study;
  let group = element('list').lastElementChild;
  for (const one of series) {
    if (one.study !== study || !group) {
      study = one.study;
      const heading = node('h3', one.patient || 'No name');
      heading.append(node('span', one.date));
      group = node('div', undefined, 'group');
      group.append(heading, node('div', undefined, 'row'));
      element('list').append(group);
    }
    one.button = node('button');
    one.button.type = 'button';
    one.button.series = one;
    one.thumb = node('canvas');
    one.thumb.setAttribute('aria-hidden', 'true');
    one.note = node('span', noted(one));
    const about = node('div', one.title || 'Series', 'about');
    about.append(one.note);
    one.button.append(one.thumb, about);
    one.button.addEventListener('click', () => open(one));
    group.lastElementChild.append(one.button);
    all.push(one);
  }
}

async function browse(offset = 0) {
  const found = await listed(offset);
  list(found.series);
  if (found.more) {
    const more = node('button', 'More studies');
    more.type = 'button';
    more.addEventListener('click', () => { more.remove(); browse(offset + STUDIES).catch((error) => say(error.message)); });
    element('list').append(more);
  }
  // After the picture: it comes first.
  if (offset) for (const one of found.series) seen.observe(one.button);
}

function clear() {
  seen.disconnect();
  kept.clear();
  all = [];
  current = { series: null, index: 0, window: null, turn: current.turn + 1 };
  element('list').replaceChildren();
  for (const id of ['position', 'levels']) element(id).textContent = '';
  titled([], []);
  for (const input of [slider, center, width, element('reset'), element('again')]) input.disabled = true;
  showEdge({ answers: [] });
  element('total').textContent = '\u2013';
  delete document.body.dataset.shown;
  say('');
}

/** Lists what there is, and opens the longest series: it can be scrolled. */
async function view() {
  clear();
  try {
    await browse();
    if (!all.length) throw new Error(given.standIn || given.dicomweb ? 'The edge lists no series in this data store.' : 'Without DICOMweb (delivery.dicomweb) nothing lists the images of a data store. The table below can fetch a frame by its id.');
    await open(all.reduce((longest, one) => (one.count > longest.count ? one : longest)));
  } catch (error) {
    say(error.message);
    if (error.answer) showEdge({ answers: [{ ...error.answer, log: await logOf(error.answer), size: error.answer.bytes.byteLength, bytes: null }] });
  }
}

// ---- Controls

const step = (by) => { if (current.series?.frames?.length) show(current.index + by); };
slider.addEventListener('input', () => step(Number(slider.value) - 1 - current.index));
const KEYS = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, PageDown: 10, PageUp: -10, End: Infinity, Home: -Infinity };
canvas.addEventListener('keydown', (event) => {
  if (!(event.key in KEYS) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  step(KEYS[event.key]);
});
let turned = 0;
element('stage').addEventListener('wheel', (event) => {
  const last = (current.series?.frames?.length ?? 1) - 1;
  // With Ctrl the browser zooms. Beyond the first and the last frame the page itself scrolls.
  if (event.ctrlKey || (event.deltaY > 0 ? current.index >= last : current.index <= 0)) return;
  event.preventDefault();
  turned += event.deltaMode === 0 ? event.deltaY : event.deltaY * 40;
  const steps = Math.trunc(turned / 40);
  turned -= steps * 40;
  if (steps) step(Math.sign(steps) * Math.min(5, Math.abs(steps)));
}, { passive: false });

function setWindow(window) {
  current.window = window;
  return redraw();
}
for (const input of [center, width]) {
  input.addEventListener('input', () => {
    const asked = [center.valueAsNumber, width.valueAsNumber];
    if (asked.every(Number.isFinite) && asked[1] >= 1) setWindow(asked);
  });
}
element('reset').addEventListener('click', () => setWindow(null));
let drag = null;
canvas.addEventListener('pointerdown', (event) => {
  const window = current.series?.frames?.[current.index]?.picture?.window;
  if (event.button !== 0 || !window) return;
  canvas.setPointerCapture(event.pointerId);
  drag = { x: event.clientX, y: event.clientY, window, step: Math.max(window[1] / 256, 1 / 16) };
});
canvas.addEventListener('pointermove', (event) => {
  if (!drag) return;
  const [x, y] = [event.clientX - drag.x, event.clientY - drag.y];
  if (Math.abs(x) + Math.abs(y) < 3 && !current.window) return;
  setWindow([drag.window[0] + y * drag.step, Math.max(1, drag.window[1] + x * drag.step)].map((part) => Number(part.toFixed(2))));
});
for (const end of ['pointerup', 'pointercancel']) canvas.addEventListener(end, () => { drag = null; });

element('again').addEventListener('click', async () => {
  const { series, index } = current;
  const frame = series?.frames?.[index];
  if (!frame) return;
  await load(frame);
  if (series === current.series && index === current.index) show(index);
});

// ---- With a token, and without

function requests() {
  const field = (name) => form.elements[name].value.trim();
  const uid = (name) => encodeURIComponent(field(name));
  const native = { label: 'getImageFrame', ...nativeFrame(field('imageSet'), field('frame')) };
  const dicomweb = {
    label: 'DICOMweb frame', headers: { Accept: 'multipart/related; type="application/octet-stream"; transfer-syntax=*' },
    url: `${root()}/studies/${uid('study')}/series/${uid('series')}/instances/${uid('instance')}/frames/1?imageSetId=${uid('imageSet')}`,
  };
  const wanted = [];
  if (field('frame')) wanted.push([native, true], [native, false]);
  if (field('instance')) wanted.push([dicomweb, true], [dicomweb, true], [dicomweb, false]);
  return wanted;
}

async function compare(request, withToken) {
  const answer = await ask(request, withToken);
  const line = node('tr');
  line.append(
    node('td', request.label), node('td', withToken ? 'with' : 'without'),
    node('td', answer.status, `number ${answer.ok ? 'good' : 'bad'}`), node('td', answer.type.split(';')[0] || '\u2013'),
    node('td', answer.bytes.byteLength, 'number'), node('td', answer.cache ?? '\u2013'), node('td', answer.ms.toFixed(1), 'number'),
  );
  rows.append(line);
}

async function run() {
  const button = form.querySelector('button');
  button.disabled = true;
  rows.replaceChildren();
  delete document.body.dataset.done;
  await view();
  for (const [request, withToken] of requests()) await compare(request, withToken);
  for (const one of all) seen.observe(one.button);
  document.body.dataset.done = 'true';
  button.disabled = false;
}

form.addEventListener('submit', (event) => { event.preventDefault(); run(); });
fill().then(run, (error) => say(error.message));
