// Holds the sentences of a question about several pictures.

const called = (at: number): string => `image ${at + 1}`;

/** Texts of the pictures side by side; places count from 0. */
export const SEVERAL = {
  called,
  earlier: (at: number) => `Move ${called(at)} forward`,
  later: (at: number) => `Move ${called(at)} back`,
  remove: (at: number) => `Remove ${called(at)}`,
  how: (most: number | null) =>
    `The model reads them in this order, under these names: ask about image 1 and image 2.${most === null ? '' : ` A question is about at most ${most} pictures.`}`,
  onlyOne:
    'This model looks at one picture at a time, as its checkpoint says: remove the others, or load another model.',
};
