/**
 * What Holdfast reads of a `MikroORM` instance, by shape. Nothing of MikroORM is imported, so that an application's own copy is
 * never mixed with another.
 */
export interface MikroOrmInstance {
  readonly config: MikroOrmConfig
  readonly em: MikroOrmEntityManager
  getMetadata(): Iterable<MikroOrmEntity>
}

export interface MikroOrmDriver {
  getPlatform(): { getDefaultSchemaName(): string | undefined }
}

export interface MikroOrmEntityManager {
  getConnection(type: 'write'): object
  getDriver(): MikroOrmDriver
  /** The entity manager of the running request or transaction, else the global one. `false`: allow the global one. */
  getContext(validate: false): { getUnitOfWork(useContext: false): { clear(): void } }
}

export interface MikroOrmConfig {
  get(key: 'contextName' | 'schema' | 'dbName'): string | undefined
  get(key: 'entities'): readonly unknown[]
  get(key: 'migrations'): { readonly tableName?: string }
  /** `context` is that of a Knex instance. */
  get(key: 'driverOptions'): SqliteOptions & { readonly connection?: SqliteOptions; readonly context?: unknown }
  getResultCacheAdapter(): { clear(): unknown }
}

interface SqliteOptions {
  readonly url?: string
  readonly filename?: string
  readonly syncUrl?: unknown
  readonly encryptionKey?: unknown
}

export interface MikroOrmEntity {
  readonly className: string
  readonly class: unknown
  readonly tableName: string
  readonly schema?: string
  readonly abstract?: boolean
  readonly embeddable?: boolean
  readonly virtual?: boolean
  readonly view?: unknown
  readonly pivotTable?: boolean
  /** Of MikroORM 7, and there of a root: 6 knows single tables only, and does not say so. */
  readonly inheritanceType?: 'sti' | 'tpt'
  readonly discriminatorColumn?: string
  readonly discriminatorMap?: Readonly<Record<string, unknown>>
  /** Of the junction table of a polymorphic relation: value → class of the side that it leads to. */
  readonly polymorphicDiscriminatorMap?: Readonly<Record<string, unknown>>
  readonly root: MikroOrmEntity
  readonly primaryKeys: readonly string[]
  readonly versionProperty?: string
  readonly properties: Readonly<Record<string, MikroOrmProperty>>
  readonly props: readonly MikroOrmProperty[]
  /** Of table-per-type inheritance: the class above, and the properties that stand in the class's own table, beside the key. */
  readonly tptParent?: MikroOrmEntity
  readonly ownProps?: readonly MikroOrmProperty[]
}

export interface MikroOrmProperty {
  readonly name: string
  /** `scalar`, `m:1`, `1:1`, `1:m`, `m:n`, `embedded`. */
  readonly kind: string
  readonly owner?: boolean
  readonly persist?: boolean
  readonly primary?: boolean
  readonly mapToPk?: boolean
  readonly object?: boolean
  readonly embedded?: readonly string[]
  /** The embedded class. */
  readonly embeddable?: unknown
  readonly polymorphic?: boolean
  /** Of a polymorphic relation: the column that says where it leads, and value → class. */
  readonly discriminatorColumn?: string
  readonly discriminatorMap?: Readonly<Record<string, unknown>>
  readonly pivotTable?: string
  readonly runtimeType?: string
  readonly onCreate?: unknown
  readonly onUpdate?: unknown
  readonly fieldNames?: readonly string[]
  readonly columnTypes?: readonly string[]
  readonly referencedColumnNames?: readonly string[]
  readonly targetMeta?: MikroOrmEntity
}
