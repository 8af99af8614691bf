#[ignite::main]
struct Handler;
