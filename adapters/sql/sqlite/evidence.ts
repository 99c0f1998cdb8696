import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import type { ChangeEvidence } from '../../../src/contracts/change-evidence.ts'
import { canonicalJson } from '../../../src/kernel/canonical-json.ts'
import { scopeEvidence } from '../scope-evidence.ts'
import type { SqliteEntity } from './catalog.ts'

/** Raised when the same value gets another encoding, so that the reader of a manifest can tell the two apart. */
const ENCODING = '1'

/**
 * What identified the rows when they were read. SQLite has nothing durable that proves rows unchanged (`data_version` counts for one connection only, the
 * file's change counter says nothing in WAL mode), so `check` reads and hashes them again, and relies on none of this: it is for the reader of a manifest.
 */
export function entityEvidence(entity: SqliteEntity, path: string | null): ChangeEvidence {
  const fields = createHash('sha256').update(canonicalJson(entity.descriptor)).digest('hex')
  return {
    method: 'sha256',
    values: { encoding: ENCODING, schema: fields, ...scopeEvidence(entity.scope?.filter), ...(path === null ? {} : { file: fileIdentity(path) }) },
  }
}

function fileIdentity(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true })
  return `${dev}:${ino}`
}
