import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { HoldfastError } from '../../src/kernel/errors.ts'

/**
 * `mikro-orm 7.2.1`, for manifests and reports. An instance does not tell its version, and more than one may be installed. MikroORM 6 is
 * CommonJS: the loaded module that made the instance is looked up. Else it is the `@mikro-orm/core` that resolves from here, or from
 * where the process runs, when it is of that major version. In a bundle there may be none: of 7, plain `mikro-orm`.
 *
 * @throws `E_DIALECT` for a MikroORM before 6.6, or one that has Knex and whose version cannot be told
 */
export function mikroOrmVersion(orm: object, major: 6 | 7): string {
  const version = major === 7 ? installed(7) : (loaded(orm) ?? installed(6))
  if (major === 7) return version === undefined ? 'mikro-orm' : `mikro-orm ${version}`
  const [first = 0, second = 0] = version?.split('.').map(Number) ?? []
  if (first === 6 && second >= 6) return `mikro-orm ${version}`
  throw new HoldfastError(
    'E_DIALECT',
    version === undefined ? 'This MikroORM speaks through Knex, and which version it is cannot be told.' : `MikroORM ${version} is not served.`,
    {
      hint:
        version === undefined
          ? 'MikroORM 6.6 and later are served. Leave @mikro-orm/core out of the bundle, so that its package.json can be read.'
          : 'Use MikroORM 6.6 or later, or 7.2 or later.',
    },
  )
}

function loaded(orm: object): string | undefined {
  const { cache } = createRequire(import.meta.url)
  const file = Object.keys(cache).find((path) => /[/\\]@mikro-orm[/\\]core[/\\]MikroORM\.js$/.test(path) && madeBy(orm, cache[path]?.exports))
  return file === undefined ? undefined : versionIn(() => JSON.parse(readFileSync(join(dirname(file), 'package.json'), 'utf8')))
}

function madeBy(orm: object, exported: unknown): boolean {
  const made = (exported as { MikroORM?: unknown } | undefined)?.MikroORM
  return typeof made === 'function' && orm instanceof made
}

function installed(major: 6 | 7): string | undefined {
  for (const from of [import.meta.url, `${process.cwd()}/package.json`]) {
    const version = versionIn(() => createRequire(from)('@mikro-orm/core/package.json'))
    if (version?.startsWith(`${major}.`)) return version
  }
  return undefined
}

function versionIn(read: () => unknown): string | undefined {
  try {
    const { version } = read() as { version?: unknown }
    return typeof version === 'string' ? version : undefined
  } catch {
    return undefined // not there
  }
}
