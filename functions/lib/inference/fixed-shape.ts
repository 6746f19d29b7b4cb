import { PbfReader, PbfWriter } from 'pbf';
import type { TensorValue } from './messages.ts';

/** An input's type and its sides, all of them numbers. */
export type FixedInput = Pick<TensorValue, 'type' | 'dims'>;

/** Numbers of fields and element types in onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto). */
const model = { graph: 7 };
const graph = { input: 11, output: 12 };
const valueInfo = { name: 1, type: 2 };
const elementTypes = { float32: 1, int32: 6, int64: 7 };

/**
 * Rewrites an ONNX file for one shape. Free sides make an exporter write nodes that compute shapes, and those run on the CPU
 * whatever the device; where every side is a number, onnxruntime computes them once and for all when it loads the file. Of
 * the outputs only those are kept that somebody reads, and what only the others needed goes with them.
 * @param file the bytes of an ONNX file
 * @param inputs by name; an input that is not named stays as it is
 * @returns the bytes of another ONNX file, the weights shared with the first as far as possible
 */
export function fixShapes(file: Uint8Array, inputs: Record<string, FixedInput>, outputs: string[]): Uint8Array {
  return Buffer.concat(
    fieldsOf(file).flatMap(({ number, whole, content }) =>
      number === model.graph ? bytesField(number, fixGraph(content, inputs, outputs)) : [whole],
    ),
  );
}

function fixGraph(content: Uint8Array, inputs: Record<string, FixedInput>, outputs: string[]): Uint8Array {
  return Buffer.concat(
    fieldsOf(content).flatMap(({ number, whole, content }) => {
      if (number === graph.output) return outputs.includes(nameOf(content)) ? [whole] : [];
      const name = number === graph.input ? nameOf(content) : '';
      const fixed = inputs[name];
      return fixed ? bytesField(number, describe(name, fixed)) : [whole];
    }),
  );
}

/** A ValueInfoProto: name, and type -> tensor type -> shape -> sides. */
function describe(name: string, input: FixedInput): Uint8Array {
  const writer = new PbfWriter();
  writer.writeStringField(valueInfo.name, name);
  writer.writeMessage(valueInfo.type, writeType, input);
  return writer.finish();
}

function writeType(input: FixedInput, writer: PbfWriter): void {
  writer.writeMessage(1, writeTensorType, input);
}

function writeTensorType({ type, dims }: FixedInput, writer: PbfWriter): void {
  writer.writeVarintField(1, elementTypes[type]);
  writer.writeMessage(2, writeShape, dims);
}

function writeShape(dims: number[], writer: PbfWriter): void {
  for (const side of dims) writer.writeMessage(1, writeSide, side);
}

function writeSide(side: number, writer: PbfWriter): void {
  writer.writeVarintField(1, side);
}

function nameOf(value: Uint8Array): string {
  const field = fieldsOf(value).find(({ number }) => number === valueInfo.name);
  return field ? Buffer.from(field.content).toString('utf8') : '';
}

interface Field {
  number: number;
  /** With its tag. */
  whole: Uint8Array;
  /** Of a string, bytes or a message; empty for a number. */
  content: Uint8Array;
}

/** The fields of a message in their order, as views of its bytes. */
function fieldsOf(message: Uint8Array): Field[] {
  const bytesType = 2;
  const reader = new PbfReader(message);
  const fields: Field[] = [];
  let start = 0;
  for (let number = reader.nextField(); number !== 0; number = reader.nextField()) {
    let content: Uint8Array = new Uint8Array();
    if (reader.type === bytesType) content = reader.readBytes();
    else reader.skip(reader.type);
    fields.push({ number, whole: message.subarray(start, reader.pos), content });
    start = reader.pos;
  }
  return fields;
}

/** @returns the tag and the length, then the content itself */
function bytesField(number: number, content: Uint8Array): Uint8Array[] {
  const writer = new PbfWriter();
  writer.writeTag(number, 2);
  writer.writeVarint(content.length);
  return [writer.finish(), content];
}
