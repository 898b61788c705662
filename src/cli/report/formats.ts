export const formats = ['html', 'md', 'json', 'pdf'] as const;

export interface ReportOptions {
  format: (typeof formats)[number];
  output?: string;
  open?: boolean;
  /** An experiment. */
  against?: string;
}
