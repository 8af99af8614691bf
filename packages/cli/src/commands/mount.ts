import { basename, resolve } from "node:path";
import { BloomError, type MountView } from "@bloomery/contract";
import { appArgument, environmentFlag, type ArgumentSpec, type Command, type Context } from "../command.js";
import { createPhases } from "../output/phases.js";
import { formatBytes } from "../output/table.js";
import { placeOf, type Place } from "./place.js";

const group = "Inside";
const pathArgument: ArgumentSpec = { name: "path", about: "a mount such as uploads, or a folder in it" };

export const mountCommands: readonly Command[] = [
  {
    name: "mount list",
    group,
    summary: "List the live version's mounts",
    args: [appArgument],
    flags: [environmentFlag],
    examples: ["bloom mount list shop"],
    async run(context) {
      const answer = await context.client().call("listMounts", { params: placeOf(context) });
      const rows = answer.mounts.map((one) => [one.path, one.source, one.sourcePath || "/", keeps(one)]);
      context.output.table(answer, ["MOUNT", "SOURCE", "IN THE VOLUME", "KEPT"], rows);
    },
  },
  {
    name: "mount size",
    group,
    summary: "Show how much the mounts hold",
    args: [appArgument, { ...pathArgument, optional: true }],
    flags: [environmentFlag],
    examples: ["bloom mount size shop", "bloom mount size shop uploads"],
    async run(context) {
      const call = { params: placeOf(context), query: { size: "true" } };
      const { mounts } = await context.client().call("listMounts", call);
      const wanted =
        context.args[1] === undefined ? undefined : parseMountPath(context.args[1], context.args[0]);
      const shown = mounts.filter(({ path }) => wanted === undefined || path === wanted);
      if (wanted !== undefined && shown.length === 0) throw noMount(wanted, mounts);
      const rows = shown.map((one) => [
        one.path,
        formatBytes(one.usedBytes),
        describeVolume(one),
        keeps(one),
      ]);
      context.output.table({ mounts: shown }, ["MOUNT", "USED", "OF", "KEPT"], rows);
    },
  },
  {
    name: "mount upload",
    group,
    summary: "Copy a file or a folder's content into a mount",
    about:
      "Files of the same name are replaced, all others stay. It works while the app is stopped, too; the files are the app's.",
    args: [
      appArgument,
      pathArgument,
      { name: "local", about: "a file, or a folder whose content is copied" },
    ],
    flags: [environmentFlag],
    examples: ["bloom mount upload shop uploads ./pictures", "bloom mount upload shop data/import in.csv"],
    run: upload,
  },
  {
    name: "mount download",
    group,
    summary: "Copy a mount's content into a folder",
    about:
      "A folder that has something in it is only written to with --yes; files of the same name are replaced.",
    args: [
      appArgument,
      pathArgument,
      { name: "local", about: "a folder; otherwise one of the mount's name, here", optional: true },
    ],
    flags: [environmentFlag],
    examples: ["bloom mount download shop uploads", "bloom mount download shop uploads ./backup --yes"],
    run: download,
  },
];

async function upload(context: Context): Promise<void> {
  const { args, client, cwd, output } = context;
  const params = placeOf(context);
  const path = parseMountPath(args[1] ?? "", args[0]);
  const { assertPackable, packLocal } = await import("../inside/pack-local.js");
  const local = resolve(cwd, args[2] ?? "");
  await assertPackable(local);
  const { mount, inner } = await findMount(context, params, path);
  const packing = packLocal(local, inner);
  const phases = createPhases(output);
  phases.enter("upload");
  try {
    await client().call("uploadMount", { params, query: { path: mount } }, { raw: packing.stream });
    phases.end(true);
  } catch (error) {
    phases.end(false);
    throw packing.failure() ?? error;
  }
  const { skipped } = packing;
  for (const reason of skipped) output.say(`left out: ${reason}`);
  const { files, bytes } = packing.counts;
  output.result({ path, files, bytes, skipped }, [
    `${describeCount(files)}, ${formatBytes(bytes)}, are in ${path}`,
  ]);
}

async function download(context: Context): Promise<void> {
  const { args, client, confirm, cwd, output } = context;
  const params = placeOf(context);
  const path = parseMountPath(args[1] ?? "", args[0]);
  const folder = resolve(cwd, args[2] ?? basename(path));
  const { hasContent, unpackLocal } = await import("../inside/unpack-local.js");
  const isFull = await hasContent(folder);
  const { mount, inner } = await findMount(context, params, path);
  const stream = await client().read("downloadMount", { params, query: { path: mount } });
  try {
    // Asked only now: a mount that does not exist is the better answer.
    if (isFull) await confirm(`${folder} is not empty. Replace files of the same name?`);
    const phases = createPhases(output);
    phases.enter("download");
    let isMissing = true;
    const unpacked = await unpackLocal(stream, folder, inner)
      .then((done) => {
        isMissing = inner !== "" && done.entries === 0;
        return done;
      })
      .finally(() => phases.end(!isMissing));
    if (isMissing) {
      throw new BloomError("ERR_NOT_FOUND", `there is no ${inner} in the mount ${mount}`, {
        hint: `\`bloom exec ${args[0] ?? ""} -- ls ${mount}\` shows what there is.`,
      });
    }
    for (const reason of unpacked.skipped) output.say(`left out: ${reason}`);
    const { files, bytes, skipped } = unpacked;
    output.result({ path, folder, files, bytes, skipped }, [
      `${describeCount(files)}, ${formatBytes(bytes)}, are in ${folder}`,
    ]);
  } finally {
    stream.on("error", () => undefined).destroy();
  }
}

/** The mount that a path lies in, and the rest of it; a path in none is the daemon's to refuse. */
async function findMount(
  { client }: Context,
  params: Place,
  path: string,
): Promise<{ mount: string; inner: string }> {
  if (!path.includes("/")) return { mount: path, inner: "" };
  const { mounts } = await client().call("listMounts", { params });
  const above = mounts.map((one) => one.path).filter((one) => `${path}/`.startsWith(`${one}/`));
  const mount = above.toSorted((a, b) => b.length - a.length)[0] ?? path;
  return { mount, inner: path.slice(mount.length + 1) };
}

/** A mount's path as the manifest may write it. Throws ERR_INVALID_ARGUMENT. */
function parseMountPath(word: string, app = "APP"): string {
  const path = word
    .replace(/^\/app(?=\/|$)/, "")
    .split("/")
    .filter((step) => step !== "" && step !== ".")
    .join("/");
  if (path !== "" && !path.split("/").includes("..")) return path;
  throw new BloomError("ERR_INVALID_ARGUMENT", `\`${word}\` is not a path in a mount`, {
    hint: `Write it as below the app's folder, such as uploads or uploads/pictures; \`bloom mount list ${app}\` shows the mounts.`,
  });
}

function noMount(path: string, mounts: readonly MountView[]): BloomError {
  const names = mounts.map((one) => one.path).join(", ");
  return new BloomError("ERR_NOT_FOUND", `there is no mount ${path}`, {
    hint: names === "" ? "The live version has no mounts." : `There are: ${names}.`,
  });
}

function describeCount(files: number): string {
  return `${files} ${files === 1 ? "file" : "files"}`;
}

function describeVolume({ persistent, volumeBytes }: MountView): string {
  if (!persistent) return "-";
  return volumeBytes === null ? "the disk's" : formatBytes(volumeBytes);
}

function keeps({ persistent }: MountView): string {
  return persistent ? "yes" : "no";
}
