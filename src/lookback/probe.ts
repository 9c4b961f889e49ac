// Measures what a base model of the shapes world can do when asked directly: list the sheet, do sums, scan when told
// to, count at a glance. An item is judged from its text alone; evaluation.ts measures reasoning.

import { gradeAnswer } from '../answer/answer_grading';
import { readAnswer } from '../answer/answer_reading';
import { drawSample, type ShapesSample } from '../data/world/shapes_world';
import { LIST_PROMPT } from '../data/world/shapes_world_text';
import { type Proportion, wilson } from './evaluation';

/** Abilities, in the order in which they are probed. */
export const PROBES = ['list', 'arithmetic', 'scan', 'glance'] as const;
/** One of {@link PROBES}. */
export type Probe = (typeof PROBES)[number];

/** One probing question. */
export interface ProbeItem {
  readonly probe: Probe;
  readonly sample: ShapesSample;
  /** What to ask, with no words of a mode added. */
  readonly text: string;
  /** True when the answer's text shows the ability. */
  readonly isRight: (text: string) => boolean;
}

/** Share of right answers per ability. */
export type ProbeReport = Readonly<Record<Probe, Proportion & { readonly count: number }>>;

const GLANCE = /\bi see (\d+)\b/i;

function words(text: string): string {
  return text.trim().split(/\s+/).join(' ').toLowerCase();
}

/**
 * The item of an ability for sample `index` of the test split. Sums are questions that ignore the picture; the glance
 * is the count that a plain chain of thought says it sees before it computes.
 */
export function probeItem(probe: Probe, seed: number, index: number): ProbeItem {
  const sample = drawSample({ split: 'test', seed, index, textShare: probe === 'arithmetic' ? 1 : 0 });
  const { oracle } = sample;
  switch (probe) {
    case 'list':
      return { probe, sample, text: LIST_PROMPT, isRight: (text) => words(text) === words(oracle.list) };
    case 'arithmetic':
      return {
        probe,
        sample,
        text: sample.text,
        isRight: (text) => gradeAnswer(readAnswer(text).answer, sample.answer).equal,
      };
    case 'scan': {
      const { prompt = '', answer = '' } = oracle.check ?? {};
      return { probe, sample, text: prompt, isRight: (text) => words(text) === words(answer) };
    }
    case 'glance': {
      const isRight = (text: string) => GLANCE.exec(text)?.[1] === `${sample.count}`;
      return { probe, sample, text: sample.text, isRight };
    }
  }
}

/** Sums up judged items. */
export function summariseProbes(
  results: readonly { readonly probe: Probe; readonly right: boolean }[],
): ProbeReport {
  const report = PROBES.map((probe) => {
    const own = results.filter((result) => result.probe === probe);
    const right = own.filter((result) => result.right).length;
    return [probe, { ...wilson(right, own.length), count: own.length }] as const;
  });
  return Object.fromEntries(report) as ProbeReport;
}
