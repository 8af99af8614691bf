import { crc32, deflateRawSync } from "node:zlib";

export interface ZipPart {
  /** Text, or the very bytes of the name. */
  readonly path: string | Buffer;
  readonly body?: string | Buffer;
  /** Unix type and permissions; 0: made on Windows. */
  readonly mode?: number;
  /** 0 stored, 8 deflated; anything else is claimed and not done. */
  readonly method?: number;
  readonly flags?: number;
  readonly extra?: Buffer;
  /** Claimed instead of the truth. */
  readonly size?: number;
  readonly sum?: number;
  /** Points at the content of an earlier part instead of having one. */
  readonly sameAs?: number;
}

/** Writes a zip archive, also ones that no zip program would write. */
export function makeZip(parts: readonly ZipPart[]): Buffer {
  const blocks: Buffer[] = [];
  const index: Buffer[] = [];
  const offsets: number[] = [];
  let at = 0;
  for (const part of parts) {
    const name = Buffer.from(part.path);
    const body = Buffer.from(part.body ?? "");
    const method = part.method ?? 8;
    const packed = method === 8 ? deflateRawSync(body) : body;
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(part.flags ?? 0x800, 2);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(part.sum ?? crc32(body), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(part.size ?? body.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), common, name, packed]);
    offsets.push(part.sameAs === undefined ? at : (offsets[part.sameAs] ?? 0));
    if (part.sameAs === undefined) {
      blocks.push(local);
      at += local.length;
    }
    const extra = part.extra ?? Buffer.alloc(0);
    const mode = part.mode ?? 0o100644;
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE((mode << 16) >>> 0, 6);
    tail.writeUInt32LE(offsets.at(-1) ?? 0, 10);
    common.writeUInt16LE(extra.length, 24);
    const host = Buffer.from([20, mode === 0 ? 0 : 3]);
    index.push(Buffer.concat([Buffer.from("PK\x01\x02", "latin1"), host, common, tail, name, extra]));
  }
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(Buffer.concat(index).length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...blocks, ...index, end]);
}
