import { HoldfastError } from '../../../../src/kernel/errors.ts'
import type { MysqlEntity } from '../catalog.ts'
import type { MysqlServer } from '../server.ts'
import type { TargetStatements } from './target-session.ts'

/**
 * The server shows triggers only to who has the right TRIGGER on their table; to others a table looks as if it had none. So the right must be proved.
 *
 * @throws `E_PERMISSION` with the GRANT as hint
 */
export async function assertTriggersSeen(statements: TargetStatements, server: MysqlServer, entities: readonly MysqlEntity[]): Promise<void> {
  const grants = await readGrants(statements, server)
  const blind = entities.filter(({ schema, table }) => !mayTrigger(grants, schema, table))
  if (blind.length === 0) return
  const [row] = await statements.rows('asking for the user', 'SELECT CURRENT_USER() AS name')
  const names = blind.map(({ schema, table }) => `${schema}.${table}`)
  throw new HoldfastError('E_PERMISSION', `${row?.name} lacks the right TRIGGER, without which triggers of ${names.join(', ')} cannot be seen`, {
    hint: `GRANT TRIGGER ON ${[...new Set(blind.map(({ schema }) => `\`${schema}\`.*`))].join(', ')} to the user that Holdfast connects as.`,
    details: { tables: names },
  })
}

/** Of the user, and of the roles that are in force. */
async function readGrants(statements: TargetStatements, server: MysqlServer): Promise<readonly string[]> {
  let sql = 'SHOW GRANTS'
  if (server.flavour === 'mysql') {
    const [row] = await statements.rows('asking for the role', 'SELECT CURRENT_ROLE() AS name')
    if (row?.name && row.name !== 'NONE') sql = `SHOW GRANTS FOR CURRENT_USER() USING ${row.name}`
  }
  return (await statements.rows('reading the rights of the user', sql)).flatMap((row) => Object.values(row)[0] ?? [])
}

const RIGHTS = /^(GRANT|REVOKE) (.+?) ON (?:TABLE )?(\*|`(?:[^`]|``)+`)\.(\*|`(?:[^`]|``)+`) /

export function mayTrigger(grants: readonly string[], schema: string, table: string): boolean {
  let may = false
  for (const grant of grants) {
    const [, verb, rights, database, name] = RIGHTS.exec(grant) ?? []
    if (!rights || !/\b(ALL PRIVILEGES|TRIGGER)\b/.test(rights)) continue
    if (!matches(database!, schema, name === '*') || (name !== '*' && unquoted(name!) !== table)) continue
    if (verb === 'REVOKE') return false
    may = true
  }
  return may
}

const unquoted = (name: string): string => name.slice(1, -1).replaceAll('``', '`')

/** A database is named as a pattern of LIKE, but in rights on one table. */
function matches(database: string, schema: string, pattern: boolean): boolean {
  if (database === '*') return true
  const name = unquoted(database)
  if (!pattern) return name === schema
  const like = name.replace(/\\(.)|[.*+?^${}()|[\]]|%|_/g, (found, escaped: string | undefined) => {
    if (escaped !== undefined) return escaped.replace(/[.*+?^${}()|[\]\\]/, '\\$&')
    return found === '%' ? '.*' : found === '_' ? '.' : `\\${found}`
  })
  return new RegExp(`^${like}$`, 's').test(schema)
}
