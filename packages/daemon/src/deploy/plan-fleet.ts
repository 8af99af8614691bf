/** One instance as the plan sees it. */
export interface PresentInstance {
  readonly id: string;
  readonly releaseId: string;
  readonly role: string;
  readonly replica: number;
}

/** Where an instance of an environment stands. */
export interface InstancePlace {
  readonly role: string;
  readonly replica: number;
}

export interface WantedFleet {
  /** Null: nothing shall run. */
  readonly releaseId: string | null;
  readonly replicas: Readonly<Record<string, number>>;
  /** So many may go on running; absent: as many as are wanted. */
  readonly most?: Readonly<Record<string, number>>;
}

export interface FleetPlan<T extends PresentInstance> {
  readonly keep: readonly T[];
  readonly start: readonly InstancePlace[];
  readonly stop: readonly T[];
}

/**
 * Compares what runs with what is wanted: one instance for each role and replica of the wanted release. Of those that
 * run beyond it none is ended while there is a name for it: they are there because somebody asked.
 */
export function planFleet<T extends PresentInstance>(
  wanted: WantedFleet,
  present: readonly T[],
): FleetPlan<T> {
  const keep: T[] = [];
  const stop: T[] = [];
  const filled = new Set<string>();
  const most = wanted.most ?? wanted.replicas;
  for (const instance of present) {
    const place = `${instance.role}/${instance.replica}`;
    const isWanted =
      instance.releaseId === wanted.releaseId &&
      instance.replica < (most[instance.role] ?? 0) &&
      !filled.has(place);
    if (isWanted) filled.add(place);
    (isWanted ? keep : stop).push(instance);
  }
  const places = wanted.releaseId === null ? [] : listPlaces(wanted.replicas);
  return { keep, start: places.filter(({ role, replica }) => !filled.has(`${role}/${replica}`)), stop };
}

/** One place for each replica of each role. */
export function listPlaces(replicas: Readonly<Record<string, number>>): readonly InstancePlace[] {
  return Object.entries(replicas).flatMap(([role, count]) =>
    Array.from({ length: count }, (_, replica) => ({ role, replica })),
  );
}
