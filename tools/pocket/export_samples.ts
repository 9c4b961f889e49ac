// Command line: writes evaluation samples for the Python scripts: pictures as raw bytes, or PNG files, and a JSON list
// of questions, oracle facts and answers. Not a training shard (export_shards.ts).
// Invariant: sample i is drawSample({split, seed, index: i}), the very sample that the app evaluates.

import { mkdirSync, writeFileSync } from 'node:fs';
import { encode } from 'fast-png';
import { drawSample, type Split } from '../../src/data/world/shapes_world';
import { LIST_PROMPT } from '../../src/data/world/shapes_world_text';

function main(): void {
  const [out, split, seed, count, textShare, png] = process.argv.slice(2);
  if (count === undefined) throw new Error('usage: export_samples OUT SPLIT SEED COUNT [TEXT_SHARE] [png]');
  mkdirSync(out as string, { recursive: true });
  const pictures: Uint8Array[] = [];
  const samples = Array.from({ length: Number(count) }, (_, index) => {
    const request = { split: split as Split, seed: Number(seed), index, textShare: Number(textShare ?? 0) };
    const sample = drawSample(request);
    const data = sample.image();
    const image = png === 'png' ? `${sample.id}.png` : undefined;
    if (image === undefined) pictures.push(data);
    else writeFileSync(`${out}/${image}`, encode({ width: 48, height: 48, channels: 3, data }));
    const { id, kind, count: matching, text: question, answer, oracle } = sample;
    const check = oracle.check ?? null;
    return {
      id,
      kind,
      count: matching,
      question,
      answer,
      image,
      listPrompt: LIST_PROMPT,
      list: oracle.list,
      check,
    };
  });
  writeFileSync(`${out}/samples.json`, JSON.stringify(samples));
  if (png !== 'png') writeFileSync(`${out}/images.bin`, Buffer.concat(pictures));
}

main();
