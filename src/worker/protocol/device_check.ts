// The messages about checking the device: what was tried, what came of it, how fast it is. Types only.

/** A kernel or a variant of one that does not do what it should here. */
export interface KernelFault {
  readonly name: string;
  /** What was seen: the size of the error, or the compiler's words. */
  readonly reason: string;
}

/** What came of the kernels. */
export interface KernelSweep {
  /** Expansions of shaders that compile. */
  readonly compiled: number;
  /** Names of those whose results were compared with a reference on this device, and were right. */
  readonly verified: readonly string[];
  /** Variants that gave wrong results: they are switched off, and others take their place. */
  readonly disabled: readonly KernelFault[];
  /** Kernels that do not compile. */
  readonly broken: readonly KernelFault[];
  /** Kernels that there was no time for. */
  readonly left: number;
}

/** One question whose greedy tokens are known. */
export interface GoldenAnswer {
  readonly id: string;
  /** Whether it was asked with the adapter. */
  readonly adapter: boolean;
  readonly tokens: number;
  /** Step of the first token that differs; null where all agree. */
  readonly differs: number | null;
  /** Whether two tokens were equally likely at that step, so that both are right. */
  readonly tie: boolean;
}

/** How fast one kernel is beside what the device can do. */
export interface KernelSpeed {
  readonly name: string;
  readonly milliseconds: number;
  /** 10⁹ floating-point operations in a second. */
  readonly gflops: number;
  /** 10⁹ bytes in a second, of those that must move at least once. */
  readonly gigabytes: number;
  /** What bounds it here. */
  readonly bound: 'arithmetic' | 'memory';
  /** Its rate beside that of the yardstick which bounds it; may pass 1 where a cache holds the operands. */
  readonly share: number;
}

/** How fast the device is. */
export interface DeviceSpeed {
  /** 10⁹ bytes read and written in a second by a plain copy. */
  readonly copyGigabytes: number;
  /** 10⁹ floating-point operations in a second by nothing but multiply-adds. */
  readonly fmaGflops: number;
  readonly kernels: readonly KernelSpeed[];
}

/** Everything that a check found. */
export interface DeviceReport {
  readonly device: {
    readonly description: string;
    readonly vendor: string;
    readonly architecture: string;
    readonly software: boolean;
    readonly shaderF16: boolean;
    readonly subgroups: boolean;
    readonly maxBufferBytes: number;
    readonly maxBindingBytes: number;
  };
  readonly kernels: KernelSweep;
  /** Null where the goldens could not be asked, with the reason in `answersLeftOut`. */
  readonly answers: readonly GoldenAnswer[] | null;
  readonly answersLeftOut: string | null;
  readonly speed: DeviceSpeed;
  readonly seconds: number;
}

/** How far a check is. */
export interface DeviceCheckEvent {
  readonly type: 'deviceCheckProgressed';
  readonly phase: 'kernels' | 'answers' | 'speed';
  readonly done: number;
  readonly total: number;
}

/** Commands that check the device. */
export interface DeviceCheckCommands {
  /**
   * Checks kernels, answers and speed in about a minute. Rejects with `engine/cancelled` when it was cancelled, or when a
   * question or a load came first; with `gpu/…` where there is no device.
   */
  checkDevice(): Promise<DeviceReport>;
  cancelDeviceCheck(): Promise<void>;
}
