import { z } from "zod";
import { limitQuery } from "../api/common.js";

export const tag = "ignite";

/** What the paths of one function begin with. */
export const appPath = "/v1/ignite/app/:org/:app";

/** `cursor` is what the answer before said in `nextCursor`. */
export const page = z.object({ limit: limitQuery.default(50), cursor: z.string().max(200).optional() });
export const nextCursor = z.string().optional();
