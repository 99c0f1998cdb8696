/**
 * What Holdfast reads of a TypeORM `DataSource`, by shape: 0.3 and 1.x both fit, nothing of TypeORM is imported, and an
 * application's own copy of it is never mixed with another.
 */
export interface TypeormDataSource {
  /** Only in 0.3. */
  readonly name?: string
  readonly isInitialized: boolean
  readonly options: TypeormOptions
  readonly driver: object
  readonly entityMetadatas: readonly TypeormEntity[]
  readonly queryResultCache?: { clear(): Promise<void> }
}

export interface TypeormOptions {
  readonly type: string
  readonly name?: string
  readonly schema?: string
  readonly entities?: unknown
  readonly migrationsTableName?: string
  readonly poolSize?: number
  /** SQLCipher key of a SQLite file. */
  readonly key?: unknown
}

export interface TypeormEntity {
  readonly name: string
  readonly target: unknown
  readonly tableType: string
  readonly tableName: string
  readonly schema?: string
  readonly database?: string
  readonly parentEntityMetadata: TypeormEntity
  readonly discriminatorValue?: string
  readonly columns: readonly TypeormColumn[]
  readonly primaryColumns: readonly TypeormColumn[]
  readonly ownerColumns: readonly TypeormColumn[]
  readonly inverseColumns: readonly TypeormColumn[]
  readonly relations: readonly TypeormRelation[]
  readonly allEmbeddeds: readonly TypeormEmbedded[]
  readonly foreignKeys: readonly TypeormForeignKey[]
  readonly versionColumn?: TypeormColumn
  readonly updateDateColumn?: TypeormColumn
  readonly createDateColumn?: TypeormColumn
  readonly deleteDateColumn?: TypeormColumn
  readonly discriminatorColumn?: TypeormColumn
}

export interface TypeormColumn {
  readonly databaseName: string
  readonly propertyPath: string
  /** Not declared by a property: join column, discriminator, tree column. Stored like any other. */
  readonly isVirtual: boolean
  /** `@VirtualColumn`: computed by a query, not stored. */
  readonly isVirtualProperty: boolean
  readonly entityMetadata: TypeormEntity
  readonly referencedColumn?: TypeormColumn | undefined
  readonly relationMetadata?: TypeormRelation
}

export interface TypeormEmbedded {
  readonly type: unknown
  /** Property names from the entity down to this one. */
  readonly parentPropertyNames: readonly string[]
}

export interface TypeormRelation {
  readonly propertyPath: string
  readonly isOwning: boolean
  readonly isManyToMany: boolean
  readonly joinColumns: readonly TypeormColumn[]
}

export interface TypeormForeignKey {
  readonly columnNames: readonly string[]
  readonly referencedColumnNames: readonly string[]
  readonly referencedEntityMetadata: TypeormEntity
}
