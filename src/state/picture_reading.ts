// Reads chosen pictures: checks and decodes them, finds the questions that suit them, and answers those where a picture is
// known. Fetched with the first picture.

import { requirePicture } from '../data/image/picture_check';
import { DataError } from '../lib/errors';
import type { PlainError } from '../lib/plain_error';
import type { KnownPicture, Picture, PictureChoice, PictureReader } from './look_picture';

const NOTHING_KNOWN: KnownPicture = { questions: [], facts: null };

async function decode(reader: PictureReader, blob: Blob, name: string): Promise<ImageBitmap> {
  try {
    return await reader.decode(blob);
  } catch (cause) {
    const message = `${name} is not a picture that this browser can read: choose a PNG, JPEG, WebP or GIF.`;
    throw new DataError('data/image', message, { name }, cause);
  }
}

/** Answers questions about a picture by what came with it; of a drawn sheet, any question that can be read. */
async function answersOf({ questions, facts }: KnownPicture): Promise<Picture['trueAnswer']> {
  const listed = (question: string) => questions.find(({ text }) => text === question)?.answer ?? null;
  if (facts === null) return listed;
  const { answerAbout } = await import('../data/world/question_reader');
  return (question) => listed(question) ?? answerAbout(question, facts);
}

/**
 * Reads a picture. Rejects with DataError for a file that is no picture, that no browser reads, or that cannot be fetched.
 */
export async function readPicture(
  reader: PictureReader,
  { source, name, known = NOTHING_KNOWN }: PictureChoice,
): Promise<Omit<Picture, 'id'>> {
  const blob = await source;
  await requirePicture(blob, name);
  const bitmap = await decode(reader, blob, name);
  const seen = await reader.seenCells(bitmap);
  const suggested = seen?.questions.map((text) => ({ text, answer: null })) ?? [];
  const questions = known.questions.length > 0 ? known.questions : suggested;
  return { blob, name, bitmap, questions, seen, trueAnswer: await answersOf(known) };
}

/** Says which pictures there is no room for; null where all are taken. */
export function leftOut(left: readonly Picture[], most: number): PlainError | null {
  if (left.length === 0) return null;
  const names = left.map(({ name }) => name).join(', ');
  const why =
    most === 1
      ? 'This model looks at one picture at a time, as its checkpoint says; load another one to ask about several.'
      : `A question is about at most ${most} pictures.`;
  return { code: 'data/picture-count', message: `${why} Left out: ${names}.` };
}
