import { join } from "node:path";
import { BloomError } from "@bloomery/contract";
import type * as prefork from "@bloomery/daemon/prefork";
import type { Context } from "../command.js";
import { callTool } from "./call-tool.js";
import { layFolder } from "./lay-folder.js";
import { planWorkbench, putLibrary } from "./workbench.js";

type Project = ReturnType<typeof prefork.openProjectFolder>;

/** Makes a library of one file, which stays as it is, whatever its age. Throws ERR_BUILD_FAILED. */
export async function buildFile(
  { cwd, env, output }: Pick<Context, "cwd" | "env" | "output">,
  { file, name, path }: { readonly file: string; readonly name: string; readonly path: string },
  project: Project,
  tools: typeof prefork,
): Promise<void> {
  const { source: folder } = planWorkbench(cwd, env);
  await tools.removeTree(folder);
  // Copies of old files are put beside them, and not into the folder of their author.
  const sources = project.list().filter((one) => one.endsWith(".rs"));
  const copies = new Map(sources.map((one) => [one, project.read(one) ?? ""]));
  await layFolder(cwd, folder, copies, new Set(["target"]));
  const said: string[] = [];
  try {
    await tools.compileLocally({
      ...{ file, name, folder, source: project.read(file) ?? "" },
      async call(command) {
        const { exitCode, stdout, stderr } = await callTool(command, { cwd: folder, env, shows: false });
        const toLines = (text: string): string[] => (text === "" ? [] : text.trimEnd().split("\n"));
        return { exitCode, stdout: toLines(stdout), stderr: toLines(stderr) };
      },
      note: (text) => void said.push(text),
    });
    for (const line of said) output.say(line);
    await putLibrary(join(folder, tools.rustcFolder, `lib${name}.so`), join(cwd, path));
  } catch (error) {
    for (const line of said) output.say(line);
    throw explain(error);
  } finally {
    await tools.removeTree(folder);
  }
}

/** The compiler's words were shown, and there is no build log. */
function explain(error: unknown): unknown {
  if (!(error instanceof BloomError) || error.code !== "ERR_BUILD_FAILED") return error;
  return new BloomError(error.code, error.message, {
    cause: error,
    hint: "Correct the source; --no-build serves the library as it lies there.",
  });
}
