/** The typed door to the server: every path and shape comes from the generated OpenAPI types. */
import type { components, paths } from "../../../api/schema.ts";

export type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];

export const MOST_ROWS = 1000; // the server tells no more of a list at once

type Method = "get" | "post" | "put" | "delete";
type PathsWith<M extends Method> = { [P in keyof paths]: paths[P][M] extends { responses: unknown } ? P : never }[keyof paths];
type Operation<P extends keyof paths, M extends Method> = paths[P][M];
type Json<R> = R extends { content: { "application/json": infer T } } ? T : undefined;
type Success<R> = R extends { 200: infer A } ? Json<A> : R extends { 202: infer A } ? Json<A> : undefined;
type Answer<O> = O extends { responses: infer R } ? Success<R> : never;
type Parameters<O, Place extends "path" | "query"> = O extends { parameters: infer A } ? (Place extends keyof A ? A[Place] : undefined) : undefined;
type Body<O> = O extends { requestBody: { content: { "application/json": infer B } } } ? B : undefined;
type Wish<O> = {
  path?: Parameters<O, "path">;
  query?: Parameters<O, "query">;
  body?: Body<O>;
  signal?: AbortSignal;
};

/** What the server refused, in its own words; status 0 means that it could not be reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
    readonly body: unknown = null,
  ) {
    super(problem.message);
  }
}

/** There was no answer at all. */
export class Unreachable extends ApiError {
  constructor() {
    super(0, { message: "The server does not answer.", hint: "Start it again: notewright serve", problems: [] });
  }
}

/** There is no answer yet; what was asked for may still come. */
export class Late extends ApiError {
  constructor() {
    super(0, { message: "The server has not answered yet.", hint: "What it answers is shown as soon as it comes.", problems: [] });
  }
}

export function address(template: string, path: object = {}, query: object = {}): string {
  const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = String((path as Record<string, unknown>)[name]);
    return value.split("/").map(encodeURIComponent).join("/"); // ids may hold slashes, which the server expects as they are
  });
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) search.set(name, String(value)); // "" is a value: the chapter without a name
  }
  return search.size ? `${filled}?${search}` : filled;
}

/** Raises ApiError for every answer that is no success, and when there is no answer. */
export async function request(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Unreachable();
  }
  if (response.ok) return response;
  const body: unknown = await response.json().catch(() => null);
  const problem = (body as Problem | null)?.message
    ? (body as Problem)
    : { message: `The server answered ${response.status}.`, hint: "See its terminal.", problems: [] };
  throw new ApiError(response.status, problem, body);
}

async function call<M extends Method, P extends PathsWith<M>>(method: M, template: P, wish: Wish<Operation<P, M>> = {}): Promise<Answer<Operation<P, M>>> {
  const response = await request(address(template, wish.path ?? {}, wish.query ?? {}), {
    method: method.toUpperCase(),
    ...(wish.body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(wish.body) }),
    ...(wish.signal ? { signal: wish.signal } : {}),
  });
  return (response.status === 204 ? undefined : await response.json()) as Answer<Operation<P, M>>;
}

export const api = {
  get: <P extends PathsWith<"get">>(path: P, wish?: Wish<Operation<P, "get">>) => call("get", path, wish),
  post: <P extends PathsWith<"post">>(path: P, wish?: Wish<Operation<P, "post">>) => call("post", path, wish),
  put: <P extends PathsWith<"put">>(path: P, wish?: Wish<Operation<P, "put">>) => call("put", path, wish),
  delete: <P extends PathsWith<"delete">>(path: P, wish?: Wish<Operation<P, "delete">>) => call("delete", path, wish),
};
