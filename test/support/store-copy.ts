import { randomUUID } from 'node:crypto'
import type { EntityStore, LineSource, MergeItem, SequenceState } from '../../src/contracts/index.ts'
import { referenceOrder } from '../../src/record/reference-order.ts'

export interface StoreCopyOptions {
  /** `staged`: by way of the staging area; `direct`: straight into the empty tables. */
  readonly mode: MergeItem['mode']
  /** Entities to copy. Default: all that are mapped. */
  readonly entities?: readonly string[]
}

export interface StoreCopy {
  readonly rows: Readonly<Record<string, number>>
  /** Record lines by entity, as text. */
  readonly lines: Readonly<Record<string, string>>
}

/** Takes every record of one store over to another through the ports alone: no engine, no archive. */
export async function copyStore(source: EntityStore, target: EntityStore, options: StoreCopyOptions): Promise<StoreCopy> {
  const entities = (options.entities ?? source.mapping.entities.map(({ name }) => name)).map((entity) => ({ entity }))
  const { batches, sequences, descriptors } = await readAll(source, entities)

  const into = await target.openTarget({ entities, restoreId: randomUUID() })
  try {
    const items = referenceOrder(
      descriptors.map((record): MergeItem => ({
        record,
        entity: record.name,
        policy: 'fail',
        mode: options.mode,
        lines: lineSource(batches.get(record.name) ?? []),
      })),
    )
    if (options.mode === 'staged') {
      for (const item of items) {
        const report = await into.stage(item)
        if (report.problems.length > 0) throw new Error(`staging ${item.entity}: ${JSON.stringify(report.problems)}`)
      }
    }
    await into.merge(items, { sequences })
  } finally {
    await into.close()
  }
  await target.afterRestore?.()
  return {
    rows: Object.fromEntries(descriptors.map(({ name }) => [name, lineSource(batches.get(name) ?? []).rows])),
    lines: Object.fromEntries(descriptors.map(({ name }) => [name, Buffer.concat(batches.get(name) ?? []).toString('utf8')])),
  }
}

async function readAll(source: EntityStore, entities: readonly { readonly entity: string }[]) {
  const view = await source.openView({ entities })
  try {
    const batches = new Map<string, Uint8Array[]>()
    for (const { entity } of entities) {
      const read: Uint8Array[] = []
      for await (const batch of view.read(entity, { from: null, to: null })) read.push(batch.bytes)
      batches.set(entity, read)
    }
    const sequences: readonly SequenceState[] = await view.sequences()
    return { batches, sequences, descriptors: view.entities }
  } finally {
    await view.close()
  }
}

function lineSource(batches: readonly Uint8Array[]): LineSource {
  const rows = batches.reduce((sum, batch) => sum + batch.filter((byte) => byte === 0x0a).length, 0)
  return {
    rows,
    async *open() {
      yield* batches
    },
  }
}
