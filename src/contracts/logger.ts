type LogMethod = (facts: Readonly<Record<string, unknown>>, message: string) => void

/** The four calls of pino that Holdfast makes; any logger of that shape fits. Silent by default. No secrets and no record values are logged. */
export interface Logger {
  debug: LogMethod
  info: LogMethod
  warn: LogMethod
  error: LogMethod
}

const nothing: LogMethod = () => {}

export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }
