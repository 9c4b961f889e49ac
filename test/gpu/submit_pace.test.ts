// How much work a submit may hold: grows step by step, shrinks at once, ignores small submits.
import { expect, it } from 'vitest';
import { SubmitPace } from '../../src/gpu/submit_pace';

it('counts what bounds a dispatch, arithmetic or memory', () => {
  const pace = new SubmitPace(false);
  expect(pace.workOf({ flops: 4e10, bytes: 4 })).toBe(2);
  expect(pace.workOf({ flops: 2, bytes: 1e9 })).toBe(0.25);
});

it('grows on a fast device until submits take half of what they may, and no further', () => {
  const pace = new SubmitPace(false);
  const shares = Array.from({ length: 8 }, () => {
    pace.observe(pace.share, 2.5 * pace.share);
    return pace.share;
  });
  // 50 ms at 2.5 ms a unit.
  expect(shares).toEqual([2, 4, 8, 16, 20, 20, 20, 20]);
});

it('shrinks at once where a submit took too long', () => {
  const pace = new SubmitPace(true);
  pace.observe(1, 4500);
  expect(pace.share).toBeCloseTo(0.1);
  pace.observe(0.1, 1e6);
  expect(pace.share).toBe(1 / 16);
});

it('learns nothing from a small submit, whose time is mostly the way there and back', () => {
  const pace = new SubmitPace(false);
  pace.observe(0.01, 5);
  expect(pace.share).toBe(1);
  // A single dispatch larger than the share is a submit of its own, and counts.
  pace.observe(40, 100);
  expect(pace.share).toBe(2);
});
