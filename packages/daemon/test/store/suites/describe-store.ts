import { afterAll, afterEach, beforeAll, beforeEach, describe } from "vitest";
import { openStore, type Store } from "../../../src/store/index.js";
import type { TestDatabase } from "../databases.js";
import { describeAttempts } from "./attempts.js";
import { describeExecutionQueue } from "./execution-queue.js";
import { describeExecutions } from "./executions.js";
import { describeFunctions } from "./functions.js";
import { describeOwners } from "./owners.js";
import { describeProducts } from "./products.js";
import { describeRecords } from "./records.js";
import { describeTogether } from "./together.js";

/** What a suite works with; a fresh, empty store for every test. */
export interface StoreTest {
  readonly store: Store;
  readonly database: TestDatabase;
  /** One more store on the same data, as a second daemon would have; closed after the test. */
  openAnother(): Promise<Store>;
}

/** The whole suite on one database. */
export function describeStore(name: string, start: () => Promise<TestDatabase>): void {
  describe(name, () => {
    let database: TestDatabase | undefined;
    let opened: Store[] = [];

    beforeAll(async () => {
      database = await start();
    }, 60_000);
    afterAll(() => database?.stop());

    const openAnother = async (): Promise<Store> => {
      if (database === undefined) throw new Error("the database was not started");
      const store = await openStore({ url: database.target() });
      opened.push(store);
      return store;
    };
    beforeEach(async () => {
      await database?.reset();
      await openAnother();
    });
    afterEach(async () => {
      await Promise.all(opened.map((store) => store.close()));
      opened = [];
    });

    const test: StoreTest = {
      get store() {
        const [store] = opened;
        if (store === undefined) throw new Error("the store was not opened");
        return store;
      },
      get database() {
        if (database === undefined) throw new Error("the database was not started");
        return database;
      },
      openAnother,
    };
    describeOwners(test);
    describeProducts(test);
    describeFunctions(test);
    describeAttempts(test);
    describeRecords(test);
    describeExecutions(test);
    describeExecutionQueue(test);
    describeTogether(test);
  });
}
