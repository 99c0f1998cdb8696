import assert from 'node:assert/strict'
import type { CapabilityName } from '../../contracts/capability-requirement.ts'
import type { PlaceFacts } from '../../contracts/storage-adapter.ts'
import { isHoldfastError } from '../../kernel/errors.ts'
import { assertRefused, type ConformanceCase, type ConformanceHarness, noise } from './harness.ts'

/** What an adapter says of its place, and what follows from it. */
export const placeCases: readonly ConformanceCase[] = [
  ...(['objectLock', 'versioning'] as const).flatMap((capability) => [tells(capability), tellsNothingOf(capability)]),
  {
    name: 'lets go of what it may, and says E_PERMISSION of what it must keep',
    requires: 'objectLock',
    async run({ storage, other, prefix, fresh }) {
      const key = `${prefix}kept-perhaps`
      await storage.put(key, noise(10), fresh)
      const denied = await storage.delete([key]).then(
        () => false,
        (error: unknown) => isHoldfastError(error, 'E_PERMISSION') || Promise.reject(error),
      )
      if (denied) assert.ok(await other.stat(key), 'an object whose delete was denied')
      else await assertRefused(other.get(key), 'E_ARCHIVE_MISSING', 'an object that was deleted')
    },
  },
  {
    name: 'stores nothing that must be brought back before it can be read',
    requires: 'lifecycleTiers',
    async run({ storage, prefix, fresh }) {
      await storage.put(`${prefix}warm`, noise(10), fresh)
      assert.equal((await storage.stat(`${prefix}warm`))?.archived, undefined, 'stat')
      for await (const stat of storage.list(prefix)) assert.equal(stat.archived, undefined, `listing of ${stat.key}`)
    },
  },
  {
    name: 'tells used and free bytes, where it tells any',
    async run({ storage, prefix }) {
      if (!storage.quota) return
      await storage.put(`${prefix}weight`, noise(100_000), { ifAbsent: false })
      const { usedBytes, freeBytes } = await storage.quota()
      assert.ok(usedBytes >= 100_000, `${usedBytes} bytes are said to be used where 100000 were stored`)
      assert.ok(Number.isSafeInteger(freeBytes) && freeBytes >= 0, `${freeBytes} bytes are said to be free`)
    },
  },
]

function tells(capability: CapabilityName & keyof PlaceFacts): ConformanceCase {
  return {
    name: `tells of the place whether it has ${capability}, or that it cannot tell`,
    requires: capability,
    async run({ storage }) {
      const facts = await storage.place?.()
      assert.ok(facts, '`place` is not there')
      assert.ok([true, false, null].includes(facts[capability]), `${capability} is ${String(facts[capability])}`)
    },
  }
}

function tellsNothingOf(capability: CapabilityName & keyof PlaceFacts): ConformanceCase {
  return {
    name: `says nothing of ${capability}, which it does not know`,
    absent: capability,
    async run({ storage }: ConformanceHarness) {
      assert.notEqual((await storage.place?.())?.[capability], true)
    },
  }
}
