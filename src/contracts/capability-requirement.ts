import { HoldfastError } from '../kernel/errors.ts'
import type { AdapterCapabilities, StorageAdapter } from './storage-adapter.ts'

/** The capabilities that are either there or not. */
export type CapabilityName = { [K in keyof AdapterCapabilities]: AdapterCapabilities[K] extends boolean ? K : never }[keyof AdapterCapabilities]

/**
 * Refuses with `E_CAPABILITY`, before any work, a feature whose needs the adapter does not meet. The error names adapter, feature,
 * every missing capability and the ways out.
 */
export function requireCapabilities(
  adapter: Pick<StorageAdapter, 'name' | 'capabilities'>,
  feature: string,
  needs: readonly CapabilityName[],
  waysOut = 'Choose a storage that has it, or leave the feature off.',
): void {
  const missing = needs.filter((need) => !adapter.capabilities[need])
  if (missing.length === 0) return
  throw new HoldfastError('E_CAPABILITY', `${feature} needs ${missing.join(', ')}, which storage ${adapter.name} does not have`, {
    hint: waysOut,
    details: { storage: adapter.name, feature, missing },
  })
}
