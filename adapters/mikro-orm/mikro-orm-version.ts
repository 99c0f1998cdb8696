import { createRequire } from 'node:module'

/**
 * `mikro-orm 7.2.1`, for manifests and reports: the `@mikro-orm/core` that resolves from here, or from where the process runs. In a
 * bundle there may be none: plain `mikro-orm`.
 */
export function mikroOrmVersion(): string {
  for (const from of [import.meta.url, `${process.cwd()}/package.json`]) {
    try {
      const { version } = createRequire(from)('@mikro-orm/core/package.json') as { version?: unknown }
      if (typeof version === 'string') return `mikro-orm ${version}`
    } catch {
      // not installed beside this file; a label for people, nothing depends on it
    }
  }
  return 'mikro-orm'
}
