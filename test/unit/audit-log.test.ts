import { expect, test } from 'vitest'
import type { AuditEntry, RepositoryScope } from '../../src/archive/index.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import { memoryRepository } from '../support/archive-rig.ts'

async function entriesOf({ audit }: RepositoryScope): Promise<AuditEntry[]> {
  const entries: AuditEntry[] = []
  for await (const id of audit.ids()) entries.push(await audit.read(id))
  return entries
}

test('more snapshots than an entry takes are noted in several, none left out', async () => {
  const scope = (await memoryRepository()).scope()
  const snapshots = Array.from({ length: 2500 }, () => uuidv7())
  await scope.audit.write({ act: 'pruned', snapshots, by: 'ada' })
  const entries = await entriesOf(scope)
  expect(entries.map(({ act, by, snapshots: of }) => [act, by, of.length])).toEqual([
    ['pruned', 'ada', 1000],
    ['pruned', 'ada', 1000],
    ['pruned', 'ada', 500],
  ])
  expect(entries.flatMap(({ snapshots: of }) => of)).toEqual(snapshots)
  expect(new Set(entries.map(({ at }) => at)).size).toBe(1)
})

test('an act that is about no snapshot is noted, too', async () => {
  const scope = (await memoryRepository()).scope()
  await scope.audit.write({ act: 'hold-released', holdId: uuidv7() })
  expect(await entriesOf(scope)).toMatchObject([{ act: 'hold-released', snapshots: [] }])
})
