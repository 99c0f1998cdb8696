import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createChunkEncoder, ReferenceSearch } from '../../src/archive/index.ts'
import { keySpans } from '../../src/archive/key-scanner.ts'
import { bloomMayHold, BLOOM_HASHES, buildBloom, referenceHash } from '../../src/archive/reference-bloom.ts'
import { memoryRepository, recordOf } from '../support/archive-rig.ts'
import { joined, makeBatch } from '../support/record-batches.ts'

const keyValue = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.array(fc.oneof(fc.string(), fc.integer()), { maxLength: 3 }),
)
const fieldName = fc.string({ minLength: 1, maxLength: 8 })

describe('chunks', () => {
  test('give back any lines, and find any of their records', async () => {
    const { chunks } = (await memoryRepository()).scope()
    const shape = fc.record({
      names: fc
        .uniqueArray(fieldName, { minLength: 2, maxLength: 4 })
        .filter((names) => names.every((name) => !/^(?:0|[1-9][0-9]*)$/.test(name) && name !== '__proto__')),
      keys: fc.integer({ min: 1, max: 2 }),
      batches: fc.array(fc.array(fc.array(fc.oneof(keyValue, fc.constant(null)), { minLength: 4, maxLength: 4 }), { minLength: 1, maxLength: 8 }), {
        minLength: 1,
        maxLength: 5,
      }),
      compression: fc.constantFrom('zstd' as const, 'gzip' as const, 'none' as const),
    })
    await fc.assert(
      fc.asyncProperty(shape, async ({ names, keys, batches, compression }) => {
        const key = names.slice(0, keys)
        const references = names.slice(keys, keys + 1)
        const encoder = createChunkEncoder({ compression, level: 1, references })
        const made = batches.map((rows) =>
          makeBatch(
            rows.map((values) => Object.fromEntries(names.map((name, i) => [name, values[i]]))),
            { key, references },
          ),
        )
        for (const batch of made) await encoder.append(batch)
        const { ref, firstKey, lastKey } = await chunks.put(await encoder.finish())
        expect(Buffer.compare(await joined(chunks.read(ref)), Buffer.concat(made.map(({ bytes }) => bytes)))).toBe(0)

        const records = batches.flat().map((values) => Object.fromEntries(names.map((name, i) => [name, values[i]])))
        const texts = records.map((record) => JSON.stringify(key.map((name) => record[name])))
        const index = await chunks.readIndex(ref)
        expect([...index.keys()]).toEqual(texts)
        expect(texts.map((_, row) => index.keyAt(row))).toEqual(texts)
        expect([firstKey, lastKey]).toEqual([texts[0], texts.at(-1)])
        for (const [i, text] of texts.entries()) {
          const place = index.find(text)!
          expect(place.row).toBe(texts.indexOf(text))
          if (place.row === i) expect(JSON.parse((await recordOf(chunks, ref, text))!)).toEqual(JSON.parse(JSON.stringify(records[i])))
          for (const name of references) {
            if (records[i]![name] === null) continue
            const value = JSON.stringify(records[i]![name])
            expect(index.mayReference(name, value)).toBe(true)
            const search = new ReferenceSearch([{ field: name, values: ['"a"', value, '1'] }])
            expect(search.mayBeIn(ref)).toBe(true)
            expect(search.frames(index)).toContain(frameOf(batches, i))
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})

/** Which of the batches has the row of that number: each becomes a frame. */
function frameOf(batches: readonly (readonly unknown[])[], row: number): number {
  let before = 0
  return batches.findIndex((batch) => row < (before += batch.length))
}

describe('key spans', () => {
  test('are those of the values, whatever the names and values hold', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ unit: 'binary' }), keyValue), { minLength: 1, maxLength: 5 }), fc.nat(20), (fields, offset) => {
        const text = `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}`
        const bytes = Buffer.concat([Buffer.alloc(offset, '"'), Buffer.from(`${text},"more":[1,"x"]}\n`)])
        const spans = keySpans(bytes, offset, offset + Buffer.byteLength(text))
        const values = Array.from({ length: spans.length / 2 }, (_, i) => bytes.toString('utf8', spans[2 * i], spans[2 * i + 1]))
        expect(values).toEqual(fields.map(([, value]) => JSON.stringify(value)))
      }),
      { numRuns: 2000 },
    )
  })

  test('end for any bytes at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(keySpans(bytes, 0, bytes.byteLength).length).toBeLessThanOrEqual(2 * bytes.byteLength)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a Bloom filter', () => {
  test('never denies what it holds, and denies most of the rest', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1, maxLength: 300 }), (values) => {
        const hashOf = (value: number) => {
          const bytes = Buffer.from(String(value))
          return referenceHash(bytes, 0, bytes.byteLength)
        }
        const words = buildBloom(Uint32Array.from(values, hashOf))
        for (const value of values) expect(bloomMayHold(words, BLOOM_HASHES, hashOf(value))).toBe(true)
      }),
    )
    const words = buildBloom(Uint32Array.from({ length: 10_000 }, (_, i) => referenceHash(Buffer.from(`"${i}"`), 0, Buffer.byteLength(`"${i}"`))))
    const others = Array.from({ length: 10_000 }, (_, i) => Buffer.from(`"other ${i}"`)).filter((bytes) =>
      bloomMayHold(words, BLOOM_HASHES, referenceHash(bytes, 0, bytes.byteLength)),
    )
    expect(others.length).toBeLessThan(200)
  })
})
