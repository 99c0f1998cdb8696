import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { TypeormDataSource } from './typeorm-data-source.ts'

/**
 * `typeorm 1.1.1`, for manifests and reports. TypeORM tells its version nowhere, and more than one may be installed: the loaded
 * module that made this data source is looked up, and the package file beside it read. In a bundle there is none: plain `typeorm`.
 */
export function typeormVersion(dataSource: TypeormDataSource): string {
  try {
    const { cache } = createRequire(import.meta.url)
    const file = Object.keys(cache).find((path) => /[/\\]data-source[/\\]DataSource\.js$/.test(path) && madeBy(dataSource, cache[path]?.exports))
    if (file === undefined) return 'typeorm'
    const { version } = JSON.parse(readFileSync(join(dirname(dirname(file)), 'package.json'), 'utf8')) as { version?: unknown }
    return typeof version === 'string' ? `typeorm ${version}` : 'typeorm'
  } catch {
    return 'typeorm' // a label for people; nothing depends on it
  }
}

function madeBy(dataSource: TypeormDataSource, exported: unknown): boolean {
  const made = (exported as { DataSource?: unknown } | undefined)?.DataSource
  return typeof made === 'function' && dataSource instanceof made
}
