import type { Readable } from "node:stream";
import type { ApiRoutes, RouteAnswer, RouteCall, RouteName } from "@bloomery/contract";
import type { Caller } from "./caller.js";

/** What a handler gets besides the checked parts of the request. */
export interface CallContext {
  readonly caller: Caller;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
  /** The raw body of routes with `rawBody`. */
  readonly raw: Readable;
}

type Answer<R extends RouteName> = ApiRoutes[R] extends { stream: true }
  ? AsyncIterable<RouteAnswer<ApiRoutes[R]>>
  : ApiRoutes[R] extends { rawResponse: string }
    ? AsyncIterable<Uint8Array>
    : Promise<RouteAnswer<ApiRoutes[R]>>;

/**
 * One function for each route of the contract; the compiler refuses a missing or superfluous one. Routes with
 * `stream` answer with the objects of their lines, those with `rawResponse` with bytes.
 */
export type Handlers = {
  readonly [R in RouteName]: (call: RouteCall<ApiRoutes[R]>, context: CallContext) => Answer<R>;
};
