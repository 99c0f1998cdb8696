import type { Manifest } from '../archive/index.ts'
import type { ChunkStore } from '../archive/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type { KeptFailures } from '../restore/index.ts'
import { Closure } from './closure.ts'
import { type SelectedSnapshot, selectedOf } from './select-rows.ts'

export interface SelectRecordsOptions extends AbortableOptions {
  readonly manifest: Manifest
  readonly chunks: (bucket: string) => Promise<ChunkStore>
  readonly records: KeptFailures['records']
  readonly entities: KeptFailures['entities']
}

/** Records by their keys in the snapshot, as a restore has left them out. @throws `E_SELECTION` when the snapshot does not have one */
export async function selectRecords({ manifest, chunks, records, entities, signal }: SelectRecordsOptions): Promise<SelectedSnapshot> {
  const closure = new Closure({ manifest, chunks, find: () => null, picks: [], related: undefined, signal })
  for (const entity of manifest.entities) {
    const { store, name } = entity.descriptor
    const keys = records.filter((record) => record.store === store && record.entity === name).map(({ key }) => key)
    if (keys.length > 0) closure.ask(entity, keys)
  }
  await closure.follow()
  return selectedOf(manifest, closure, new Map(), ({ store, name }) => {
    const known = entities.find((each) => each.store === store && each.entity === name)
    return { fields: known?.fields, onlyParents: known?.onlyParents === true }
  })
}
