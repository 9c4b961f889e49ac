// Draws the example pictures of public/examples: sheets of coloured shapes at 480 × 480, antialiased, on several papers, and
// copies one photograph. They are drawn by other code than the pictures that pocket is trained on (src/data/world), in other
// palettes. Running it again writes the same bytes. Usage: node tools/make_examples.mjs
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { encode } from 'fast-png';

const SIDE = 480;
const GRID = 4;
const CELL = SIDE / GRID;
const SUBSAMPLES = 4;
const COLOURS = {
  red: [214, 40, 40],
  orange: [247, 140, 30],
  yellow: [250, 214, 50],
  green: [46, 160, 67],
  blue: [36, 94, 214],
  purple: [124, 58, 190],
  pink: [247, 120, 180],
  black: [24, 24, 28],
};
const CODES = {
  r: 'red',
  o: 'orange',
  y: 'yellow',
  g: 'green',
  b: 'blue',
  p: 'purple',
  k: 'pink',
  x: 'black',
};
const SHAPES = { c: 'circle', s: 'square', t: 'triangle', a: 'star', o: 'ring', h: 'heart' };

/** Rows of four cells; `-` is empty, else a colour and a shape: rc = red circle, ka = pink star. */
const SHEETS = [
  {
    file: 'full_sheet.png',
    name: 'A crowded sheet',
    seed: 5,
    paper: [255, 255, 255],
    cells: ['rc yc rs ro', 'ys rc - yc', 'rc rs ys -', '- yo rc ro'],
    questions: [
      'How many red circles? Add 4.',
      'Start with 20. Subtract the yellow objects. Add 2. How many?',
    ],
  },
  {
    file: 'red_squares.png',
    name: 'Red squares among others',
    seed: 1,
    paper: [250, 244, 230],
    cells: ['- rc bs -', 'rs - - gh', 'gs bh rs -', '- - rs -'],
    questions: [
      'How many red squares?',
      'Start with 11. Subtract the red squares. Add 3. Subtract 8. How many?',
      'Which row has more red objects, a or c?',
    ],
  },
  {
    file: 'hearts.png',
    name: 'Hearts and stars',
    seed: 2,
    paper: [232, 240, 250],
    cells: ['kh - ka -', '- ph - kh', 'pa - kh -', '- - - ka'],
    questions: ['How many hearts are pink? Add 5. Subtract 2.', 'Are there any purple stars?'],
  },
  {
    file: 'rings.png',
    name: 'Rings in three colours',
    seed: 3,
    paper: [255, 255, 255],
    cells: ['bo oo - bt', '- oc - -', 'oo - bo -', '- bo - go'],
    questions: ['Count the blue rings. Add 8. Subtract 1. How many?', 'Which column has more rings, 2 or 4?'],
  },
  {
    file: 'few_shapes.png',
    name: 'Few shapes on an empty sheet',
    seed: 4,
    paper: [240, 250, 238],
    cells: ['- - - gs', '- xs - -', '- - - -', 'gs - - xa'],
    questions: [
      'How many green squares? Add 9. Subtract 4.',
      'Start with 12. Subtract the black objects. How many?',
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

/** One object somewhere in its cell, with a shade of its colour. */
function object(code, row, column, next) {
  const between = (low, high) => low + (high - low) * next();
  const rotation = between(-0.25, 0.25);
  const radius = CELL * between(0.3, 0.4);
  const room = CELL / 2 - radius - 4;
  return {
    shape: SHAPES[code[1]],
    colour: COLOURS[CODES[code[0]]].map((channel) => channel + between(-10, 10)),
    x: (column + 0.5) * CELL + between(-room, room),
    y: (row + 0.5) * CELL + between(-room, room),
    radius,
    cos: Math.cos(rotation),
    sin: Math.sin(rotation),
  };
}

const INSIDE = {
  circle: (u, v) => u * u + v * v <= 0.9,
  square: (u, v) => Math.max(Math.abs(u), Math.abs(v)) <= 0.8,
  triangle: (u, v) => v <= 0.62 && v >= 1.73 * Math.abs(u) - 1.05,
  ring: (u, v) => Math.abs(Math.hypot(u, v) - 0.72) <= 0.24,
  star: (u, v) => {
    const fifth = (2 * Math.PI) / 5;
    const angle = Math.abs((((Math.atan2(u, -v) % fifth) + 1.5 * fifth) % fifth) - fifth / 2);
    return (
      Math.hypot(u, v) *
        (Math.sin(angle) * (1 - 0.45 * Math.cos(fifth / 2)) + Math.cos(angle) * 0.45 * Math.sin(fifth / 2)) <=
      0.45 * Math.sin(fifth / 2)
    );
  },
  heart: (u, v) => {
    const [x, y] = [1.25 * u, -1.25 * v + 0.15];
    return (x * x + y * y - 0.8) ** 3 <= x * x * y ** 3;
  },
};

function covers(o, x, y) {
  const u = (o.cos * (x - o.x) + o.sin * (y - o.y)) / o.radius;
  const v = (-o.sin * (x - o.x) + o.cos * (y - o.y)) / o.radius;
  return INSIDE[o.shape](u, v);
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
      if (code !== '-') objects.set(GRID * row + column, object(code, row, column, next));
    });
  });
  const data = new Uint8Array(SIDE * SIDE * 3);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const pixel = sheet.paper;
      const o = objects.get(GRID * Math.floor(y / CELL) + Math.floor(x / CELL));
      const alpha = o === undefined ? 0 : coverage(o, x, y);
      for (let c = 0; c < 3; c++) {
        const value = pixel[c] + alpha * ((o?.colour[c] ?? 0) - pixel[c]);
        data[3 * (y * SIDE + x) + c] = Math.round(Math.min(255, Math.max(0, value)));
      }
    }
  }
  return encode({ width: SIDE, height: SIDE, data, channels: 3 });
}

/** Objects that a phrase such as `red squares`, `rings` or `black objects` names, among these codes. */
function count(phrase, codes) {
  const words = phrase.split(' ');
  const colour = Object.values(CODES).find((name) => words.includes(name));
  const shape = Object.values(SHAPES).find((name) => words.includes(name) || words.includes(`${name}s`));
  return codes.filter(
    (code) => code !== '-' && (!colour || CODES[code[0]] === colour) && (!shape || SHAPES[code[1]] === shape),
  ).length;
}

/** Codes of a row `a` to `d` or of a column `1` to `4`. */
function line(name, cells) {
  const rows = cells.map((row) => row.split(' '));
  const row = 'abcd'.indexOf(name);
  return row >= 0 ? rows[row] : rows.map((codes) => codes[Number(name) - 1]);
}

/** The true answer of a question, worked out sentence by sentence. */
function answerOf(question, cells) {
  const codes = cells.join(' ').split(' ');
  const which = /^Which (?:row|column) has more (.+), (\w) or (\w)\?$/.exec(question);
  if (which) {
    const [first, second] = [which[2], which[3]].map((name) => count(which[1], line(name, cells)));
    return first === second ? 'same' : which[first > second ? 2 : 3];
  }
  const any = /^Are there any (.+)\?$/.exec(question);
  if (any) return count(any[1], codes) > 0 ? 'yes' : 'no';
  let value = 0;
  for (const sentence of question.split(/[.?] ?/)) {
    const asked = /^(?:Count the|How many) (.+)$/.exec(sentence);
    const step = /^(Start with|Add|Subtract)(?: the)? (.+)$/.exec(sentence);
    if (asked) value = count(asked[1], codes);
    if (!step) continue;
    const amount = /^\d+$/.test(step[2]) ? Number(step[2]) : count(step[2], codes);
    value = step[1] === 'Start with' ? amount : value + (step[1] === 'Add' ? amount : -amount);
  }
  return String(value);
}

/** What lies in each cell, as the page reads it. */
function factsOf(cells) {
  const content = (code) => (code === '-' ? null : { colour: CODES[code[0]], shape: SHAPES[code[1]] });
  return { kind: 'sheet', cells: cells.join(' ').split(' ').map(content) };
}

const PHOTOGRAPH = { file: 'coffee.jpg', name: 'A photograph: coffee', questions: [], facts: null };

const folder = fileURLToPath(new URL('../public/examples/', import.meta.url));
mkdirSync(folder, { recursive: true });
for (const sheet of SHEETS) writeFileSync(`${folder}${sheet.file}`, draw(sheet));
const list = SHEETS.map(({ file, name, cells, questions }) => ({
  file,
  name,
  questions: questions.map((text) => ({ text, answer: answerOf(text, cells) })),
  facts: factsOf(cells),
}));
copyFileSync(
  fileURLToPath(new URL(`../test/fixtures/photographs/${PHOTOGRAPH.file}`, import.meta.url)),
  `${folder}${PHOTOGRAPH.file}`,
);
writeFileSync(`${folder}examples.json`, `${JSON.stringify([...list, PHOTOGRAPH], null, 2)}\n`);
