import { assertRefused, type ConformanceCase, namesBelow, noise } from './harness.ts'

const TRICKS = [
  '',
  '/',
  '/etc/passwd',
  '..',
  '../outside',
  'a/../../outside',
  'a/./b',
  'a//b',
  'a/',
  '.hidden',
  'a/.hidden',
  'C:/windows',
  'a\\..\\b',
  'a\0b',
  'a b',
  'a\nb',
  '%2e%2e/outside',
  'ünïcode',
  'a/con',
  'a/NUL.txt',
  'trailing.',
  '~root',
  'n'.repeat(201),
]

/** Names that must not reach the storage. */
export const nameCases: readonly ConformanceCase[] = [
  {
    name: 'refuses names that are tricks',
    async run({ storage, prefix, fresh }) {
      for (const trick of TRICKS) {
        const shown = JSON.stringify(trick.slice(0, 40))
        await assertRefused(storage.put(trick, noise(1), fresh), 'E_STORAGE_KEY', `put ${shown}`)
        await assertRefused(storage.get(trick), 'E_STORAGE_KEY', `get ${shown}`)
        await assertRefused(storage.stat(trick), 'E_STORAGE_KEY', `stat ${shown}`)
        await assertRefused(storage.delete([trick]), 'E_STORAGE_KEY', `delete ${shown}`)
      }
      const tooLong = `${prefix}${'n/'.repeat(storage.capabilities.maxKeyBytes / 2)}n`
      await assertRefused(storage.put(tooLong, noise(1), fresh), 'E_STORAGE_KEY', 'put of a name beyond maxKeyBytes')
    },
  },
  {
    name: 'refuses prefixes that are tricks',
    async run({ storage }) {
      for (const trick of ['../', '/', 'a//', 'a/../', 'a\\']) await assertRefused(namesBelow(storage, trick), 'E_STORAGE_KEY', `list ${JSON.stringify(trick)}`)
    },
  },
]
