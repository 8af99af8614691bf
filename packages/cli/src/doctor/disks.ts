import { access, constants } from "node:fs/promises";
import { judge, type Check } from "./check.js";
import { runQuietly } from "./programs.js";

const control = "/dev/loop-control";

/** An app's volume is a file with a file system in it; that takes a loop device and mkfs.ext4. */
export async function checkVolumes(env: NodeJS.ProcessEnv, device: string = control): Promise<Check> {
  const hasLoop = await access(device, constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
  const hasTools = (await runQuietly("mkfs.ext4", ["-V"], env)) !== undefined;
  const missing = [...(hasLoop ? [] : [`${device} may not be used`]), ...(hasTools ? [] : ["no mkfs.ext4"])];
  const fixes = [
    ...(hasLoop ? [] : ["sudo modprobe loop"]),
    ...(hasTools ? [] : ["sudo apt-get install e2fsprogs"]),
  ];
  const isFine = missing.length === 0;
  const words = isFine
    ? "loop devices and mkfs.ext4 work"
    : `${missing.join(", ")}: \`disk\` is counted, but does not hold a running app back`;
  return judge("volumes", isFine, words, `${fixes.join(" && ")}; in a container, give it its devices`, true);
}
