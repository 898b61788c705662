import { type Server, createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';

export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  /** Null of the first span of a trace. */
  parentId: string | null;
  name: string;
  startMs: number;
  endMs: number;
  attributes: Record<string, string | number | boolean>;
  service: string;
  error: string | null;
}

/** A server that takes spans as OTLP over HTTP in protobuf, with the part of the protocol's messages that a test reads. */
export class Receiver {
  readonly spans: ReceivedSpan[] = [];
  private server!: Server;

  static async start(): Promise<Receiver> {
    const receiver = new Receiver();
    receiver.server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const body = Buffer.concat(parts);
        if (request.url === '/v1/traces') receiver.take(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body);
        response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
      });
    }).listen(0, '127.0.0.1');
    await once(receiver.server, 'listening');
    return receiver;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  named(name: string): ReceivedSpan[] {
    return this.spans.filter((span) => span.name === name);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private take(body: Buffer): void {
    const decoded = messages.decode(body);
    const { resourceSpans = [] } = messages.toObject(decoded, { longs: String, bytes: String, enums: Number }) as Export;
    for (const { resource, scopeSpans = [] } of resourceSpans)
      for (const { spans = [] } of scopeSpans)
        for (const span of spans) {
          // A span that is sent again after a lost answer, or told again by a workflow, is the same span.
          const spanId = hex(span.spanId);
          if (this.spans.some((known) => known.spanId === spanId)) continue;
          this.spans.push({
            traceId: hex(span.traceId),
            spanId,
            parentId: span.parentSpanId ? hex(span.parentSpanId) : null,
            name: span.name,
            startMs: Number(BigInt(span.startTimeUnixNano) / 1_000_000n),
            endMs: Number(BigInt(span.endTimeUnixNano) / 1_000_000n),
            attributes: plain(span.attributes),
            service: String(plain(resource?.attributes)['service.name']),
            error: span.status?.code === 2 ? (span.status.message ?? '') : null,
          });
        }
  }
}

interface Export {
  resourceSpans?: {
    resource?: { attributes?: KeyValue[] };
    scopeSpans?: { spans?: RawSpan[] }[];
  }[];
}

interface RawSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes?: KeyValue[];
  status?: { code?: number; message?: string };
}

interface KeyValue {
  key: string;
  value?: { stringValue?: string; boolValue?: boolean; intValue?: string; doubleValue?: number };
}

const hex = (base64: string): string => Buffer.from(base64, 'base64').toString('hex');

const plain = (attributes: KeyValue[] = []): ReceivedSpan['attributes'] =>
  Object.fromEntries(
    attributes.map(({ key, value = {} }) => [
      key,
      value.stringValue ?? value.boolValue ?? value.doubleValue ?? (value.intValue === undefined ? '' : Number(value.intValue)),
    ]),
  );

const messages = protobuf
  .parse(
    `syntax = "proto3";
     message Export { repeated ResourceSpans resource_spans = 1; }
     message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
     message Resource { repeated KeyValue attributes = 1; }
     message ScopeSpans { repeated Span spans = 2; }
     message Span {
       bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5;
       fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
       repeated KeyValue attributes = 9; Status status = 15;
     }
     message Status { string message = 2; int32 code = 3; }
     message KeyValue { string key = 1; AnyValue value = 2; }
     message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }`,
  )
  .root.lookupType('Export');
