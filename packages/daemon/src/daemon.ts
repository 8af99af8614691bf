import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { newId } from "@bloomery/contract";
import { ensureAdminToken } from "./api/admin-token.js";
import { hashSecret, type Caller } from "./api/caller.js";
import { openApi } from "./api/open-api.js";
import { viewDeployment, type ViewParts } from "./api/views.js";
import { openBuildStage } from "./deploy/build-port.js";
import { collectDaily } from "./deploy/collect-daily.js";
import { createDeployer } from "./deploy/deployer.js";
import { createEdge } from "./deploy/edge.js";
import { createEventHub } from "./deploy/events.js";
import { openFunctionEdge } from "./deploy/function/open-edge.js";
import { createFleet } from "./deploy/fleet.js";
import { openFunctions } from "./deploy/function/open-functions.js";
import { createHealer, type Healer } from "./deploy/heal.js";
import { joinTroubles } from "./deploy/activation/join-troubles.js";
import { openActivation } from "./deploy/activation/open-activation.js";
import { createJobs } from "./deploy/jobs.js";
import { createOperations } from "./deploy/operations.js";
import { closeUnfinished, reconcile } from "./deploy/reconcile.js";
import { openRouting } from "./deploy/routing.js";
import { assertHandover } from "./deploy/tcp/assert-handover.js";
import { hasDoors, openTcpDoors } from "./deploy/tcp/open-doors.js";
import type { RelayPath } from "./deploy/tcp/plan-streams.js";
import { openExecutions } from "./deploy/function/executions.js";
import { openPlatformInvocations } from "./deploy/function/invocations.js";
import { createServedList, planServed } from "./deploy/served.js";
import { hookLogFolder } from "./deploy/hooks/hook-log.js";
import { holdPath, openHolds } from "./deploy/hold/holds.js";
import { openReach } from "./deploy/reach.js";
import { loadEnvironment, type ReleaseParts } from "./deploy/releases.js";
import { createInstanceRecords } from "./deploy/instance-records.js";
import { acquireHomeLock } from "./home-lock.js";
import { applyHome, planHome } from "./home.js";
import { openLog } from "./observe/log.js";
import { openSecrets } from "./release/secrets.js";
import { sweepGroups } from "./run/cgroups.js";
import { createLocalEngine } from "./run/engines/local.js";
import { watchNetwork } from "./deploy/watch-network.js";
import { assertIsolation } from "./run/plan-network.js";
import { planRelaySocket } from "./run/plan-relays.js";
import { openHostNetwork } from "./deploy/host-network.js";
import { planNginxPaths } from "./route/nginx-paths.js";
import { assertPortFree, findPortHolder } from "./route/find-port-holder.js";
import { openVolumes } from "./run/volumes/open-volumes.js";
import { probeHost } from "./run/probe-host.js";
import type { Settings } from "./settings.js";
import { openStore } from "./store/open-store.js";
import { version } from "./version.js";

export interface Daemon {
  readonly apiUrl: string;
  /** Ends the daemon; with `apps`, also every instance and nginx. May be called twice. */
  stop(apps: boolean): Promise<void>;
  readonly stopped: Promise<void>;
}

/**
 * The composition root: opens every stage in the order of the arrow, finds again what an earlier daemon left
 * running, then answers. What fails on the way closes what was opened before it.
 */
export async function startDaemon(settings: Settings): Promise<Daemon> {
  const startedAt = new Date().toISOString();
  const boot = newId("boot");
  const log = openLog(settings.logLevel);
  const paths = planHome(settings.home);
  await applyHome(paths);
  const closers: (() => Promise<unknown>)[] = [];
  const closeAll = async (): Promise<void> => {
    for (const close of closers.toReversed())
      await close().catch((err: unknown) => log.error({ err }, "closing"));
  };
  try {
    closers.push(await acquireHomeLock(paths.lockFile));
    // Before anything is made that a failure would have to take back.
    if (settings.apiPort !== 0) {
      await assertPortFree({ address: settings.apiAddress, port: settings.apiPort }, "with --api-port");
    }
    const homeHash = createHash("sha256").update(settings.home).digest("hex").slice(0, 8);
    const host = await probeHost(`bloomery-${homeHash}`);
    const store = await openStore({ url: settings.database, log });
    closers.push(() => store.close());
    const lost = await closeUnfinished(store, boot);
    if (lost > 0) log.warn({ deployments: lost }, "deployments of an earlier daemon were marked failed");
    await store.orgs.ensure("local");
    const secrets = await openSecrets(paths.secretsKey);
    await ensureAdminToken(store, paths.adminToken);

    const network = await openHostNetwork(host, settings, store, paths.root);
    // A start that failed on an empty machine, and a full stop, leave an empty machine. Until the instances of an
    // earlier daemon are found again nobody knows that it is empty: then everything is left as it is.
    let findInstances: (() => ReadonlySet<string>) | undefined;
    closers.push(async () => {
      const present = findInstances?.();
      if (present !== undefined) await sweepGroups(host.cgroups, present);
      await (present?.size === 0 ? network?.destroy() : network?.close());
    });
    const relayPath: RelayPath = (id, port) => planRelaySocket(paths.upstreams, id, port);
    const engine = createLocalEngine({
      ...{ ...settings, paths, bwrap: host.bwrap, cgroups: host.cgroups, network, log },
      uidBase: host.isRoot ? settings.uidBase : null,
      describeHolder: findPortHolder,
      placeRelay: (id, port) => ({ socket: relayPath(id, port), owner: routing.workerOwner }),
      environmentOf: (releaseId) => loadEnvironment(releases, releaseId),
    });
    closers.push(() => engine.close());
    const volumes = await openVolumes({
      ...{ root: paths.volumes, isRoot: host.isRoot, uidBase: settings.uidBase, log },
    });
    closers.push(() => volumes.close());

    const parts: { healer?: Healer } = {};
    const records = createInstanceRecords(store, {
      instanceDir: (id) => join(paths.instances, id),
      onLost: (instance) => {
        log.warn({ instance: instance.id }, "an instance vanished");
        void parts.healer?.heal(instance.environmentId);
      },
    });
    const executions = await openExecutions({
      ...{ store, instanceDir: (id) => join(paths.instances, id), limits: settings.executions, log },
      accessLog: planNginxPaths(paths.nginx).accessLog,
    });
    closers.push(() => executions.close());
    const fleet = createFleet(engine, executions.observe(records.observer), (release, replica, warn) =>
      volumes.prepare({ ...release, replica, warn }),
    );
    const build = await openBuildStage({ settings, paths, host, store, network, log });
    const releases: ReleaseParts = { store, secrets, artifactDir: build.artifactDir, address: settings };
    const holdPathOf = (environment: { readonly slot: number }) => holdPath(paths.upstreams, environment);
    const routing = await openRouting({
      ...{ settings, paths, host, store, log, holdPath: holdPathOf, mountPath: volumes.hostPathOf },
      doorPath: (one, port) => tcpDoors.pathOf(one, port),
    });
    const tcpDoors = await openTcpDoors({
      ...{ shimPath: settings.shimPath, folder: paths.doorman, hasNetwork: network !== null, log },
      owner: routing.workerOwner,
      reach: (environmentId, signal) => activation.reach(environmentId, signal),
    });
    closers.push(() => tcpDoors.close());
    const holds = await openHolds({ folder: paths.upstreams, owner: routing.workerOwner });
    const authenticate = async (secret: string): Promise<Caller | undefined> => {
      const token = await store.tokens.getValid(hashSecret(secret));
      if (token !== undefined) void store.tokens.touch(token.id).catch(() => undefined);
      return token;
    };
    const functionEdge = await openFunctionEdge({
      ...{ folder: paths.upstreams, owner: routing.workerOwner, authenticate, log },
      ...{ holdPath: holdPathOf, applyRoutes: routing.applyRoutes },
    });
    closers.push(() => functionEdge.close());
    const listServed = createServedList(store, build.artifactDir);
    const edge = createEdge({
      switchboard: await routing.openSwitchboard(network),
      ...{ hasNetwork: network !== null, listServed },
      async applyRoutes(served) {
        // Whoever is turned to must be there before nginx knows of it.
        await Promise.all([activation.follow(served), tcpDoors.follow(served)]);
        await functionEdge.applyRoutes(served);
      },
      assertRoutable: routing.assertRoutable,
    });
    const reach = openReach({
      ...{ store, edge, nginx: paths.nginx, network, log },
      relayPath,
      backupPaths: (one, port) => (one.config.tcp === null ? [holdPathOf(one)] : tcpDoors.pathsOf(one, port)),
    });
    closers.push(() => reach.connections.stop());
    const operations = createOperations({
      ...releases,
      ...{ fleet, edge, boot },
      healer: () => healer,
      isPutToSleep: (id) => activation.isPutToSleep(id),
      async forgetApp(id) {
        await functions.drafts.forget(id);
        await build.forgetApp(id);
      },
      async forgetEnvironment(id) {
        await volumes.remove(id);
        await rm(hookLogFolder(paths.logs, id), { recursive: true, force: true });
      },
    });
    const healer = createHealer({ fleet, edge, wantedOf: operations.wantedOf, log });
    parts.healer = healer;

    const activation = openActivation({
      ...{ releases, fleet, edge, holdPath: holdPathOf, owner: routing.workerOwner, log },
      logFolder: (id) => join(paths.instances, id, "log"),
      heal: (environmentId) => void healer.heal(environmentId),
      notes: executions.notes,
      hasOtherDoor: (environment) => hasDoors(environment, network !== null),
    });
    engine.expect(activation.expected);
    executions.watchPressure(activation.press);
    const invocations = await openPlatformInvocations({
      ...{ releases, engine, volumes, executions, paths, log, activation },
    });
    const troubles = joinTroubles(healer, activation);
    const views: ViewParts = { store, fleet, healer: troubles, activation, edge: settings };
    const hub = createEventHub(join(paths.logs, "deployments"));
    const jobs = createJobs();
    const deployer = createDeployer({
      ...releases,
      ...{ fleet, edge, hasNetwork: network !== null, logs: paths.logs },
      holds: {
        open: (environment, limitMs) =>
          activation.hasDoor(environment.id)
            ? activation.hold(environment.id, limitMs)
            : holds.open(environment, limitMs),
        isNeeded: activation.hasDoor,
      },
      deployments: { store, hub, jobs, boot, log, view: (row) => viewDeployment(views, row) },
      build: build.port,
      openTree: build.openTree,
      assertArtifact: build.assertArtifact,
      assertIsolation: (config) => assertIsolation(config, { ...settings, hasNamespaces: network !== null }),
      async assertRoutable(place, config, folder) {
        await assertHandover({ store, fleet, hasNetwork: network !== null }, place, config);
        await edge.assertRoutable(planServed(place, config, folder ?? paths.artifacts), folder !== null);
      },
      heal: (environmentId) => void healer.heal(environmentId),
    });

    const functions = openFunctions({ store, secrets, jobs, deployer }, build);

    await reconcile({
      ...{ store, engine, fleet, edge, healer, listServed, wantedOf: operations.wantedOf, log },
      async sweepStrays(keep) {
        findInstances = () => new Set(fleet.all().map((instance) => instance.id));
        await sweepGroups(host.cgroups, keep);
        await network?.sweep();
        if (network !== null) closers.push(watchNetwork(network, log));
        engine.keepShims();
      },
      onFound: activation.follow,
    });
    await executions.settle(new Set(fleet.all().map((instance) => instance.id)));
    await edge.refresh();
    const collect = async () => ({ ...(await build.collectGarbage()), ...(await invocations.sweep()) });
    const daily = collectDaily({ collect, log });
    closers.push(() => daily.close());

    let finish: () => void = () => undefined;
    const stopped = new Promise<void>((resolve) => (finish = resolve));
    let stopping: Promise<void> | undefined;
    const stop = (apps: boolean): Promise<void> =>
      (stopping ??= (async () => {
        log.info({ apps }, "stopping");
        await api.close();
        await invocations.close();
        await jobs.close();
        await activation.close();
        await healer.close();
        await build.close();
        if (apps) {
          await fleet.stopNow(fleet.all());
          await fleet.settle();
          await routing.stop();
          await tcpDoors.stop();
          await volumes.unmountAll();
          await network?.destroy();
        } else {
          routing.close();
        }
        await records.settle();
        await closeAll();
        finish();
      })());

    const api = await openApi({
      ...{ settings, paths, host, startedAt, version, log, authenticate },
      ...{ store, secrets, fleet, edge, routing, build, deployer, operations, activation, jobs, hub, views },
      ...{ executions, functions, invocations, volumes, reach, stop },
      runTool: engine.runTool,
      watchInstances: records.watchInstances,
    });
    invocations.recover();
    log.info({ ...api.facts, root: host.isRoot, network: network?.cidr ?? null }, "ready");
    if (settings.build.ahead) build.startAhead();
    return { apiUrl: api.facts.apiUrl, stop, stopped };
  } catch (error) {
    await closeAll();
    throw error;
  }
}
