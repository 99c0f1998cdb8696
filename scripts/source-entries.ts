import { readFileSync } from 'node:fs'

interface SourceEntry {
  /** As an application imports it: `holdfast/fs`. */
  readonly specifier: string
  readonly source: string
}

interface PackageJson {
  readonly name: string
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>
}

/** The public entry points and the sources they are built from, read off the `exports` of package.json, so that there is one list. */
export function sourceEntries(): SourceEntry[] {
  const { name, exports } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as PackageJson
  return Object.entries(exports).flatMap(([path, target]) =>
    typeof target === 'string' ? [] : [{ specifier: `${name}${path.slice(1)}`, source: target.default.replace('./dist/', './').replace(/\.js$/, '.ts') }],
  )
}
