import type { StorageAdapter } from '../../src/contracts/index.ts'
import { openChunk, readOpenedChunk } from '../../src/archive/chunk-reader.ts'
import { collect } from './collect.ts'

/** Every line of every chunk that lies in a plain repository, whether anything refers to it or not. */
export async function storedLines(storage: StorageAdapter): Promise<readonly string[]> {
  const pieces: Uint8Array[] = []
  for (const { key } of await collect(storage.list(''))) {
    if (!key.endsWith('.hfc')) continue
    const bytes = await storage.get(key)
    const kind = Buffer.from(bytes.subarray(0, 4096)).includes('"kind":"delta"') ? 'delta' : 'base'
    for await (const piece of readOpenedChunk(openChunk(bytes, kind, key))) pieces.push(Uint8Array.from(piece))
  }
  return Buffer.concat(pieces).toString('utf8').split('\n')
}
