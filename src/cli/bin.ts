#!/usr/bin/env node
import { userInfo } from 'node:os'
import { runCli } from './run-cli.ts'

/** Time that open handles of the application get to close after the work is done, in milliseconds. */
const GRACE_MS = 2000

// Whoever reads the output may leave before its end (`holdfast list | head -1`).
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })

process.exitCode = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  env: process.env,
  account() {
    try {
      return userInfo().username
    } catch {
      return undefined // a container may run as a number that has no name
    }
  },
  cwd: process.cwd(),
  enter: (folder) => process.chdir(folder),
  onInterrupt(listener) {
    process.on('SIGINT', listener).on('SIGTERM', listener)
    return () => process.off('SIGINT', listener).off('SIGTERM', listener)
  },
  quit: (exitCode) => process.exit(exitCode),
})
// A configuration without `close` leaves connections behind that would keep the process waiting.
setTimeout(() => process.exit(), GRACE_MS).unref()
