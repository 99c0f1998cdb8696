import type { AdapterCapabilities, StorageAdapter } from '../../contracts/storage-adapter.ts'
import { type AbortableOptions, throwIfAborted } from '../../kernel/abort.ts'
import { uuidv7 } from '../../kernel/ids.ts'
import { capabilityCases } from './capability-cases.ts'
import type { ConformanceCase, ConformanceHarness } from './harness.ts'
import { nameCases } from './name-cases.ts'
import { objectCases } from './object-cases.ts'
import { placeCases } from './place-cases.ts'

export type { ConformanceCase, ConformanceHarness } from './harness.ts'

/**
 * What an adapter with these capabilities must do, for any test runner: one test a case. A capability that is declared must be kept; what needs one that is
 * not declared must be refused. Nothing can be left out: the list follows from what the adapter says of itself.
 */
export function conformanceCases(capabilities: AdapterCapabilities): readonly ConformanceCase[] {
  const applies = ({ requires, absent }: ConformanceCase) =>
    (requires === undefined || capabilities[requires]) && (absent === undefined || !capabilities[absent])
  return [...objectCases, ...nameCases, ...capabilityCases, ...placeCases].filter(applies)
}

export interface ConformanceOptions {
  /** Makes an adapter. Called twice a case; both must see the same objects. */
  readonly open: () => StorageAdapter | Promise<StorageAdapter>
  /** Where to work: empty, or ending with a slash. Default empty. A folder of its own is used for each case and emptied afterwards. */
  readonly prefix?: string
  /** Objects for the listing case; more than a page of the storage's listing. Default 1050. */
  readonly pageObjects?: number
}

/** Runs one case, with adapters of its own, and cleans up after it. Throws what is wrong. */
export async function runConformanceCase(conformanceCase: ConformanceCase, { open, prefix = '', pageObjects = 1050 }: ConformanceOptions): Promise<void> {
  const storage = await open()
  const fresh = { ifAbsent: storage.capabilities.conditionalPut }
  const harness: ConformanceHarness = { storage, other: await open(), prefix: `${prefix}conformance-${uuidv7()}/`, fresh, pageObjects }
  try {
    await conformanceCase.run(harness)
  } finally {
    const left: string[] = []
    for await (const { key } of harness.storage.list(harness.prefix)) left.push(key)
    await harness.storage.delete(left)
    await harness.storage.removeFolders?.(harness.prefix)
    await harness.storage.close()
    await harness.other.close()
  }
}

export interface ConformanceResult {
  readonly name: string
  readonly ok: boolean
  readonly error?: unknown
}

export interface CheckOptions extends AbortableOptions {
  /** Told each result as it is known. */
  readonly onResult?: (result: ConformanceResult) => void
}

/** All cases, one after the other, against a storage as it is: for checking a provider before it is trusted with backups. */
export async function checkStorage(options: ConformanceOptions & CheckOptions): Promise<readonly ConformanceResult[]> {
  const probe = await options.open()
  const results: ConformanceResult[] = []
  for (const conformanceCase of conformanceCases(probe.capabilities)) {
    throwIfAborted(options.signal)
    const result = await runConformanceCase(conformanceCase, options).then(
      () => ({ name: conformanceCase.name, ok: true }),
      (error: unknown) => ({ name: conformanceCase.name, ok: false, error }),
    )
    results.push(result)
    options.onResult?.(result)
  }
  await probe.close()
  return results
}
