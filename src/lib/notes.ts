// Says how long notes may be that a person writes about something kept here.

import { ArgumentError } from './errors';

/** Characters of notes at most. */
export const MOST_NOTES = 20_000;

/** The notes; throws ArgumentError when they are too long. */
export function checkedNotes(notes: string): string {
  if (notes.length > MOST_NOTES) throw new ArgumentError(`Notes have at most ${MOST_NOTES} characters.`);
  return notes;
}
