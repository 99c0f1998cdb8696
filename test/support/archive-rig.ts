import { memoryStorage } from '../../adapters/memory/index.ts'
import {
  type ChunkRef,
  type ChunkStore,
  createChunkEncoder,
  type EncodedChunk,
  findRecord,
  type Manifest,
  openRepository,
  type Repository,
  schemaFingerprint,
  type StoredChunk,
} from '../../src/archive/index.ts'
import type { EntityDescriptor, KeyText, StorageAdapter } from '../../src/contracts/index.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import type { Compression } from '../../src/plan/backup-policy.ts'
import { makeBatch } from './record-batches.ts'

export async function memoryRepository(storage: StorageAdapter = memoryStorage()): Promise<Repository> {
  return await openRepository({ storage, create: true })
}

/** A chunk of orders, numbered from `first`, in two frames when there is more than one. */
export async function ordersChunk(first: number, rows: number, options: { compression?: Compression; level?: number } = {}): Promise<EncodedChunk> {
  const encoder = createChunkEncoder({ compression: 'zstd', level: 3, references: ['customer.id'], ...options })
  const records = Array.from({ length: rows }, (_, i) => ({
    id: first + i,
    'customer.id': (first + i) % 5 === 0 ? null : (first + i) % 7,
    note: `order ${first + i}`,
  }))
  const half = Math.ceil(rows / 2)
  for (const part of [records.slice(0, half), records.slice(half)]) await encoder.append(makeBatch(part, { key: ['id'], references: ['customer.id'] }))
  return await encoder.finish()
}

/** The line of one record of a chunk, without its 0x0A; null when it has no such key. */
export async function recordOf(chunks: ChunkStore, ref: ChunkRef, key: KeyText): Promise<string | null> {
  const line = await findRecord(chunks, { layers: [ref], rows: ref.rows, sha256: ref.sha256 }, key)
  return line && Buffer.from(line).toString()
}

export const ordersDescriptor: EntityDescriptor = {
  store: 'default',
  name: 'Order',
  kind: 'entity',
  schema: 'public',
  table: 'orders',
  fields: [
    { path: 'id', column: 'id', type: { kind: 'int' }, dbType: 'integer', nullable: false, optional: true, generation: 'identity' },
    { path: 'customer.id', column: 'customer_id', type: { kind: 'int' }, dbType: 'integer', nullable: true, optional: false },
    { path: 'note', column: 'note', type: { kind: 'array', element: { kind: 'text' }, delimiter: ',' }, dbType: 'text[]', nullable: true, optional: false },
  ],
  key: ['id'],
  references: [{ fields: ['customer.id'], entity: 'Customer', table: 'customers', columns: ['id'] }],
  uniques: [],
}

/** A manifest whose only entity has these chunks, in key order, one a range. */
export function ordersManifest(repository: Repository, chunks: readonly StoredChunk[], snapshotId: string = uuidv7()): Manifest {
  const ranges = chunks.map(({ ref, firstKey, lastKey }, i) => ({
    from: i === 0 ? null : firstKey,
    to: chunks[i + 1]?.firstKey ?? null,
    rows: ref.rows,
    sha256: ref.sha256,
    firstKey,
    lastKey,
    layers: [ref],
    evidence: 0,
  }))
  const sum = (of: (chunk: StoredChunk) => number) => chunks.reduce((total, chunk) => total + of(chunk), 0)
  const sizes = { rows: sum(({ ref }) => ref.rows), plainBytes: sum(({ ref }) => ref.plainBytes), storedBytes: sum(({ ref }) => ref.storedBytes) }
  const at = '2026-11-21T10:00:00.000Z'
  return {
    format: 1,
    requiredFeatures: [],
    repositoryId: repository.id,
    snapshotId,
    plan: { id: 'shop', digest: 'ab'.repeat(32), description: 'Orders' },
    series: 'shop',
    kind: 'full',
    parent: null,
    scope: null,
    times: { startedAt: at, viewAt: '2026-11-21T10:00:00.123456Z', committedAt: at },
    stores: [
      {
        name: 'default',
        orm: 'typeorm 1.1.1',
        source: { dialect: 'postgres', serverVersion: '17.6', database: 'shop', systemId: '7' },
        consistency: { level: 'snapshot', method: 'repeatable-read', point: '0/16B3748', at },
        migrations: ['Init1'],
        sequences: [{ entity: 'Order', field: 'id', lastValue: '12' }],
      },
    ],
    consistency: { level: 'snapshot', window: { from: at, to: at }, warnings: [] },
    schemaFingerprint: schemaFingerprint([ordersDescriptor]),
    entities: [
      {
        descriptor: ordersDescriptor,
        bucket: 'main',
        ...sizes,
        change: { method: 'xmin', evidence: [{ method: 'xmin', values: { xmin: '77' } }], reused: 0, read: ranges.length },
        ranges,
        sensitive: [],
        ignored: [],
      },
    ],
    totals: { entities: 1, ...sizes, chunks: chunks.length },
    trigger: 'manual',
    metadata: { reason: 'test' },
    tool: { name: 'holdfast', version: '0.1.0' },
  }
}
