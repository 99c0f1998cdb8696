import { NOTHING_ERASED } from '../../src/erasure/index.ts'
import { holdersOf, importSnapshot, openBundle, openBundleSource, exportSnapshot } from '../../src/bundle/index.ts'
import type { ByteSink } from '../../src/files/index.ts'
import { type EncryptionOptions, type Manifest, openRepository, type RepositoryScope } from '../../src/archive/index.ts'
import { memoryStorage } from '../../adapters/memory/index.ts'
import type { KeyProvider, StorageAdapter } from '../../src/contracts/index.ts'
import type { ByteSource } from '../../src/bundle/byte-source.ts'
import { corrupt } from '../../src/archive/index.ts'

/** A sink in memory. */
export function memorySink(): ByteSink & { readonly bytes: () => Buffer; state: 'open' | 'finished' | 'aborted' } {
  const pieces: Buffer[] = []
  return {
    name: 'memory',
    state: 'open',
    bytes: () => Buffer.concat(pieces),
    async write(bytes) {
      pieces.push(Buffer.from(bytes))
    },
    async finish() {
      this.state = 'finished'
    },
    async abort() {
      this.state = 'aborted'
    },
  }
}

export function memorySource(bytes: Buffer): ByteSource {
  return {
    name: 'bundle',
    bytes: bytes.byteLength,
    modifiedAt: 0,
    async read(start, length) {
      const read = Buffer.from(bytes.subarray(start, start + length))
      if (read.byteLength !== length) throw corrupt('bundle', 'is shorter')
      return read
    },
    async close() {},
  }
}

/** The bytes of a bundle of a snapshot. */
export async function bundleOf(manifest: Manifest, scope: RepositoryScope, recipients: readonly KeyProvider[] | null = null): Promise<Buffer> {
  const sink = memorySink()
  await exportSnapshot({ manifest, chunks: async () => scope.chunks, erased: NOTHING_ERASED }, sink, { recipients })
  return sink.bytes()
}

/** Imports the bytes of a bundle, as the service does. */
export async function importBytes(
  bytes: Buffer,
  {
    storage = memoryStorage(),
    identities = [],
    encryption,
  }: { storage?: StorageAdapter; identities?: readonly KeyProvider[]; encryption?: EncryptionOptions } = {},
) {
  const reader = await openBundleSource(memorySource(bytes), {})
  const holders = await holdersOf(reader.storage, {})
  const bundle = await openBundle(reader.storage, { holders, identities })
  const repository = await openRepository({ storage, create: true, encryption })
  const imported = await importSnapshot(bundle, { repository, scope: repository.scopeOf(bundle.manifest.tenant), bucket: 'main' }, {})
  return { ...imported, repository }
}
