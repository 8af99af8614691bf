import { planStandbyUser } from "./plan-user.js";

type User = { readonly uid: number; readonly gid: number };

/** Lends each sandbox that is made ahead an account that nobody else has at the time. */
export interface StandbyUsers {
  take(): User;
  /** Somebody has it already, such as an instance that an earlier daemon started. */
  keep(user: User | null): void;
  /** Gives back what this very object stands for; harmless when that is lent to another by now. */
  free(user: User | null): void;
}

export function createStandbyUsers(uidBase: number): StandbyUsers {
  const taken = new Map<number, User>();
  return {
    take() {
      for (let number = 0; ; number++) {
        const user = planStandbyUser(uidBase, number);
        // More than there are accounts never run at a time: then two share one.
        if (taken.has(user.uid) && taken.size > number) continue;
        taken.set(user.uid, user);
        return user;
      }
    },
    keep: (user) => void (user !== null && taken.set(user.uid, user)),
    free: (user) => void (user !== null && taken.get(user.uid) === user && taken.delete(user.uid)),
  };
}
