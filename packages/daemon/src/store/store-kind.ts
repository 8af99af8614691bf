/** The two databases the store runs on. */
export type StoreKind = "sqlite" | "postgres";
