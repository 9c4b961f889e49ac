// Resizes images exactly as Pillow's 8-bit Image.resize does, bit for bit (bicubic a = -0.5, Lanczos 3, antialiased):
// the browser's drawImage differs by up to 140 levels from what the vision towers were trained on. Coefficients are
// float64, quantised to 22 fractional bits; between the passes, horizontal first, pixels are uint8.
import { DataError } from '../../lib/errors';

/** Pillow's filters that image processors of the supported models ask for. */
export type ResizeFilter = 'bicubic' | 'lanczos';

/** 8-bit pixels [height, width, channels], row-major. */
export interface PixelArray {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

const PRECISION = 22;
const SUPPORT: Readonly<Record<ResizeFilter, number>> = { bicubic: 2, lanczos: 3 };

function bicubic(value: number): number {
  const a = -0.5;
  const x = Math.abs(value);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

function sinc(value: number): number {
  if (value === 0) return 1;
  const x = value * Math.PI;
  return Math.sin(x) / x;
}

function lanczos(x: number): number {
  return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

/** For each output index: the first input index, the number of inputs and their fixed-point weights. */
interface Coefficients {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** [outSize, stride] */
  readonly weights: Int32Array;
  readonly stride: number;
}

function coefficients(inSize: number, outSize: number, filter: ResizeFilter): Coefficients {
  const evaluate = filter === 'bicubic' ? bicubic : lanczos;
  const scale = inSize / outSize;
  const filterScale = Math.max(1, scale);
  const support = SUPPORT[filter] * filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(outSize);
  const count = new Int32Array(outSize);
  const weights = new Int32Array(outSize * stride);
  const row = new Float64Array(stride);
  const inverseScale = 1 / filterScale;
  for (let out = 0; out < outSize; out++) {
    const center = (out + 0.5) * scale;
    const low = Math.max(0, Math.trunc(center - support + 0.5));
    const high = Math.min(inSize, Math.trunc(center + support + 0.5));
    let sum = 0;
    for (let j = 0; j < high - low; j++) {
      row[j] = evaluate((j + low - center + 0.5) * inverseScale);
      sum += row[j]!;
    }
    const inverseSum = 1 / sum;
    for (let j = 0; j < high - low; j++) {
      const weight = sum === 0 ? row[j]! : row[j]! * inverseSum;
      weights[out * stride + j] = Math.trunc(weight * (1 << PRECISION) + (weight < 0 ? -0.5 : 0.5));
    }
    first[out] = low;
    count[out] = high - low;
  }
  return { first, count, weights, stride };
}

const HALF = 1 << (PRECISION - 1);

function clip(sum: number): number {
  return Math.max(0, Math.min(255, sum >> PRECISION));
}

function horizontal(source: PixelArray, outWidth: number, filter: ResizeFilter): PixelArray {
  const { width, height, channels, data } = source;
  const { first, count, weights, stride } = coefficients(width, outWidth, filter);
  const out = new Uint8Array(outWidth * height * channels);
  for (let y = 0; y < height; y++) {
    const rowStart = y * width * channels;
    let to = y * outWidth * channels;
    for (let x = 0; x < outWidth; x++) {
      const begin = rowStart + first[x]! * channels;
      const taps = count[x]!;
      for (let c = 0; c < channels; c++) {
        let sum = HALF;
        let at = begin + c;
        for (let j = 0; j < taps; j++, at += channels) sum += weights[x * stride + j]! * data[at]!;
        out[to++] = clip(sum);
      }
    }
  }
  return { width: outWidth, height, channels, data: out };
}

function vertical(source: PixelArray, outHeight: number, filter: ResizeFilter): PixelArray {
  const { width, height, channels, data } = source;
  const { first, count, weights, stride } = coefficients(height, outHeight, filter);
  const rowLength = width * channels;
  const out = new Uint8Array(rowLength * outHeight);
  const sums = new Int32Array(rowLength);
  for (let y = 0; y < outHeight; y++) {
    sums.fill(HALF);
    for (let j = 0; j < count[y]!; j++) {
      const weight = weights[y * stride + j]!;
      const from = (first[y]! + j) * rowLength;
      for (let i = 0; i < rowLength; i++) sums[i]! += weight * data[from + i]!;
    }
    for (let i = 0; i < rowLength; i++) out[y * rowLength + i] = clip(sums[i]!);
  }
  return { width, height: outHeight, channels, data: out };
}

/**
 * Resizes to outWidth x outHeight. A pass whose size does not change is skipped; with neither, the input is returned
 * as it is. The weighted sums stay below 2^31 because the weights' absolute values sum to less than 2.
 * Throws DataError `data/image-size` when a size is not positive or the data has another length.
 */
export function pillowResize(
  source: PixelArray,
  outWidth: number,
  outHeight: number,
  filter: ResizeFilter,
): PixelArray {
  const sizes = [source.width, source.height, source.channels, outWidth, outHeight];
  if (!sizes.every((n) => Number.isSafeInteger(n) && n > 0)) {
    throw new DataError(
      'data/image-size',
      `cannot resize ${source.width}×${source.height} to ${outWidth}×${outHeight}`,
    );
  }
  if (source.data.length !== source.width * source.height * source.channels) {
    throw new DataError(
      'data/image-size',
      `${source.width}×${source.height} pixels do not fit ${source.data.length} bytes`,
    );
  }
  const wide = source.width === outWidth ? source : horizontal(source, outWidth, filter);
  return source.height === outHeight ? wide : vertical(wide, outHeight, filter);
}
