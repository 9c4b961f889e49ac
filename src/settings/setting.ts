// Defines what a setting is: its type, default, range or choices, words, and where it applies; and checks one value.
// The tables beside this file declare every setting once. Types, forms, command lines and documentation come from them.

/** What a setting may hold; null stands for "left to the model", where a setting allows that. */
export type SettingValue = string | number | boolean | null;

/** Reads another setting of the same plan by its path; undefined where the plan has none of that name. */
export type ReadSetting = (path: string) => unknown;

/** Training methods, with the words of the form. */
export type Method = 'sft' | 'grpo';
/** Where examples come from. */
export type SourceKind = 'shapes_world' | 'dataset';

/** What every setting states. */
export interface SettingWords<G extends string = string> {
  readonly label: string;
  /** What it does, in whole sentences, where the label does not say it. */
  readonly help?: string;
  /** What the documentation says besides; Markdown. */
  readonly docs?: string;
  /** Name of the unit, e.g. `tokens`. */
  readonly unit?: string;
  /** Group of the form. */
  readonly group: G;
  /** The only method that reads it; absent when both do. */
  readonly method?: Method;
  /** The only source with which it is read; absent when both do. */
  readonly source?: SourceKind;
  /** False while the other settings leave it without effect; absent when it always has one. */
  readonly when?: (of: ReadSetting) => boolean;
}

/** A number. `above` and `below` are bounds that are not allowed themselves. */
export interface Range {
  readonly min?: number;
  readonly above?: number;
  readonly max?: number;
  readonly below?: number;
}

/** A number in a range; `default` null leaves it to the model. */
export interface NumberSetting<D extends number | null = number | null> extends SettingWords, Range {
  readonly kind: 'number';
  readonly whole: boolean;
  /** A whole number that may also be a share: anything below 1. */
  readonly share?: boolean;
  readonly default: D;
}

/** One of several names; `choices` gives the words of each, in the order of the form. */
export interface ChoiceSetting<C extends string = string> extends SettingWords {
  readonly kind: 'choice';
  readonly choices: Readonly<Record<C, string>>;
  readonly default: C;
}

/** On or off. */
export interface ToggleSetting extends SettingWords {
  readonly kind: 'toggle';
  readonly default: boolean;
}

/** Text that is not empty; a regular expression when `pattern`. `default` null allows none. */
export interface TextSetting<D extends string | null = string | null> extends SettingWords {
  readonly kind: 'text';
  readonly pattern: boolean;
  readonly default: D;
  /** The default in words, where the text itself says little. */
  readonly defaultWords?: string;
  /** Lines of the form's field, where the text has several. */
  readonly lines?: number;
}

/** Any setting. */
export type Setting = NumberSetting | ChoiceSetting | ToggleSetting | TextSetting;

/** Settings by their paths. */
export type SettingTable = Readonly<Record<string, Setting>>;

/** The type of a setting's value. */
export type ValueOf<S> =
  S extends NumberSetting<infer D>
    ? D extends null
      ? number | null
      : number
    : S extends ChoiceSetting<infer C>
      ? C
      : S extends ToggleSetting
        ? boolean
        : S extends TextSetting<infer D>
          ? D extends null
            ? string | null
            : string
          : never;

type Head<K> = K extends `${infer H}.${string}` ? H : K;
type Below<T, H extends string> = {
  [K in keyof T as K extends `${H}.${infer Rest}` ? Rest : never]: T[K];
};
type Flat<T> = T extends object ? { readonly [K in keyof T]: T[K] } : T;

/** The object whose paths are the keys of a table: `optim.learningRate` becomes `{ optim: { learningRate } }`. */
export type Nested<T> = Flat<{
  readonly [H in Head<keyof T & string>]: H extends keyof T ? ValueOf<T[H]> : Nested<Below<T, H>>;
}>;

/** A number with or without a fraction. */
export function number(value: number, range: Range, words: SettingWords): NumberSetting<number> {
  return { kind: 'number', whole: false, default: value, ...range, ...words };
}

/** A whole number. */
export function whole(value: number, range: Range, words: SettingWords): NumberSetting<number> {
  return { kind: 'number', whole: true, default: value, ...range, ...words };
}

/** A whole number, or null to leave it to the model. */
export function optionalWhole(range: Range, words: SettingWords): NumberSetting<null> {
  return { kind: 'number', whole: true, default: null, ...range, ...words };
}

/** One of `choices`. */
export function choice<C extends string>(
  value: NoInfer<C>,
  choices: Readonly<Record<C, string>>,
  words: SettingWords,
): ChoiceSetting<C> {
  return { kind: 'choice', default: value, choices, ...words };
}

/** On or off. */
export function toggle(value: boolean, words: SettingWords): ToggleSetting {
  return { kind: 'toggle', default: value, ...words };
}

/** Text; null for none. */
export function text<D extends string | null>(
  value: D,
  words: SettingWords & { readonly lines?: number },
): TextSetting<D> {
  return { kind: 'text', pattern: false, default: value, ...words };
}

/** A regular expression. */
export function pattern(value: string, defaultWords: string, words: SettingWords): TextSetting<string> {
  return { kind: 'text', pattern: true, default: value, defaultWords, ...words };
}

/** The names of a choice, in order. */
export function choicesOf<C extends string>(setting: ChoiceSetting<C>): readonly C[] {
  return Object.keys(setting.choices) as C[];
}

/** The numbers of a range in words, e.g. `from 0 to below 1`; empty without bounds. */
export function rangeWords({ min, above, max, below }: Range): string {
  const least = min === undefined ? [] : [`from ${min}`];
  const low = above === undefined ? least : [`above ${above}`];
  const to = above === undefined && low.length > 0;
  const most = max === undefined ? [] : [to ? `to ${max}` : `at most ${max}`];
  const high = below === undefined ? most : [to ? `to below ${below}` : `below ${below}`];
  return [...low, ...high].join(to ? ' ' : ' and ');
}

/** What a setting must be, in words that complete "it must be …". */
export function mustBe(setting: Setting): string {
  switch (setting.kind) {
    case 'number': {
      const range = rangeWords(setting);
      const kind = setting.whole ? 'a whole number' : 'a number';
      const count = range === '' ? kind : `${kind} ${range}`;
      return setting.share ? `${count}, or a share below 1` : count;
    }
    case 'choice':
      return `one of ${choicesOf(setting).join(', ')}`;
    case 'toggle':
      return 'true or false';
    case 'text':
      return setting.pattern ? 'a regular expression' : 'a text that is not empty';
  }
}

/** Whether a number lies in a range. */
function within(value: number, { min, above, max, below }: Range): boolean {
  return (
    (min === undefined || value >= min) &&
    (above === undefined || value > above) &&
    (max === undefined || value <= max) &&
    (below === undefined || value < below)
  );
}

/** Whether a text is a regular expression when anchored as PEFT anchors it. */
function isPattern(value: string): boolean {
  try {
    new RegExp(`^(?:${value})$`);
    return true;
  } catch {
    return false;
  }
}

/** What keeps a value from being used. */
export type Fault = 'number' | 'whole' | 'range' | 'choice' | 'toggle' | 'text' | 'pattern';

function numberFault(setting: NumberSetting, value: unknown): Fault | null {
  if (value === null && setting.default === null) return null;
  if (typeof value !== 'number' || !Number.isFinite(value)) return 'number';
  if (!within(value, setting)) return 'range';
  const counts = Number.isInteger(value) || (setting.share === true && value < 1);
  return setting.whole && !counts ? 'whole' : null;
}

/** What keeps a value from being used; null when nothing does. */
export function faultOf(setting: Setting, value: unknown): Fault | null {
  switch (setting.kind) {
    case 'number':
      return numberFault(setting, value);
    case 'choice':
      return typeof value === 'string' && Object.hasOwn(setting.choices, value) ? null : 'choice';
    case 'toggle':
      return typeof value === 'boolean' ? null : 'toggle';
    case 'text':
      if (value === null && setting.default === null) return null;
      if (typeof value !== 'string' || value.trim() === '') return 'text';
      return setting.pattern && !isPattern(value) ? 'pattern' : null;
  }
}

/** A value as an error shows it: text in quotation marks, long values cut. */
export function shown(value: unknown): string {
  const whole =
    typeof value === 'number' || value === undefined
      ? String(value)
      : (JSON.stringify(value) ?? typeof value);
  return whole.length > 80 ? `${whole.slice(0, 77)}…` : whole;
}

/** Whether a setting has an effect on the plan that `of` reads. */
export function applies(setting: SettingWords, of: ReadSetting): boolean {
  if (setting.method !== undefined && setting.method !== of('method')) return false;
  if (setting.source !== undefined && setting.source !== of('source.kind')) return false;
  return setting.when?.(of) ?? true;
}

const NUMBER = /^[+-]?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d+)?$/i;
/** `1,000` may mean a thousand or one: only a leading zero (`0,001`) rules the thousand out. */
const GROUPED = /^[+-]?[1-9]\d{0,2},\d{3}(e[+-]?\d+)?$/i;

/**
 * Reads a typed number. A comma is a decimal comma where nothing else can be meant.
 * @returns null where the text is no number or could mean two
 */
export function parseNumber(typed: string): number | null {
  const trimmed = typed.trim().replace(/^[\u2212\u2012\u2013]/, '-');
  if (!NUMBER.test(trimmed) || GROUPED.test(trimmed)) return null;
  const value = Number(trimmed.replace(',', '.'));
  return Number.isFinite(value) ? value : null;
}
