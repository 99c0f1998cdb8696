import type { StorageAdapter } from '../contracts/storage-adapter.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type { KeyWrap } from './key-record.ts'
import { createKeyRing } from './key-ring.ts'
import { REPOSITORY_KEYS } from './object-names.ts'
import { createObjectSpace } from './object-space.ts'
import { isEncrypted, openRepositoryFile } from './repository-file.ts'

/** Who can open an encrypted repository, as it says itself in clear; null when it is not encrypted. No key is needed. @throws `E_ARCHIVE_MISSING`, `E_ARCHIVE_CORRUPT`, `E_ARCHIVE_FORMAT` */
export async function keyHolders(storage: StorageAdapter, prefix: string, options: AbortableOptions): Promise<readonly Omit<KeyWrap, 'wrapped'>[] | null> {
  const file = await openRepositoryFile(storage, prefix, null, options)
  if (!isEncrypted(file)) return null
  const space = createObjectSpace(storage, prefix, file.repositoryId)
  const ring = createKeyRing({ space, folder: REPOSITORY_KEYS, purpose: 'repository', scope: null, providers: [], root: null })
  const records = await ring.records(options)
  return records.at(-1)?.wraps.map(({ kind, reference }) => ({ kind, reference })) ?? []
}
