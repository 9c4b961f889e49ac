// Writes numbers of a run as short texts: durations, metrics, shares, signs. No figure shows more digits than it was
// measured with, and a value that is missing or not finite is a dash.

/** What a metric's number is: a share of 1, a plain number, tokens, seconds, or something tiny such as a rate. */
export type Unit = 'share' | 'number' | 'tokens' | 'seconds' | 'tiny';

const DASH = '–';

/** `0.4 %`, `54 %`; `0.62`; `86`; `1.42 s`; `1.0e-3`. */
export function metricText(value: number | null | undefined, unit: Unit): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return DASH;
  if (unit === 'share') {
    const percent = value * 100;
    return `${percent !== 0 && Math.abs(percent) < 9.95 ? percent.toFixed(1) : percent.toFixed(0)} %`;
  }
  if (unit === 'tokens')
    return value >= 1000 ? Math.round(value).toLocaleString('en') : String(Number(value.toFixed(1)));
  if (unit === 'seconds') return paceText(value);
  if (value === 0) return '0';
  if (unit === 'tiny') return value.toExponential(1);
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return size < 0.01 ? value.toExponential(1) : value.toFixed(size < 1 ? 3 : 2);
}

/** A single score, exactly as far as three digits go: `1`, `0.667`, `−0.5`. */
export function scoreText(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toFixed(3))).replace('-', '−') : DASH;
}

/** Time of a step: `310 ms`, `1.42 s`, `75 s`. */
export function paceText(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  return seconds < 10 ? `${seconds.toFixed(2)} s` : `${Math.round(seconds)} s`;
}

/** A duration to be read as a rough one: `5 s`, `40 s`, `3 min`, `1 h 20 min`, `2 d 4 h`. */
export function durationText(seconds: number): string {
  if (seconds < 10) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 55) return `${Math.round(seconds / 5) * 5} s`;
  const minutes = Math.max(1, Math.round(seconds / 60));
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return hours % 24 === 0 ? `${hours / 24} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** With a sign, for advantages: `+1.32`, `−0.76`, `0.00`. */
export function signedText(value: number): string {
  if (!Number.isFinite(value)) return DASH;
  const text = Math.abs(value).toFixed(2);
  if (text === '0.00') return text;
  return value > 0 ? `+${text}` : `−${text}`;
}

/** A moment in the reader's own time and order, without seconds. */
export function momentText(at: number): string {
  return new Date(at).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}
