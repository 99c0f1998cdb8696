import type { RangeEntry } from '../archive/index.ts'

/** Equal text for ranges that hold the same records: the hash of their lines or, where that is not known, the layers they are made of. */
export function rangeContent({ sha256, layers }: Pick<RangeEntry, 'sha256' | 'layers'>): string {
  return sha256 ?? layers.map((layer) => layer.sha256).join('+')
}
