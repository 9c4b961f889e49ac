// Why a camera cannot be used: each cause of the browser has words of its own.
import { expect, it } from 'vitest';
import { cameraError } from '../../../src/ui/look/camera';
import { CAMERA_COPY } from '../../../src/ui/look/camera_copy';

it('tells refused, missing and busy cameras apart', () => {
  const why = (name: string) => cameraError(new DOMException('x', name));
  expect(
    ['NotAllowedError', 'NotFoundError', 'NotReadableError', 'TypeError'].map((name) => why(name).message),
  ).toEqual([CAMERA_COPY.refused, CAMERA_COPY.missing, CAMERA_COPY.busy, CAMERA_COPY.failed]);
  expect(why('NotAllowedError').code).toBe('data/camera');
});
