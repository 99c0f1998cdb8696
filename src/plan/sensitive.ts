import type { Masker } from '../contracts/masker.ts'
import { propertyMarker, type PropertyMarker } from './property-marker.ts'

export interface SensitiveOptions {
  /** What replaces the values in a masked restore: one of `masks`. Backups and other restores hold and write the values as they are. */
  readonly mask?: Masker
}

/** Marks a property whose values are backed up, but never appear in samples, diagnostics or logs. Holds in every plan. */
export function Sensitive({ mask }: SensitiveOptions = {}): PropertyMarker {
  return propertyMarker('@Sensitive', mask === undefined ? {} : { mask })
}
