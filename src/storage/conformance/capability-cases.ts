import assert from 'node:assert/strict'
import { openRepository } from '../../archive/repository.ts'
import { isHoldfastError } from '../../kernel/errors.ts'
import { mapOrdered } from '../../kernel/map-ordered.ts'
import { assertRefused, assertSameBytes, type ConformanceCase, createOnly, namesBelow, noise, sha256 } from './harness.ts'

const RACERS = 32
const PARALLEL = 16

/** A case for each capability where it is there, and one where it is absent. */
export const capabilityCases: readonly ConformanceCase[] = [
  {
    name: 'never overwrites with ifAbsent',
    requires: 'conditionalPut',
    async run({ storage, other, prefix }) {
      const first = noise(1000)
      await storage.put(`${prefix}once`, first, createOnly)
      await assertRefused(storage.put(`${prefix}once`, noise(1000), createOnly), 'E_STORAGE_EXISTS', 'a second put')
      await assertRefused(other.put(`${prefix}once`, noise(10), createOnly), 'E_STORAGE_EXISTS', 'a second put through another connection')
      await assertRefused(storage.put(`${prefix}once`, first, createOnly), 'E_STORAGE_EXISTS', 'a second put of the same bytes')
      assertSameBytes(await storage.get(`${prefix}once`), first, 'after the refused puts')
    },
  },
  {
    name: `lets exactly one of ${RACERS} racing writers win`,
    requires: 'conditionalPut',
    async run({ storage, other, prefix }) {
      for (let round = 0; round < 3; round++) {
        const key = `${prefix}race-${round}`
        const bodies = Array.from({ length: RACERS }, () => noise(20_000))
        const outcomes = await Promise.allSettled(bodies.map((body, i) => (i % 2 ? storage : other).put(key, body, createOnly)))
        const winners = bodies.filter((_, i) => outcomes[i]!.status === 'fulfilled')
        assert.equal(winners.length, 1, 'winners')
        for (const outcome of outcomes)
          assert.ok(outcome.status === 'fulfilled' || isHoldfastError(outcome.reason, 'E_STORAGE_EXISTS'), 'a loser is told E_STORAGE_EXISTS')
        assertSameBytes(await storage.get(key), winners[0]!, "the winner's bytes")
      }
    },
  },
  {
    name: 'refuses ifAbsent, and a repository, without conditionalPut',
    absent: 'conditionalPut',
    async run({ storage, prefix }) {
      await assertRefused(storage.put(`${prefix}once`, noise(10), createOnly), 'E_CAPABILITY', 'put with ifAbsent')
      assert.equal(await storage.stat(`${prefix}once`), null, 'the refused put')
      await assertRefused(openRepository({ storage, prefix, create: true }), 'E_CAPABILITY', 'openRepository')
    },
  },
  {
    name: 'reads ranges',
    requires: 'rangeRead',
    async run({ storage, prefix, fresh }) {
      const body = noise(100_000)
      await storage.put(`${prefix}ranges`, body, fresh)
      const ranges = [
        [0, 1],
        [0, 100_000],
        [99_999, 100_000],
        [40_000, 70_001],
        [99_990, 200_000],
        [0, 100_001],
      ] as const
      for (const [start, end] of ranges)
        assertSameBytes(await storage.get(`${prefix}ranges`, { range: { start, end } }), body.subarray(start, end), `${start} to ${end}`)
      await assertRefused(storage.get(`${prefix}absent`, { range: { start: 0, end: 10 } }), 'E_ARCHIVE_MISSING', 'a range of nothing')
      await storage.put(`${prefix}empty`, noise(0), fresh)
      assert.equal((await storage.get(`${prefix}empty`, { range: { start: 0, end: 10 } })).byteLength, 0, 'a range of an empty object')
    },
  },
  {
    name: 'refuses ranges without rangeRead',
    absent: 'rangeRead',
    async run({ storage, prefix, fresh }) {
      await storage.put(`${prefix}ranges`, noise(100), fresh)
      await assertRefused(storage.get(`${prefix}ranges`, { range: { start: 0, end: 10 } }), 'E_CAPABILITY', 'get of a range')
    },
  },
  {
    name: 'acknowledges only bytes of the announced SHA-256',
    requires: 'checksumOnPut',
    async run({ storage, prefix }) {
      const body = noise(50_000)
      await assertRefused(storage.put(`${prefix}sum`, body, { ifAbsent: false, sha256: sha256(noise(8)) }), 'E_STORAGE', 'a wrong sum')
      assert.equal(await storage.stat(`${prefix}sum`), null, 'the refused put')
      await storage.put(`${prefix}sum`, body, { ifAbsent: false, sha256: sha256(body) })
    },
  },
  {
    name: 'lists every object at once, in the order of the names',
    requires: 'strongList',
    async run({ storage, other, prefix, pageObjects }) {
      const special = ['a', 'a-b', 'a/b', 'a/b-c', 'a/b/c', 'a0', 'aa', 'B', 'z.z', 'z/1']
      const many = Array.from({ length: pageObjects }, (_, i) => `many/${String(i).padStart(6, '0')}`)
      const expected = [...special.filter((name) => name !== 'a' && name !== 'a/b'), ...many].map((name) => `${prefix}${name}`).sort()
      for await (const _ of mapOrdered(expected, PARALLEL, (key) => storage.put(key, noise(3), { ifAbsent: false })));
      assert.deepEqual(await namesBelow(other, prefix), expected, 'all names')
      assert.deepEqual(
        await namesBelow(storage, `${prefix}a`),
        expected.filter((key) => key.startsWith(`${prefix}a`)),
        'an unfinished prefix',
      )
      assert.deepEqual(await namesBelow(storage, `${prefix}a/`), [`${prefix}a/b-c`, `${prefix}a/b/c`], 'a folder')
      assert.deepEqual(await namesBelow(storage, `${prefix}absent/`), [], 'an absent folder')
      for await (const stat of storage.list(prefix)) assert.equal(stat.bytes, 3, `bytes of ${stat.key}`)
      const [gone, ...left] = expected
      await storage.delete([gone!])
      assert.deepEqual(await namesBelow(other, prefix), left, 'after a delete')
    },
  },
  {
    name: 'may be left in the middle of a listing',
    requires: 'strongList',
    async run({ storage, prefix }) {
      for (const name of ['1', '2', '3']) await storage.put(`${prefix}${name}`, noise(1), { ifAbsent: false })
      for await (const { key } of storage.list(prefix)) {
        assert.equal(key, `${prefix}1`)
        break
      }
      await assertRefused(namesBelow(storage, prefix, { signal: AbortSignal.abort() }), 'E_ABORTED', 'an aborted listing')
    },
  },
  {
    name: 'refuses a repository without strongList',
    absent: 'strongList',
    async run({ storage, prefix }) {
      await assertRefused(openRepository({ storage, prefix, create: true }), 'E_CAPABILITY', 'openRepository')
    },
  },
]
