// Lists the groups that the Train form puts its settings into.

/** Groups of the form, in order; all but the first two are folded. */
export const SETTING_GROUPS = {
  kind: { title: 'What is trained', advanced: false },
  main: { title: 'Run', advanced: false },
  world: { title: 'Built-in world', advanced: true },
  sft: { title: 'SFT', advanced: true },
  grpo: { title: 'GRPO', advanced: true },
  evaluation: { title: 'Evaluation during the run', advanced: true },
  rewards: { title: 'Rewards and their weights', advanced: true },
  lora: { title: 'Adapter', advanced: true },
  optim: { title: 'Optimiser (AdamW)', advanced: true },
  memory: { title: 'Memory and checkpoints', advanced: true },
} as const;
/** Name of a group of the form. */
export type SettingGroup = keyof typeof SETTING_GROUPS;
