import { expect, test } from "vitest";
import { apiRoutes, type ApiRoute } from "@bloomery/contract";
import { buildOpenApi } from "../../src/api/openapi.js";

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly "x-role": string;
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
  readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, unknown>> }>>;
}

const document = buildOpenApi("1.2.3") as unknown as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};

test("describes every route once, with its role", () => {
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
  expect(operations.map((operation) => operation.operationId).toSorted()).toEqual(
    Object.keys(apiRoutes).toSorted(),
  );
  for (const operation of operations) {
    const route: ApiRoute = apiRoutes[operation.operationId as keyof typeof apiRoutes];
    expect(operation["x-role"]).toBe(route.access);
  }
});

test("names each parameter of a path, and query parameters with a default as optional", () => {
  const path = "/v1/orgs/{org}/apps/{app}/environments/{environment}/logs";
  const parameters = document.paths[path]?.["get"]?.parameters ?? [];
  expect(parameters.filter((one) => one.in === "path").map((one) => one.name)).toEqual([
    "org",
    "app",
    "environment",
  ]);
  expect(parameters.filter((one) => one.in === "query").every((one) => !one.required)).toBe(true);
});

test("names the media type of every body and answer that is not JSON", () => {
  const place = "/v1/orgs/{org}/apps/{app}/environments/{environment}";
  const mediaOf = (path: string, method: string) => {
    const operation = document.paths[`${place}${path}`]?.[method];
    const keys = (part: { readonly content: object } | undefined) => Object.keys(part?.content ?? {});
    return [keys(operation?.requestBody), keys(operation?.responses["200"])].flat();
  };
  expect(mediaOf("/exec", "post")).toEqual(["application/x-ndjson", "application/x-ndjson"]);
  expect(mediaOf("/mounts/content", "put")).toEqual(["application/x-tar", "application/json"]);
  expect(mediaOf("/mounts/content", "get")).toEqual(["application/x-tar"]);
  expect(mediaOf("/logs", "get")).toEqual(["application/x-ndjson"]);
});

test("is plain JSON", () => {
  expect(JSON.parse(JSON.stringify(document))).toEqual(document);
});
