/** What an account is called in the sandboxes of apps, and where its home is. */
export const appAccount = Object.freeze({ name: "app", home: "/tmp" });

/** The account an app runs under; each app has two uids: the even one runs it, the odd one builds it. */
export function planAppUser(
  uidBase: number,
  appSlot: number,
): { readonly uid: number; readonly gid: number } {
  const uid = uidBase + 2 * appSlot;
  return Object.freeze({ uid, gid: uid });
}

/** From here on come the accounts of sandboxes that are made before it is known for which app. */
const firstStandby = 80_000;
const mostStandby = 20_000;

/** The account of the `number`th sandbox that was made ahead; nothing outside memory ever belongs to it. */
export function planStandbyUser(
  uidBase: number,
  number: number,
): { readonly uid: number; readonly gid: number } {
  const uid = uidBase + firstStandby + (number % mostStandby);
  return Object.freeze({ uid, gid: uid });
}
