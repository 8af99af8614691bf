import { planFunctionPageMaps } from "./function-pages.js";

/**
 * What the servers of functions ask about a request, for the http block. Which way it goes: bodies up to 100 kB are
 * collected before the function hears of them, so that slow senders take no place in it, and can wait for one that
 * sleeps; longer ones and those of unknown length are passed on as they come.
 */
export function planFunctionMaps(): readonly string[] {
  return [
    ...planFunctionPageMaps(),
    // Of all servers that were tried not one accepted a connection, not even where sleeping functions are woken.
    'map $upstream_connect_time $bloom_nobody { volatile; default ""; "~^[-,: ]+$" 1; }',
    'map $http_transfer_encoding $bloom_length { default "chunked"; "" $content_length; }',
    'map "$bloom_live|$bloom_length|$bloom_once" $bloom_function {',
    "\tvolatile;",
    '\t"~^[|][0-9]{0,5}[|]$" @bloom_app0;',
    '\t"~^[|][0-9]{0,5}[|]_once$" @bloom_once0;',
    '\t"~^1" @bloom_live0;',
    "\tdefault @bloom_stream0;",
    "}",
    // Which requests go by whoever holds them against schemas: those with bodies, or all.
    'map "$bloom_upgrade|$request_method" $bloom_function_input {',
    "\tvolatile;",
    '\t"|POST" @bloom_gate0;',
    '\t"|PUT" @bloom_gate0;',
    '\t"|PATCH" @bloom_gate0;',
    "\tdefault $bloom_function;",
    "}",
    'map $bloom_upgrade $bloom_function_checked { volatile; default $bloom_function; "" @bloom_gate0; }',
    // What the gate has turned away the function has never heard of.
    'map "$bloom_gated|$upstream_http_x_bloom_turned_away" $bloom_logged { volatile; default $bloom_execution; "1|1" ""; }',
    // Of several headers the first counts, here as for whoever checks it.
    'map $http_authorization $bloom_bearer { default ""; "~*^Bearer (?<bloom_token>[!-~]{1,512})$" $bloom_token; }',
    'map "$request_method|$http_origin|$http_access_control_request_method" $bloom_preflight { default ""; "~^OPTIONS[|].+[|].+$" 1; }',
    // What the handler says of itself wins.
    'map $upstream_http_access_control_allow_origin $bloom_allow_origin { volatile; default ""; "" "*"; }',
    'map $upstream_http_access_control_expose_headers $bloom_expose { volatile; default ""; "" x-ignite-execution-id; }',
  ];
}
