import { openRepository, readRange } from '../../../src/archive/index.ts'
import { importNdjson, ndjsonOf } from '../../../src/extract/index.ts'
import { decodeDirectory, decodeTail, encodeHead, TAIL_BYTES } from '../../../src/bundle/bundle-format.ts'
import { openBundleSource } from '../../../src/bundle/bundle-reader.ts'
import { holdersOf, openBundle } from '../../../src/bundle/open-bundle.ts'
import { sha256 } from '../../../src/archive/sha256.ts'
import { secretKey } from '../../../src/crypto/encryption.ts'
import type { ErrorCode } from '../../../src/kernel/errors.ts'
import { memoryStorage } from '../../../adapters/memory/index.ts'
import { ordersChunk, ordersManifest } from '../../support/archive-rig.ts'
import { bundleOf, memorySource } from '../../support/bundle-rig.ts'
import { mutateBytes, valueMutator } from './mutate.ts'
import type { FuzzTarget } from './targets.ts'

const DAMAGE: readonly ErrorCode[] = ['E_ARCHIVE_CORRUPT', 'E_ARCHIVE_FORMAT', 'E_ARCHIVE_MISSING']

/** Bundles: of any bytes, and with a directory whose hash fits. */
export async function bundleTargets(): Promise<FuzzTarget[]> {
  const key = secretKey(Buffer.alloc(32, 3))
  const repository = await openRepository({ storage: memoryStorage(), create: true })
  const scope = repository.scope()
  const manifest = ordersManifest(repository, [await scope.chunks.put(await ordersChunk(1, 20)), await scope.chunks.put(await ordersChunk(21, 20))])
  const plain = await bundleOf(manifest, scope)
  const sealed = await bundleOf(manifest, scope, [key])
  const { directoryOffset, entries } = decodeTail(plain.subarray(-TAIL_BYTES), plain.byteLength, 'it')
  const directory = plain.subarray(directoryOffset, -TAIL_BYTES)

  async function read(bytes: Buffer, identities: readonly (typeof key)[]): Promise<void> {
    const { storage, entries: found } = await openBundleSource(memorySource(bytes), {})
    const opened = await openBundle(storage, { holders: await holdersOf(storage, {}), identities })
    for (const { ranges } of opened.manifest.entities)
      for (const { layers } of ranges) for (const layer of layers) await opened.scope.chunks.verify(layer, { level: 'plain' })
    for (const name of found.keys()) await storage.get(name)
  }

  const target = (name: string, sound: Buffer, identities: readonly (typeof key)[], codes: readonly ErrorCode[]): FuzzTarget => ({
    name,
    weight: 8,
    codes,
    async run(prng) {
      const bytes = mutateBytes(sound, prng)
      await read(bytes, identities)
      if (!bytes.equals(sound)) throw new Error('a bundle was altered, and accepted')
    },
  })
  const texts: string[] = []
  const extracted = manifest.entities.map((entity) => ({
    entity,
    hidden: new Set<string>(),
    masked: new Map(),
    async *lines() {
      for (const range of entity.ranges) yield* readRange(scope.chunks, range)
    },
  }))
  for await (const { text } of ndjsonOf(extracted, manifest, {})) texts.push(text)
  const ndjson = Buffer.from(texts.join(''))
  const headEnd = ndjson.indexOf(10)
  const headOf = valueMutator(JSON.parse(ndjson.toString('utf8', 0, headEnd)))

  async function importInto(bytes: Buffer): Promise<void> {
    const target = await openRepository({ storage: memoryStorage(), create: true })
    await importNdjson(
      (async function* () {
        yield bytes
      })(),
      { targetFor: async () => ({ repository: target, scope: target.scope(), bucket: 'main' }), onRecords: () => {} },
    )
    if (!bytes.equals(ndjson)) throw new Error('NDJSON was altered, and accepted')
  }
  return [
    { name: 'NDJSON', weight: 8, codes: [...DAMAGE, 'E_RECORD', 'E_CONFIG'], run: (prng) => importInto(mutateBytes(ndjson, prng)) },
    {
      name: 'head of NDJSON',
      weight: 8,
      codes: [...DAMAGE, 'E_RECORD', 'E_CONFIG'],
      run: (prng) => importInto(Buffer.concat([Buffer.from(JSON.stringify(headOf(prng))), ndjson.subarray(headEnd)])),
    },
    target('bundle', plain, [], DAMAGE),
    target('sealed bundle', sealed, [key], [...DAMAGE, 'E_KEY_MISSING', 'E_KEY_WRONG']),
    {
      name: 'directory of a bundle, behind its hash',
      weight: 20,
      codes: DAMAGE,
      async run(prng) {
        const changed = mutateBytes(directory, prng)
        const tail = { directoryOffset, directoryBytes: changed.byteLength, entries, sha256: sha256([encodeHead(), changed]) }
        for (const { offset, bytes } of decodeDirectory(changed, tail, 'it').values())
          if (offset + bytes > directoryOffset) throw new Error('an entry lies outside of the bundle')
      },
    },
    {
      name: 'tail of a bundle',
      weight: 6,
      codes: DAMAGE,
      run: async (prng) => void decodeTail(mutateBytes(plain.subarray(-TAIL_BYTES), prng), plain.byteLength, 'it'),
    },
  ]
}
