// Says which part of a picture a model sees that is given squares.

/** A square within a picture, in pixels. */
export interface SquareCrop {
  readonly left: number;
  readonly top: number;
  readonly side: number;
}

/** The largest centred square of a picture; an odd pixel is cut off right or below. */
export function squareCrop(width: number, height: number): SquareCrop {
  const side = Math.min(width, height);
  return { left: Math.floor((width - side) / 2), top: Math.floor((height - side) / 2), side };
}
