import { randomBytes } from 'node:crypto'
import { Type } from 'typebox'
import type { StorageAdapter } from '../contracts/storage-adapter.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { canonicalJson } from '../kernel/canonical-json.ts'
import { isHoldfastError } from '../kernel/errors.ts'
import { uuidv7 } from '../kernel/ids.ts'
import { corrupt, missing, tooNew } from './archive-error.ts'
import { createCheck } from './checked-schema.ts'
import { isSound } from './is-sound.ts'
import { LIMITS } from './limits.ts'
import { Sha256Schema, UuidSchema } from './manifest-schema.ts'
import { ENCRYPTION_FEATURE, parseJson, requireKnownFeatures } from './object-container.ts'
import { REPOSITORY_FILE } from './object-names.ts'
import { createObjectSpace, sameDigest } from './object-space.ts'
import { sha256 } from './sha256.ts'

/** `repository.json`: plain, indented JSON that a person can read; create-only. */
export interface RepositoryFile {
  readonly magic: 'holdfast'
  readonly format: 1
  /** The least format that a reader must know. */
  readonly minReader: 1
  readonly repositoryId: string
  readonly createdAt: string
  readonly requiredFeatures: readonly string[]
  /** Reserved, empty. */
  readonly keys: readonly unknown[]
  /**
   * 32 random bytes, base64. Proves that a token was not garbled or mixed up; not a defence against somebody who can read the repository. Absent where the
   * repository is encrypted: there it is derived from its key.
   */
  readonly tokenSecret?: string
  /** SHA-256 (hex) of the canonical JSON of the members above. */
  readonly sha256: string
}

const checkFile = createCheck<RepositoryFile>()(
  Type.Object({
    magic: Type.Literal('holdfast'),
    format: Type.Literal(1),
    minReader: Type.Literal(1),
    repositoryId: UuidSchema,
    createdAt: Type.String(),
    requiredFeatures: Type.Array(Type.String()),
    keys: Type.Array(Type.Unknown()),
    tokenSecret: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9+/]{43}=$' })),
    sha256: Sha256Schema,
  }),
)

/** Reads the file, or makes it when asked to. Of several processes that make it at once one wins, and all read what it wrote. */
export async function openRepositoryFile(
  storage: StorageAdapter,
  prefix: string,
  create: { readonly encrypted: boolean } | null,
  options: AbortableOptions,
): Promise<RepositoryFile> {
  const space = createObjectSpace(storage, prefix, '')
  const label = space.label(REPOSITORY_FILE)
  const accept = (bytes: Uint8Array) => isSound(() => parseRepositoryFile(bytes, label))
  const read = async () => parseRepositoryFile(await space.get(REPOSITORY_FILE, { ...options, limit: LIMITS.repositoryFileBytes, accept }), label)
  try {
    return await read()
  } catch (error) {
    if (!isHoldfastError(error, 'E_ARCHIVE_MISSING')) throw error
    if (!create) throw missing(label, 'There is no repository here. Check the location, or take a first backup, which makes one.')
  }
  const body = Buffer.from(`${JSON.stringify(newRepositoryFile(create.encrypted), null, 2)}\n`)
  const digest = sha256(body)
  try {
    await space.putNew(REPOSITORY_FILE, [body], digest, { ...options, same: sameDigest(digest), limit: LIMITS.repositoryFileBytes })
  } catch (error) {
    if (!isHoldfastError(error, 'E_STORAGE_EXISTS')) throw error
  }
  return read()
}

export function parseRepositoryFile(bytes: Uint8Array, object: string): RepositoryFile {
  const value = parseJson(bytes, object) as Partial<Record<keyof RepositoryFile, unknown>> | null
  if (typeof value !== 'object' || value === null || value.magic !== 'holdfast') throw corrupt(object, 'is not the file of a Holdfast repository')
  const { sha256: digest, ...facts } = value
  if (digest !== sha256(canonicalJson(facts))) throw corrupt(object, 'was altered')
  for (const number of [value.format, value.minReader])
    if (typeof number === 'number' && number > 1) throw tooNew(object, `repository format ${number}; this Holdfast reads format 1`)
  requireKnownFeatures(value.requiredFeatures, object)
  const file = checkFile(value, object)
  if (file.keys.length > 0) throw tooNew(object, 'holds keys; this Holdfast keeps them elsewhere')
  if (isEncrypted(file) === (file.tokenSecret !== undefined)) throw corrupt(object, 'does not tell whether it is encrypted')
  return file
}

export function isEncrypted({ requiredFeatures }: RepositoryFile): boolean {
  return requiredFeatures.includes(ENCRYPTION_FEATURE)
}

function newRepositoryFile(encrypted: boolean): RepositoryFile {
  const facts = {
    magic: 'holdfast',
    format: 1,
    minReader: 1,
    repositoryId: uuidv7(),
    createdAt: new Date().toISOString(),
    requiredFeatures: encrypted ? [ENCRYPTION_FEATURE] : [],
    keys: [],
    ...(encrypted ? {} : { tokenSecret: randomBytes(32).toString('base64') }),
  } as const
  return { ...facts, sha256: sha256(canonicalJson(facts)) }
}
