import { HoldfastError } from '../kernel/errors.ts'
import type { DatedSnapshot } from './decide-retention.ts'

/** What a strategy of the application's own is told of a snapshot: a whole one, not dated in the future. */
export interface RetainableSnapshot {
  readonly id: string
  /** Milliseconds since the epoch, of the state that it holds. */
  readonly at: number
  readonly metadata: Readonly<Record<string, string>>
  /** Of all its chunks as they are stored, those included that other snapshots share. */
  readonly bytes: number
}

/** Of the snapshots of one series, newest first, those that are to stay, by id, and why. Called once a series; it must not change anything. */
export type RetentionStrategy = (snapshots: readonly RetainableSnapshot[]) => ReadonlyMap<string, string>

/** @throws `E_CONFIG` when the strategy fails, or gives anything but reasons for the snapshots that it was told of */
export function askStrategy(strategy: RetentionStrategy, snapshots: readonly DatedSnapshot[]): ReadonlyMap<string, string> {
  let wanted: unknown
  try {
    wanted = strategy(snapshots.map(({ id, at, metadata, chunks }) => ({ id, at, metadata, bytes: [...chunks.values()].reduce((sum, size) => sum + size, 0) })))
  } catch (cause) {
    throw new HoldfastError('E_CONFIG', `\`keep.strategy\` failed, so nothing was deleted: ${String(cause)}`, { cause })
  }
  if (!(wanted instanceof Map)) throw new HoldfastError('E_CONFIG', '`keep.strategy` must give a Map of ids and reasons')
  const known = new Set(snapshots.map(({ id }) => id))
  for (const [id, reason] of wanted as Map<unknown, unknown>) {
    if (typeof id !== 'string' || !known.has(id))
      throw new HoldfastError('E_CONFIG', `\`keep.strategy\` gave the id ${JSON.stringify(id)}, of which it was not told`)
    if (typeof reason !== 'string' || reason === '') throw new HoldfastError('E_CONFIG', `\`keep.strategy\` gave no reason for ${id}`)
  }
  return wanted as Map<string, string>
}
