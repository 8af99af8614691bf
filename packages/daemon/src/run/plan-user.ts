/** The account an app runs under; each app has two uids: the even one runs it, the odd one builds it. */
export function planAppUser(
  uidBase: number,
  appSlot: number,
): { readonly uid: number; readonly gid: number } {
  const uid = uidBase + 2 * appSlot;
  return Object.freeze({ uid, gid: uid });
}
