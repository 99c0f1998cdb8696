import { mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { belowPrefix } from '../../src/storage/below-prefix.ts'
import { meterStorage, mirrorStorage, retryStorage } from '../../src/storage/index.ts'
import { failure } from '../support/failure.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder()
afterAll(() => folder.remove())
const fresh = { ifAbsent: true }
const BODY = Buffer.from('x')

it('empty folders of a prefix go, and nothing else', async () => {
  const root = join(folder.path, 'one')
  const storage = fsStorage({ root })
  const other = fsStorage({ root })
  for (const key of ['check/a/b/1', 'check/a/c/2', 'check/d/3', 'beside/4']) await storage.put(key, BODY, fresh)
  await other.put('check/a/b/5', BODY, fresh)
  mkdirSync(join(root, 'beside', 'empty'))
  symlinkSync(join(root, 'beside'), join(root, 'check', 'd', 'link'))
  await storage.delete(['check/a/b/1', 'check/a/b/5', 'check/a/c/2'])
  await storage.removeFolders!('check/')
  expect(readdirSync(root).toSorted()).toEqual(['.tmp', 'beside', 'check'])
  expect(readdirSync(join(root, 'check'))).toEqual(['d'])
  expect(readdirSync(join(root, 'beside')).toSorted()).toEqual(['4', 'empty'])
  // Both knew the folders.
  await storage.put('check/a/b/1', BODY, fresh)
  await storage.delete(['check/a/b/1'])
  await other.removeFolders!('check/a/')
  await storage.put('check/a/b/1', BODY, fresh)
  expect(await other.get('check/a/b/1')).toEqual(BODY)
  await storage.removeFolders!('nothing/there/')
  await failure(storage.removeFolders!('check'), 'E_STORAGE_KEY')
  await failure(storage.removeFolders!(''), 'E_STORAGE_KEY')
})

it('wrappers hand it on', async () => {
  const roots = ['two', 'three'].map((name) => join(folder.path, name))
  const [near, far] = roots.map((root) => fsStorage({ root })) as [ReturnType<typeof fsStorage>, ReturnType<typeof fsStorage>]
  const storage = belowPrefix(retryStorage(meterStorage(mirrorStorage({ copies: [{ storage: near }, { storage: far }] }))), 'shop/')
  await storage.put('check/a/1', BODY, fresh)
  await storage.delete(['check/a/1'])
  await storage.removeFolders!('check/')
  for (const root of roots) expect(readdirSync(join(root, 'shop'))).toEqual([])
  expect(retryStorage(memoryStorage()).removeFolders).toBeUndefined()
})
