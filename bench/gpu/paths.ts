/** What is compared (cycle.ts says what each does). */
export const paths = ['stock', 'ours', 'ours-job'] as const;
export type Path = (typeof paths)[number];
