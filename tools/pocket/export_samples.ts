// Command line: writes evaluation samples for the Python scripts: pictures as raw bytes, or PNG files, and a JSON list
// of questions, oracle facts and answers. Sample i is drawSample({split, seed, index: i}), the very sample that the app
// evaluates; `both` takes sheets and photographs in turn from their test splits.

import { mkdirSync, writeFileSync } from 'node:fs';
import { encode } from 'fast-png';
import { IMAGE_SIDE } from '../../src/data/world/grid';
import { drawSample, type Split } from '../../src/data/world/world_sample';

function main(): void {
  const [out, split, seed, count, textShare, png, delta] = process.argv.slice(2);
  if (count === undefined)
    throw new Error('usage: export_samples OUT SPLIT SEED COUNT [TEXT_SHARE [png|raw [DELTA]]]');
  mkdirSync(out as string, { recursive: true });
  const pictures: Uint8Array[] = [];
  const samples = Array.from({ length: Number(count) }, (_, index) => {
    const turn: Split = index % 2 === 0 ? 'test' : 'photographs';
    const request = {
      split: split === 'both' ? turn : (split as Split),
      seed: Number(seed),
      index,
      textShare: Number(textShare ?? 0),
      ...(delta === undefined ? {} : { delta: Number(delta) }),
    };
    const sample = drawSample(request);
    const data = sample.image();
    const image = png === 'png' ? `${sample.id}.png` : undefined;
    if (image === undefined) pictures.push(data);
    else
      writeFileSync(`${out}/${image}`, encode({ width: IMAGE_SIDE, height: IMAGE_SIDE, channels: 3, data }));
    const { id, kind, counts, clearness, text: question, answer, oracle, picture } = sample;
    const check = oracle.check ?? null;
    return {
      id,
      picture: picture.kind,
      kind,
      counts,
      clearness,
      question,
      answer,
      image,
      list: oracle.list,
      check,
    };
  });
  writeFileSync(`${out}/samples.json`, JSON.stringify(samples));
  if (png !== 'png') writeFileSync(`${out}/images.bin`, Buffer.concat(pictures));
}

main();
