/** The account a build runs under; only a daemon that is root can give it one of its own. */
export interface BuildUser {
  readonly uid: number;
  readonly gid: number;
}

/** Each app has two uids: the even one runs it, the odd one builds it. */
export function planBuildUser(uidBase: number, appSlot: number): BuildUser {
  const uid = uidBase + 2 * appSlot + 1;
  return Object.freeze({ uid, gid: uid });
}
