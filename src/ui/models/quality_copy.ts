// Holds every sentence about what a precision costs, with the definition of each figure.

import type { ModelQuality, QualityEvent, RoleError } from '../../worker/protocol/models';

const percent = (value: number): string => `${(100 * value).toFixed(value < 0.0995 ? 2 : 1)} %`;
const nats = (value: number): string =>
  value === 0 ? '0' : value < 0.001 ? value.toExponential(1) : value.toFixed(3);

/** Fixed texts. */
export const QUALITY_COPY = {
  title: 'What its precision costs',
  about:
    'Compares every weight on the device with the stored one, and then the answers to three short questions with those of the stored weights. It reads the model once more, which takes a while; the next question ends it.',
  overtaken: 'The measurement ended: a question or another load came first. Nothing was kept of it.',
  measure: 'Measure it',
  again: 'Measure it again',
  phases: {
    weights: (done: number, total: number) =>
      total === 0 ? 'Reading the stored weights…' : `Comparing weights: ${percent(done / total)}`,
    answers: (done: number, total: number) => `Comparing answers: ${done} of ${total} questions`,
  } satisfies Record<QualityEvent['phase'], (done: number, total: number) => string>,
  whole: (precision: string, relative: number) =>
    relative === 0
      ? `Loaded in ${precision}, its weights are exactly the stored ones.`
      : `Loaded in ${precision}, its weights differ from the stored ones by ${percent(relative)}.`,
  rolesTitle: 'Error by part of the model',
  columns: ['Part', 'Format', 'Weights', 'Error'],
  roles: {
    text: 'Language model',
    vocabulary: 'Vocabulary',
    vision: 'Vision',
  } satisfies Record<RoleError['role'], string>,
  count: (elements: number) =>
    elements >= 1e9
      ? `${(elements / 1e9).toFixed(2)} B`
      : `${(elements / 1e6).toFixed(elements < 1e7 ? 2 : 1)} M`,
  relative: percent,
  worst: (count: number) => `The ${count} largest errors of single matrices`,
  logits: ({ questions, tokens, kl, largestKl, agreement }: NonNullable<ModelQuality['logits']>) =>
    `Along ${tokens} tokens of ${questions} answers it puts the same token first ${percent(agreement)} of the time; the divergence of its distributions is ${nats(kl)} nats on average and ${nats(largestKl)} at most.`,
  definitions:
    'Error: the norm of the difference over the norm of the stored weights, ‖ΔW‖/‖W‖. Divergence: Kullback–Leibler, from the distribution over the next token with the stored weights, which also gave the answers.',
} as const;
