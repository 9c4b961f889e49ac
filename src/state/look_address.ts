// Writes what the Look page is set to as the part of an address after `#/look?`, and reads it again: settings, question, example
// picture and selected steps, and the packed answer of a shared link. Only what differs from a first visit is written; what is
// read is untrusted, and what cannot be used is left out.

import { GENERATION_SETTINGS } from '../settings/generation_settings';
import { faultOf } from '../settings/setting';
import type { StepRange } from './segment_layout';
import { DEFAULT_SETTINGS, type Settings } from './settings';

/** What stands before all of it. */
export const LOOK_FRAGMENT = '#/look?';
/** Characters of a question in an address. */
const LONGEST_QUESTION = 2000;
const LONGEST_NAME = 200;

/** What an address says of the Look page. */
export interface LookAddress {
  readonly settings: Partial<Settings>;
  readonly question: string | null;
  /** File of an example picture. */
  readonly example: string | null;
  /** Steps from 0; an address counts from 1, as the page does. */
  readonly steps: StepRange | null;
  /** A packed answer. */
  readonly trace: string | null;
}

const SETTING_IDS = ['mode', 'temperature', 'seed', 'maxNewTokens', 'maxImageTokens'] as const;

function readSettings(parameters: URLSearchParams): Partial<Settings> {
  const found = SETTING_IDS.flatMap((id) => {
    const text = parameters.get(id);
    const value = id === 'mode' ? text : Number(text);
    const usable = text !== null && text.trim() !== '' && faultOf(GENERATION_SETTINGS[id], value) === null;
    return usable ? [[id, value] as const] : [];
  });
  return Object.fromEntries(found) as Partial<Settings>;
}

function readSteps(text: string | null): StepRange | null {
  const [, first, last] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(text ?? '') ?? [];
  if (first === undefined) return null;
  const [from, to] = [Number(first) - 1, Number(last ?? first) - 1];
  return from >= 0 && to >= from ? { from, to } : null;
}

/** What the fragment of an address says; nothing where it is not of the Look page. */
export function readAddress(hash: string): LookAddress {
  const text = hash.startsWith(LOOK_FRAGMENT) ? hash.slice(LOOK_FRAGMENT.length) : '';
  const parameters = new URLSearchParams(text);
  const shorter = (name: string, most: number): string | null => {
    const value = parameters.get(name);
    return value !== null && value.length <= most ? value : null;
  };
  return {
    settings: readSettings(parameters),
    question: shorter('question', LONGEST_QUESTION),
    example: shorter('example', LONGEST_NAME),
    steps: readSteps(parameters.get('steps')),
    trace: parameters.get('trace'),
  };
}

/** The fragment for a state of the page; `#/look` where it is that of a first visit. */
export function writeAddress({ settings, question, example, steps, trace }: LookAddress): string {
  const parts: string[] = [];
  // First and as it is, as its characters need no quoting: messengers cut long links at the end.
  if (trace !== null) parts.push(`trace=${trace}`);
  const put = (name: string, value: string | number) => parts.push(`${name}=${encodeURIComponent(value)}`);
  for (const id of SETTING_IDS) {
    const value = settings[id];
    if (value === undefined || value === null || value === DEFAULT_SETTINGS[id]) continue;
    if (faultOf(GENERATION_SETTINGS[id], value) === null) put(id, value);
  }
  if (question !== null && question.trim() !== '' && question.length <= LONGEST_QUESTION)
    put('question', question);
  if (example !== null) put('example', example);
  if (steps !== null)
    put('steps', steps.from === steps.to ? steps.from + 1 : `${steps.from + 1}-${steps.to + 1}`);
  return parts.length === 0 ? LOOK_FRAGMENT.slice(0, -1) : LOOK_FRAGMENT + parts.join('&');
}
