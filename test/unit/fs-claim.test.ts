import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import { claim, withdraw } from '../../adapters/fs/fs-claim.ts'
import { createFsRoot } from '../../adapters/fs/fs-root.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const home = temporaryFolder()
afterAll(() => home.remove())
let round = 0
let path = ''
const at = (name: string) => join(path, name)
const root = () => createFsRoot(path, true)
const inTemp = () => readdirSync(at('.tmp'))

beforeEach(() => {
  path = join(home.path, String(++round))
  mkdirSync(at('.tmp'), { recursive: true })
})

/** As far as a writer is between publishing and its last step. */
function published(body = 'body'): void {
  writeFileSync(at('.tmp/writer'), body)
  linkSync(at('.tmp/writer'), at('object'))
}

describe('an object whose writer takes it back', () => {
  it('goes when nobody counts on it', async () => {
    published()
    await withdraw(root(), at('.tmp/writer'), at('object'))
    expect(existsSync(at('object'))).toBe(false)
    expect(inTemp()).toEqual(['writer'])
  })

  it('stays when somebody claimed it, once or often', async () => {
    published()
    for (let n = 0; n < 3; n++) expect(await claim(root(), at('object'))).toBe(true)
    await withdraw(root(), at('.tmp/writer'), at('object'))
    expect(readFileSync(at('object'), 'utf8')).toBe('body')
    expect(inTemp()).toHaveLength(2)
  })

  it('is not claimed once it is gone, and no other is taken for it', async () => {
    expect(await claim(root(), at('object'))).toBe(false)
    published()
    rmSync(at('object'))
    writeFileSync(at('object'), 'of another writer')
    await withdraw(root(), at('.tmp/writer'), at('object'))
    expect(readFileSync(at('object'), 'utf8')).toBe('of another writer')
  })

  it('that is done with needs no claim', async () => {
    writeFileSync(at('object'), 'body')
    expect(await claim(root(), at('object'))).toBe(true)
    expect(inTemp()).toEqual([])
    expect(statSync(at('object')).nlink).toBe(1)
  })

  it('whose writer has done with it while it was claimed leaves no claim behind', async () => {
    published()
    rmSync(at('.tmp/writer'))
    linkSync(at('object'), at(`.tmp/claim-${statSync(at('object')).ino}`))
    expect(await claim(root(), at('object'))).toBe(true)
    expect(inTemp()).toEqual([])
    const storage = fsStorage({ root: path })
    for (let n = 0; n < 20; n++) {
      const racers = Array.from({ length: 8 }, () => storage.put(`race-${n}`, Buffer.from('x'), { ifAbsent: true }))
      expect((await Promise.allSettled(racers)).filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    }
    expect(inTemp()).toEqual([])
  })

  it('is there for whoever was told so, whichever came first', async () => {
    for (let n = 0; n < 200; n++) {
      published(`body ${n}`)
      const claims = Array.from({ length: 3 }, () => claim(root(), at('object')))
      const [, ...told] = await Promise.all([withdraw(root(), at('.tmp/writer'), at('object')), ...claims])
      if (told.includes(true)) expect(readFileSync(at('object'), 'utf8')).toBe(`body ${n}`)
      rmSync(at('object'), { force: true })
      for (const name of inTemp()) rmSync(at(`.tmp/${name}`))
    }
  })
})
