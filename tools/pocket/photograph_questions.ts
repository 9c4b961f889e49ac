// Command line: writes questions about real pictures with the answers that their pixels say, for
// `npm run evaluate -- --dataset`: `photograph_questions FOLDER`. Of each picture it asks for every word that some cells are
// and no cell leaves open at δ 0.1, and for one word that no cell is. The kind says which, and whether δ 0.2 holds too.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DELTA } from '../../src/data/world/colour_words';
import type { Question } from '../../src/data/world/question';
import { seenColours, truthOf } from '../../src/data/world/seen_colours';
import { wordQuestion } from '../../src/data/world/wording';
import { clearWords } from '../../src/data/world/world_sample';
import { createPrng } from '../../src/lib/prng';
import { decodeImage } from '../node_image';

/** A count, with something to add in two of three cases. */
function questionAbout(colour: Question['selector'] & {}, turn: number): Question {
  const base = { selector: colour, start: 0, operations: [] };
  if (turn === 0) return { ...base, kind: 'count' };
  if (turn === 1) return { ...base, kind: 'take', start: 20 };
  return { ...base, kind: 'count', operations: [{ verb: 'add', amount: 4 }] };
}

async function main(): Promise<void> {
  const [folder] = process.argv.slice(2);
  if (folder === undefined) throw new Error('usage: photograph_questions FOLDER');
  const lines: string[] = [];
  const files = readdirSync(folder).filter((file) => /\.(?:jpg|png)$/.test(file));
  for (const [index, image] of files.sort().entries()) {
    const shares = seenColours(await decodeImage(readFileSync(join(folder, image)), image));
    const clear = clearWords(shares, DELTA.train).filter(({ count }) => count < shares.length);
    const surer = new Set(clearWords(shares, DELTA.test).map(({ word }) => word));
    const absent = clear.filter(({ word, count }) => count === 0 && surer.has(word));
    const asked = [...clear.filter(({ count }) => count > 0), ...absent.slice(index % 7).slice(0, 1)];
    asked.forEach(({ word, count }, i) => {
      const question = questionAbout({ target: 'cells', colour: word }, (index + i) % 3);
      const [answer] = truthOf(question, shares, DELTA.train)?.answers ?? [];
      const { text } = wordQuestion(question, createPrng(0x9407, index, i));
      const kind = count === 0 ? 'absent' : surer.has(word) ? 'clear at 0.2' : 'clear at 0.1';
      lines.push(JSON.stringify({ image, question: text, answer, kind }));
    });
  }
  writeFileSync(join(folder, 'questions.jsonl'), `${lines.join('\n')}\n`);
  console.log(`${lines.length} questions about ${files.length} pictures`);
}

await main();
