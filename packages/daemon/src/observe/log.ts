import { pino, type Logger } from "pino";

/** The daemon's own log: JSON lines on standard error, so that systemd and `--detach` can keep them. */
export function openLog(level: string): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ["authorization", "headers.authorization", "secret", "token"],
    },
    pino.destination({ fd: 2, sync: true }),
  );
}
