const FILE = 'repository.json'
const WITHIN = /^((?:[^/]+\/)*?)(?:repository\.json$|keys\/\d|scopes\/|s\/[^/]+\/[a-z-]+\/)/
const KEY = /(?:^|\/)keys\/(?:\d{4}\.\d{4}|destroyed)$/
const PAGE = /(?:^|\/)snapshots\/[^/]+\/entities\//
const CHUNK = /(?:^|\/)s\/[^/]+\/chunks\//

/** Of an object of a repository the name of the file that says which one it is; null for any other object. */
export function repositoryFileOf(key: string): string | null {
  const [, prefix] = WITHIN.exec(key) ?? []
  return prefix === undefined ? null : `${prefix}${FILE}`
}

/** A wrapped key. Its name is a number, so another repository has another one under the same name; what it sealed is lost without it. */
export function isWrappedKey(key: string): boolean {
  return KEY.test(key)
}

/** Named by what is in it: two under one name mean the same, however they are compressed and sealed. */
export function isChunkObject(key: string): boolean {
  return CHUNK.test(key)
}

/** A snapshot refers to it: without it that is unreadable. */
export function isReferredTo(key: string): boolean {
  return CHUNK.test(key) || PAGE.test(key)
}

export function isRepositoryFile(key: string): boolean {
  return key === FILE || key.endsWith(`/${FILE}`)
}
