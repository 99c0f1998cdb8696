/**
 * What is used of the `pg` package (version 8), typed structurally so that a client of any pool fits: TypeORM's, MikroORM's, one's own.
 * A query object with a `submit` method is handed the connection; until it is done, the server's answers are its own.
 */
export interface CopyClient {
  query(query: CopySubmittable): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  removeListener(event: 'error', listener: (error: Error) => void): unknown
}

/** `pg`'s Connection. */
export interface CopyConnection {
  /** The socket, plain or TLS. */
  readonly stream: CopySocket
  /** Sends one simple query. */
  query(sql: string): void
  /** Tells the server that a COPY FROM is to be rolled back. */
  sendCopyFail(message: string): void
}

export type SocketListener = (chunk: Uint8Array) => void

/** The part of `net.Socket` and `tls.TLSSocket` that carries a copy. */
export interface CopySocket {
  readonly destroyed: boolean
  write(bytes: Uint8Array): boolean
  pause(): unknown
  resume(): unknown
  destroy(): unknown
  on(event: 'data', listener: SocketListener): unknown
  on(event: 'drain', listener: () => void): unknown
  removeListener(event: 'data' | 'drain', listener: SocketListener | (() => void)): unknown
  listeners(event: string): unknown[]
}

/** The callbacks through which `pg` hands a running query object the server's answers. */
export interface CopySubmittable {
  // A method, not a property: `pg` types its Connection in its own way, and parameters of methods may differ.
  submit(connection: CopyConnection): Error | undefined
  handleError(error: Error): void
  handleReadyForQuery(): void
  handleCommandComplete(message: { readonly text?: string }): void
  handleCopyInResponse(connection: CopyConnection): void
  handleCopyData(): void
  handleRowDescription(): void
  handleDataRow(): void
  handlePortalSuspended(): void
  handleEmptyQuery(): void
  /** Set by `pg` when the client has a `query_timeout`; called when the query is over. */
  callback?: () => void
}
