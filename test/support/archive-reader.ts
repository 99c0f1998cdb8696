import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Manifest } from '../../src/archive/index.ts'
import { ROOT } from '../architecture/source-files.ts'

export const READER = join(ROOT, 'samples/reader/read-archive.mjs')

/** A key as the one-file reader takes it. */
export type ReaderKey = { readonly kind: string }

/** The one-file reader, as a module. */
export interface ArchiveReader {
  snapshots(folder: string, keys?: readonly ReaderKey[], tenant?: string | null): Iterable<Manifest>
  snapshot(folder: string, id: string, keys?: readonly ReaderKey[], tenant?: string | null): Manifest
  records(folder: string, manifest: Manifest, entity: string, chunkFolder?: string, keys?: readonly ReaderKey[]): Iterable<Uint8Array>
  keyFile(path: string): ReaderKey
  passphrase(text: string): ReaderKey
  recipient(privateKey: string): ReaderKey
}

export async function archiveReader(): Promise<ArchiveReader> {
  return (await import(pathToFileURL(READER).href)) as ArchiveReader
}
