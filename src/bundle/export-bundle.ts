import { type Manifest, openRepository } from '../archive/index.ts'
import type { KeyProvider } from '../contracts/key-provider.ts'
import { type BundleWriter, createBundleWriter, type WrittenBundle } from './bundle-writer.ts'
import type { ByteSink } from '../files/index.ts'
import { transferSnapshot, type TransferOptions, type TransferSource } from './transfer-snapshot.ts'

/** What a bundle calls the place of its chunks. */
const BUCKET = 'bundle'

export interface ExportSnapshotOptions extends TransferOptions {
  /** Who can open the bundle; null for a plain one. */
  readonly recipients: readonly KeyProvider[] | null
}

/** Writes a snapshot into a bundle, a repository of its own with keys of its own, and makes it visible when it is whole. Nothing is left of one that fails. */
export async function exportSnapshot(
  source: TransferSource,
  sink: ByteSink,
  { recipients, signal, ...options }: ExportSnapshotOptions,
): Promise<WrittenBundle & { readonly manifest: Manifest }> {
  try {
    const writer: BundleWriter = createBundleWriter(sink)
    const repository = await openRepository({
      storage: writer.storage,
      create: true,
      sealOnly: true,
      signal,
      ...(recipients ? { encryption: { providers: recipients } } : {}),
    })
    const scope = repository.scopeOf(source.manifest.tenant)
    const manifest = await transferSnapshot(source, { repository, scope, bucket: BUCKET }, { ...options, signal })
    const written = await writer.finish()
    await sink.finish()
    return { ...written, manifest }
  } catch (error) {
    await sink.abort(error)
    throw error
  }
}
