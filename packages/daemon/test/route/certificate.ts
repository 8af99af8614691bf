import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";

/** Makes `NAME.crt` and `NAME.key` in the folder, for `localhost`. */
export async function makeCertificate(
  folder: string,
  name = "server",
): Promise<{ readonly certificate: string; readonly key: string }> {
  const [certificate, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  await writeFile(key, "", { mode: 0o600 });
  await execa("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-subj", "/CN=localhost", "-days", "2", "-keyout", key, "-out", certificate],
  ]);
  return { certificate, key };
}
