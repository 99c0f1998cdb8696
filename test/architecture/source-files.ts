import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

export interface SourceFile {
  /** Path from the root, with forward slashes. */
  readonly path: string
  readonly text: string
  /** Modules it imports: paths from the root for own files, package names for others. `type` is true when only types are imported. */
  readonly imports: readonly { readonly from: string; readonly type: boolean }[]
}

const IMPORT = /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]/g
const DYNAMIC = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g

/** Every hand-written TypeScript source under the given top-level folders. */
export function sourceFiles(...folders: string[]): SourceFile[] {
  return folders.flatMap((folder) => walk(join(ROOT, folder))).map(read)
}

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'assembly' ? [] : walk(path)
    return entry.name.endsWith('.ts') && !entry.name.endsWith('.generated.ts') ? [path] : []
  })
}

function read(file: string): SourceFile {
  const path = relative(ROOT, file).split(sep).join('/')
  const text = readFileSync(file, 'utf8')
  const resolve = (specifier: string) => (specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier)
  return {
    path,
    text,
    imports: [
      ...[...text.matchAll(IMPORT)].map((match) => ({ from: resolve(match[2]!), type: match[1] !== undefined })),
      ...[...text.matchAll(DYNAMIC)].map((match) => ({ from: resolve(match[1]!), type: false })),
    ],
  }
}

/** Lines of code: without blank lines and comments, which are documentation and cost nothing to have. */
export function codeLines(text: string): number {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.trim().startsWith('//')).length
}
