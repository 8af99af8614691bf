import { z } from "zod";
import { element, key } from "./key-meta.js";

/** Where a mount's content lives; `service` is for network storage and comes later. */
export const mountSource = z.enum(["local", "storage", "instance", "tmp", "temporary"]);

/** One entry of `mounts`, in both manifests. */
export const mountSchema = element(
  z.object({
    source: key(z.enum([...mountSource.options, "service"]), {
      about:
        "Where the content lives: `local` and `storage` are kept and shared by the replicas, `instance` is kept for each replica, `tmp` and `temporary` end with the instance.",
      expected: 'one of "local", "storage", "instance", "tmp", "temporary", "service"',
      example: "local",
    }),
    source_path: key(z.string(), {
      about: "The folder within the volume; an empty text is all of it.",
      expected: "a path",
      example: "uploads",
      default: "the mount's own path",
    }),
    service: key(z.string(), {
      about: "The service that holds the folder.",
      expected: "the name of a service",
      example: "files",
    }),
  }),
  { about: "One folder.", expected: "the key source", example: { source: "local" } },
);
