// Draws the example pictures of public/examples: sheets of coloured shapes at 480 × 480, antialiased, without noise.
// Running it again writes the same bytes. Usage: node tools/make_examples.mjs
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { encode } from 'fast-png';

const SIDE = 480;
const CELL = SIDE / 3;
const SUBSAMPLES = 4;
const COLOURS = { red: [220, 50, 47], green: [60, 170, 70], blue: [40, 90, 210], yellow: [240, 200, 40] };

/** Rows of three cells; `-` is empty, else a colour and a shape by their first letters: rc = red circle. */
const SHEETS = [
  {
    file: 'full_sheet.png',
    name: 'A full sheet',
    seed: 5,
    cells: ['rc yc rs', 'ys rc yc', 'rc rs ys'],
    questions: [
      'Start with 7. Add the red circles. Subtract 5. Add 2. How many?',
      'Count the yellow circles. Add 3. Subtract 4. Add 8. How many?',
    ],
  },
  {
    file: 'red_squares.png',
    name: 'Red squares among others',
    seed: 1,
    cells: ['- rc bs', 'rs - -', 'gs yt rs'],
    questions: [
      'Start with 11. Subtract the red squares. Add 3. Subtract 8. How many?',
      'Count the red objects. Add 6. Subtract 2. How many?',
    ],
  },
  {
    file: 'blue_circles.png',
    name: 'Blue circles and squares',
    seed: 2,
    cells: ['bc gs -', '- bc rs', 'gs - -'],
    questions: [
      'Count the blue circles. Add 5. Subtract 2. How many?',
      'Start with 9. Subtract the green squares. Add 7. How many?',
    ],
  },
  {
    file: 'triangles.png',
    name: 'Triangles in two colours',
    seed: 3,
    cells: ['bt rt -', '- rc -', 'rs bt -'],
    questions: [
      'Count the blue triangles. Add 8. Subtract 1. How many?',
      'Start with 4. Add the triangles. Subtract 3. Add 6. How many?',
    ],
  },
  {
    file: 'few_shapes.png',
    name: 'Three shapes on an empty sheet',
    seed: 4,
    cells: ['- - gs', '- ys -', 'gs - -'],
    questions: [
      'Count the green squares. Add 9. Subtract 4. How many?',
      'Start with 12. Subtract the squares. Add 2. Add 5. How many?',
    ],
  },
];

/** Deterministic numbers in [0, 1): mulberry32. */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const SCALE = CELL / 16;

/** One object as the training pictures have it, in units of a 16-pixel cell, scaled up. */
function object(code, row, column, next) {
  const between = (low, high) => low + (high - low) * next();
  const rotation = between(-0.3, 0.3);
  const colour = Object.entries(COLOURS).find(([name]) => name[0] === code[0])[1];
  return {
    shape: code[1],
    colour: colour.map((channel) => channel + between(-12, 12)),
    x: (column + 0.5) * CELL + SCALE * between(-1.2, 1.2),
    y: (row + 0.5) * CELL + SCALE * between(-1.2, 1.2),
    radius: SCALE * between(4.8, 5.8),
    cos: Math.cos(rotation),
    sin: Math.sin(rotation),
  };
}

function covers(o, x, y) {
  const u = o.cos * (x - o.x) + o.sin * (y - o.y);
  const v = -o.sin * (x - o.x) + o.cos * (y - o.y);
  if (o.shape === 'c') return u * u + v * v <= o.radius * o.radius;
  if (o.shape === 's') return Math.max(Math.abs(u), Math.abs(v)) <= 0.86 * o.radius;
  return v <= 0.62 * o.radius && v >= 1.73 * Math.abs(u) - 1.05 * o.radius;
}

function coverage(o, px, py) {
  let hits = 0;
  for (let i = 0; i < SUBSAMPLES; i++) {
    for (let j = 0; j < SUBSAMPLES; j++) {
      if (covers(o, px + (i + 0.5) / SUBSAMPLES, py + (j + 0.5) / SUBSAMPLES)) hits += 1;
    }
  }
  return hits / (SUBSAMPLES * SUBSAMPLES);
}

function draw(sheet) {
  const next = random(sheet.seed);
  const objects = new Map();
  sheet.cells.forEach((line, row) => {
    line.split(' ').forEach((code, column) => {
      if (code !== '-') objects.set(3 * row + column, object(code, row, column, next));
    });
  });
  const data = new Uint8Array(SIDE * SIDE * 3);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      // The pale gradient tells the model, which knows no absolute positions, where on the sheet a patch lies.
      const pixel = [205 + (48 * x) / (SIDE - 1), 236, 205 + (48 * y) / (SIDE - 1)];
      const o = objects.get(3 * Math.floor(y / CELL) + Math.floor(x / CELL));
      const alpha = o === undefined ? 0 : coverage(o, x, y);
      for (let c = 0; c < 3; c++) {
        const value = pixel[c] + alpha * ((o?.colour[c] ?? 0) - pixel[c]);
        data[3 * (y * SIDE + x) + c] = Math.round(Math.min(255, Math.max(0, value)));
      }
    }
  }
  return encode({ width: SIDE, height: SIDE, data, channels: 3 });
}

/** Number of objects that a plural such as `red squares`, `circles` or `red objects` names. */
function count(phrase, cells) {
  const words = phrase.split(' ');
  const colour = Object.keys(COLOURS).find((name) => words.includes(name));
  const shape = ['circles', 'squares', 'triangles'].find((name) => words.includes(name));
  const codes = cells.join(' ').split(' ');
  return codes.filter(
    (code) => code !== '-' && (!colour || code[0] === colour[0]) && (!shape || code[1] === shape[0]),
  ).length;
}

/** The true answer of a question, worked out sentence by sentence. */
function answerOf(question, cells) {
  let value = 0;
  for (const [, verb, rest] of question.matchAll(/(Start with|Count the|Add|Subtract)(?: the)? ([^.]+)\./g)) {
    const amount = /^\d+$/.test(rest) ? Number(rest) : count(rest, cells);
    value =
      verb === 'Start with' || verb === 'Count the' ? amount : value + (verb === 'Add' ? amount : -amount);
  }
  return value;
}

const folder = fileURLToPath(new URL('../public/examples/', import.meta.url));
mkdirSync(folder, { recursive: true });
for (const sheet of SHEETS) writeFileSync(`${folder}${sheet.file}`, draw(sheet));
const list = SHEETS.map(({ file, name, cells, questions }) => ({
  file,
  name,
  questions: questions.map((text) => ({ text, answer: String(answerOf(text, cells)) })),
}));
writeFileSync(`${folder}examples.json`, `${JSON.stringify(list, null, 2)}\n`);
