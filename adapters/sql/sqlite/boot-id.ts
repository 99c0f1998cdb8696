import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'

const BOOT_ID = '/proc/sys/kernel/random/boot_id'

/**
 * Names the run of the operating system: what a process wrote, and never had synced, is there for the next one as long as this is the same. Null where none can be read (any system but Linux).
 */
export function bootId(): string | null {
  try {
    const id = readFileSync(BOOT_ID, 'utf8').trim()
    return /^[0-9a-f-]{36}$/.test(id) ? id : null
  } catch {
    return null
  }
}

/** About when it began, in milliseconds since 1970. */
export function bootedAt(): number {
  return Date.now() - uptime() * 1000
}
