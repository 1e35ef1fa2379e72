/** Ranges of memory. Addresses are plain numbers: user space ends far below 2^53. */

export const PAGE = 4096;

export interface Extent {
  readonly address: number;
  /** In bytes. */
  readonly length: number;
}

export const endOf = ({ address, length }: Extent): number => address + length;

export const totalOf = (extents: readonly { readonly length: number }[]): number =>
  extents.reduce((sum, extent) => sum + extent.length, 0);
