import { type Logger, silentLogger } from '../contracts/logger.ts'

/** Where nobody gave a logger: a copy that falls behind unseen is none when it is needed. A warning of the process, once for each copy and matter. */
export function mirrorWarnings(): Logger {
  const given = new Set<string>()
  return {
    ...silentLogger,
    warn({ copy, error }, message) {
      const matter = `${message}: ${textOf(copy)}`
      if (given.has(matter)) return
      given.add(matter)
      process.emitWarning(error === undefined ? matter : `${matter} (${textOf(error)})`, { type: 'HoldfastWarning', code: 'HOLDFAST_MIRROR' })
    },
  }
}

function textOf(fact: unknown): string {
  return typeof fact === 'string' ? fact : (JSON.stringify(fact) ?? 'unknown')
}
