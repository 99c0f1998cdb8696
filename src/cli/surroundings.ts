import type { Readable, Writable } from 'node:stream'

/** A stream to write to; a terminal says so, and how wide it is. */
export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number }
export type InputStream = Readable & { readonly isTTY?: boolean }

/** All that a command takes from the process it runs in, handed in so that it can run in any other. */
export interface Surroundings {
  /** Data. */
  readonly stdout: OutputStream
  /** Progress, questions, warnings and errors. */
  readonly stderr: OutputStream
  readonly stdin: InputStream
  readonly env: Readonly<Record<string, string | undefined>>
  /** Name of the account that the process runs as; none where the system knows none. */
  account(): string | undefined
  readonly cwd: string
  /** Makes a folder the working directory: relative paths of a configuration are meant from where it lies. */
  enter(folder: string): void
  /** Calls the listener at each interrupt (Ctrl-C, SIGTERM); the returned function stops that. */
  onInterrupt(listener: () => void): () => void
  /** Ends the process at once, whatever still runs. */
  quit(exitCode: number): void
}
