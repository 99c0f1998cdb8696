import { describe, expect, it } from 'vitest'
import { sourceFiles, type SourceFile } from './source-files.ts'

/** Each room and the rooms it may import from (DESIGN "Layout"; TECHNICAL.md draws it). A room not listed here may not exist. */
const ARROWS: Record<string, readonly string[]> = {
  'src/kernel': [],
  'src/contracts': ['src/kernel'],
  'src/record': ['src/contracts', 'src/kernel'],
  'src/hooks': ['src/contracts', 'src/kernel'],
  'src/plan': ['src/hooks', 'src/retention', 'src/contracts', 'src/kernel'],
  'src/progress': ['src/contracts', 'src/kernel'],
  'src/crypto': ['src/contracts', 'src/kernel'],
  'src/archive': ['src/crypto', 'src/record', 'src/plan', 'src/contracts', 'src/kernel'],
  'src/storage': ['src/archive', 'src/record', 'src/contracts', 'src/kernel'],
  'src/retention': ['src/contracts', 'src/kernel'],
  'src/catalog': ['src/retention', 'src/archive', 'src/contracts', 'src/kernel'],
  'src/reconcile': ['src/archive', 'src/record', 'src/contracts', 'src/kernel'],
  'src/evolution': ['src/archive', 'src/plan', 'src/record', 'src/contracts', 'src/kernel'],
  'src/erasure': ['src/archive', 'src/plan', 'src/record', 'src/contracts', 'src/kernel'],
  'src/files': ['src/kernel'],
  'src/bundle': ['src/erasure', 'src/files', 'src/archive', 'src/record', 'src/plan', 'src/contracts', 'src/kernel'],
  'src/extract': ['src/bundle', 'src/files', 'src/archive', 'src/record', 'src/plan', 'src/contracts', 'src/kernel'],
  'src/masking': ['src/plan', 'src/record', 'src/contracts', 'src/kernel'],
  'src/export': ['src/hooks', 'src/reconcile', 'src/storage', 'src/archive', 'src/progress', 'src/plan', 'src/record', 'src/contracts', 'src/kernel'],
  'src/restore': [
    'src/hooks',
    'src/erasure',
    'src/masking',
    'src/evolution',
    'src/reconcile',
    'src/storage',
    'src/archive',
    'src/progress',
    'src/plan',
    'src/record',
    'src/contracts',
    'src/kernel',
  ],
  'src/compare': ['src/erasure', 'src/evolution', 'src/reconcile', 'src/storage', 'src/archive', 'src/plan', 'src/record', 'src/contracts', 'src/kernel'],
  'src/selection': ['src/compare', 'src/restore', 'src/archive', 'src/plan', 'src/record', 'src/contracts', 'src/kernel'],
  'src/service': [
    'src/hooks',
    'src/bundle',
    'src/extract',
    'src/files',
    'src/selection',
    'src/export',
    'src/restore',
    'src/catalog',
    'src/compare',
    'src/erasure',
    'src/masking',
    'src/evolution',
    'src/reconcile',
    'src/storage',
    'src/archive',
    'src/progress',
    'src/plan',
    'src/record',
    'src/contracts',
    'src/kernel',
  ],
  'src/tsyringe': ['src/holdfast.ts', 'src/service', 'src/plan', 'src/contracts', 'src/kernel'],
  'src/holdfast.ts': ['src/hooks', 'src/service', 'src/masking', 'src/evolution', 'src/storage', 'src/archive', 'src/plan', 'src/contracts', 'src/kernel'],
  'src/index.ts': [
    'src/holdfast.ts',
    'src/bundle',
    'src/service',
    'src/selection',
    'src/catalog',
    'src/compare',
    'src/export',
    'src/restore',
    'src/erasure',
    'src/masking',
    'src/evolution',
    'src/storage',
    'src/archive',
    'src/progress',
    'src/plan',
    'src/record',
    'src/contracts',
    'src/kernel',
  ],
  'src/config': ['src/holdfast.ts', 'src/plan', 'src/contracts', 'src/kernel'],
  'src/cli': [
    'src/config',
    'src/crypto',
    'src/holdfast.ts',
    'src/service',
    'src/catalog',
    'src/compare',
    'src/export',
    'src/restore',
    'src/erasure',
    'src/masking',
    'src/evolution',
    'src/archive',
    'src/progress',
    'src/plan',
    'src/contracts',
    'src/kernel',
  ],
  'adapters/sql': ['src/record', 'src/contracts', 'src/kernel'],
  'adapters/typeorm': ['adapters/sql', 'src/record', 'src/contracts', 'src/kernel'],
  'adapters/mikro-orm': ['adapters/sql', 'src/record', 'src/contracts', 'src/kernel'],
  'adapters/fs': ['src/record', 'src/contracts', 'src/kernel'],
  'adapters/memory': ['src/record', 'src/contracts', 'src/kernel'],
  'adapters/cloud': ['src/contracts', 'src/kernel'],
  'adapters/azure-blob': ['adapters/cloud', 'src/contracts', 'src/kernel'],
  'adapters/s3': ['adapters/cloud', 'src/contracts', 'src/kernel'],
  'adapters/gcs': ['adapters/cloud', 'src/contracts', 'src/kernel'],
  'adapters/aws-kms': ['adapters/cloud', 'src/contracts', 'src/kernel'],
  'web/fastify': [
    'src/holdfast.ts',
    'src/service',
    'src/crypto',
    'src/export',
    'src/restore',
    'src/compare',
    'src/progress',
    'src/plan',
    'src/contracts',
    'src/kernel',
  ],
}

/** Packages and the only rooms that may name them. `node:` is free everywhere; type-only imports are free for adapters of that package. */
const FENCES: Record<string, readonly string[]> = {
  commander: ['src/cli'],
  typebox: ['src/archive', 'src/plan', 'web/fastify'],
  typeorm: ['adapters/typeorm'],
  '@mikro-orm': ['adapters/mikro-orm'],
  pg: [],
  libsql: [],
  fastify: ['web/fastify'],
  'fastify-plugin': ['web/fastify'],
  '@fastify': ['web/fastify'],
  tsyringe: ['src/tsyringe'],
  'reflect-metadata': [],
}

const files = sourceFiles('src', 'adapters', 'web')

function roomOf(path: string): string {
  const room = Object.keys(ARROWS).find((name) => path === name || path.startsWith(`${name}/`))
  if (!room) throw new Error(`${path} is in no room of test/architecture/arrows.test.ts`)
  return room
}

describe('the arrows between rooms', () => {
  it.each(files.map((file) => [file.path, file] as const))('%s imports only what its room may', (path, file: SourceFile) => {
    const room = roomOf(path)
    const wrong = file.imports
      .filter(({ from }) => /^(src|adapters|web|test|samples|bench|scripts)\//.test(from))
      .filter(({ from }) => roomOf(from) !== room && !ARROWS[room]!.includes(roomOf(from)))
      .map(({ from }) => from)
    expect(wrong).toEqual([])
  })

  it.each(files.map((file) => [file.path, file] as const))('%s imports only packages its room may', (path, file: SourceFile) => {
    const room = roomOf(path)
    const wrong = file.imports
      .filter(({ from }) => !from.startsWith('node:') && !/^(src|adapters|web|test|samples|bench|scripts)\//.test(from))
      .filter(({ from }) => {
        const name = from.split('/')[0]!
        return !(FENCES[name] ?? []).includes(room)
      })
      .map(({ from }) => from)
    expect(wrong).toEqual([])
  })

  it('keeps the dialects apart: what two of them use stands beside them', () => {
    const dialectOf = (path: string) => /^adapters\/sql\/(postgres|sqlite|mysql)\//.exec(path)?.[1]
    const crossing = files
      .filter(({ path }) => dialectOf(path) !== undefined)
      .filter(({ path, imports }) => imports.some(({ from }) => dialectOf(from) !== undefined && dialectOf(from) !== dialectOf(path)))
    expect(crossing.map(({ path }) => path)).toEqual([])
  })

  it('has rooms that are all used', () => {
    const used = new Set(files.map((file) => roomOf(file.path)))
    expect(Object.keys(ARROWS).filter((room) => !used.has(room))).toEqual([])
  })

  it('has arrows that point one way', () => {
    const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
      ARROWS[from]!.some((next) => next === to || (!seen.has(next) && seen.add(next) && reaches(next, to, seen)))
    expect(Object.keys(ARROWS).filter((room) => reaches(room, room))).toEqual([])
  })
})
