import assert from 'node:assert/strict'
import { assertRefused, assertSameBytes, type ConformanceCase, noise, sha256 } from './harness.ts'

const SIZES = [0, 1, 4096, 65_537, 3 * 1024 * 1024 + 1]
const LONGEST_SEGMENT = 200
const CLOCK_TOLERANCE_MS = 5 * 60 * 1000

/** Storing, reading and deleting single objects. */
export const objectCases: readonly ConformanceCase[] = [
  {
    name: 'gives back what was stored, in every size',
    async run({ storage, other, prefix, fresh }) {
      for (const size of SIZES) {
        const body = noise(size)
        await storage.put(`${prefix}size-${size}`, body, { ...fresh, sha256: sha256(body) })
        assertSameBytes(await storage.get(`${prefix}size-${size}`), body, `${size} bytes`)
        assertSameBytes(await other.get(`${prefix}size-${size}`), body, `${size} bytes, through another connection`)
        assert.equal((await other.stat(`${prefix}size-${size}`))?.bytes, size, 'stat')
      }
    },
  },
  {
    name: 'joins the pieces of a body',
    async run({ storage, prefix, fresh }) {
      const pieces = [noise(10), noise(0), noise(100_000), noise(1)]
      const whole = Buffer.concat(pieces)
      await storage.put(`${prefix}pieces`, pieces, { ...fresh, sha256: sha256(whole) })
      assertSameBytes(await storage.get(`${prefix}pieces`), whole, 'four pieces')
      const many = Array.from({ length: 2500 }, (_, n) => noise(n % 5))
      await storage.put(`${prefix}many-pieces`, many, fresh)
      assertSameBytes(await storage.get(`${prefix}many-pieces`), Buffer.concat(many), 'many pieces, some empty')
      await storage.put(`${prefix}no-pieces`, [], fresh)
      assert.equal((await storage.get(`${prefix}no-pieces`)).byteLength, 0, 'no pieces')
    },
  },
  {
    name: 'stores bytes that are given up, freed or not',
    async run({ storage, prefix, fresh }) {
      const pieces = [noise(100_000), noise(16), noise(100_000)].map((piece) => Uint8Array.from(piece))
      const whole = Buffer.concat(pieces)
      await storage.put(`${prefix}given`, pieces, { ...fresh, sha256: sha256(whole), transfer: true })
      assertSameBytes(await storage.get(`${prefix}given`), whole, 'three pieces')
    },
  },
  {
    name: 'shares no memory with its caller',
    async run({ storage, prefix, fresh }) {
      const body = noise(1000)
      const kept = Buffer.from(body)
      await storage.put(`${prefix}own`, body, fresh)
      body.fill(0)
      const read = await storage.get(`${prefix}own`)
      assertSameBytes(read, kept, 'after the stored bytes were changed')
      read.fill(0)
      assertSameBytes(await storage.get(`${prefix}own`), kept, 'after the read bytes were changed')
    },
  },
  {
    name: 'says what is not there',
    async run({ storage, prefix }) {
      await assertRefused(storage.get(`${prefix}absent`), 'E_ARCHIVE_MISSING', 'get')
      await assertRefused(storage.get(`${prefix}no/such/folder`), 'E_ARCHIVE_MISSING', 'get below an absent folder')
      assert.equal(await storage.stat(`${prefix}absent`), null, 'stat')
      assert.equal(await storage.stat(`${prefix}no/such/folder`), null, 'stat below an absent folder')
      await storage.delete([`${prefix}absent`, `${prefix}no/such/folder`])
    },
  },
  {
    name: 'takes a folder for no object',
    async run({ storage, prefix, fresh }) {
      await storage.put(`${prefix}folder/object`, noise(5), fresh)
      await assertRefused(storage.get(`${prefix}folder`), 'E_ARCHIVE_MISSING', 'get')
      assert.equal(await storage.stat(`${prefix}folder`), null, 'stat')
      await storage.delete([`${prefix}folder`])
      assert.equal((await storage.get(`${prefix}folder/object`)).byteLength, 5, 'after deleting the folder as if it were an object')
    },
  },
  {
    name: 'dates objects by a sane clock',
    async run({ storage, prefix, fresh }) {
      const before = Date.now()
      await storage.put(`${prefix}dated`, noise(1), fresh)
      const stat = await storage.stat(`${prefix}dated`)
      assert.ok(stat && Math.abs(stat.modifiedAt - before) < CLOCK_TOLERANCE_MS, `modifiedAt is ${stat?.modifiedAt}, here it is ${before}`)
    },
  },
  {
    name: 'replaces an object when it is allowed to',
    async run({ storage, other, prefix }) {
      await storage.put(`${prefix}replaced`, noise(5000), { ifAbsent: false })
      const second = noise(20)
      await storage.put(`${prefix}replaced`, second, { ifAbsent: false })
      assertSameBytes(await other.get(`${prefix}replaced`), second, 'after the second put')
    },
  },
  {
    name: 'deletes, and lets the name be used again',
    async run({ storage, other, prefix, fresh }) {
      const keys = ['a', 'b', 'deep/er/c'].map((name) => `${prefix}${name}`)
      for (const key of keys) await storage.put(key, noise(3), fresh)
      await storage.delete(keys)
      for (const key of keys) {
        await assertRefused(other.get(key), 'E_ARCHIVE_MISSING', `get ${key}`)
        await storage.put(key, noise(4), fresh)
      }
      await storage.delete([])
    },
  },
  {
    name: 'is never seen half-written',
    async run({ storage, other, prefix, fresh }) {
      for (let round = 0; round < 4; round++) {
        const key = `${prefix}half-${round}`
        const body = noise(4 * 1024 * 1024)
        const state = { done: false }
        const put = storage.put(key, body, fresh).finally(() => (state.done = true))
        while (!state.done) {
          const stat = await other.stat(key)
          if (stat) assertSameBytes(await other.get(key), body, 'read while it was being written')
          await new Promise((resolve) => setImmediate(resolve)) // a put that waits for a timer must get its turn, also where every other call answers at once
        }
        await put
      }
    },
  },
  {
    name: 'stores names as long as it says',
    async run({ storage, prefix, fresh }) {
      const room = Math.min(storage.capabilities.maxKeyBytes, 600) - prefix.length
      assert.ok(room >= LONGEST_SEGMENT, `maxKeyBytes of ${storage.capabilities.maxKeyBytes} is too little for a repository`)
      let name = ''
      while (name.length < room) name += name.length % (LONGEST_SEGMENT + 1) === LONGEST_SEGMENT ? '/' : 'n'
      const key = `${prefix}${name.replace(/\/$/, '')}`
      await storage.put(key, noise(7), fresh)
      assert.equal((await storage.get(key)).byteLength, 7)
    },
  },
  {
    name: 'does nothing when aborted',
    async run({ storage, prefix, fresh }) {
      const signal = AbortSignal.abort()
      await storage.put(`${prefix}there`, noise(3), fresh)
      await assertRefused(storage.put(`${prefix}aborted`, noise(3), { ...fresh, signal }), 'E_ABORTED', 'put')
      await assertRefused(storage.get(`${prefix}there`, { signal }), 'E_ABORTED', 'get')
      await assertRefused(storage.delete([`${prefix}there`], { signal }), 'E_ABORTED', 'delete')
      assert.equal(await storage.stat(`${prefix}aborted`), null, 'the aborted put')
      assert.ok(await storage.stat(`${prefix}there`), 'the aborted delete')
    },
  },
]
