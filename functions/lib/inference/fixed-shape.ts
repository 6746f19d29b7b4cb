import { PbfReader, PbfWriter } from 'pbf';
import type { TensorValue } from './messages.ts';

/** An input's type and its sides, all of them numbers. */
export type FixedInput = Pick<TensorValue, 'type' | 'dims'>;

/** Numbers of fields and element types in onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto). */
const model = { graph: 7 };
const graph = { node: 1, input: 11, output: 12 };
const node = { input: 1, output: 2, attribute: 5 };
const attribute = { graph: 6, graphs: 11 };
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
  const fields = fieldsOf(content);
  const dead = deadNodes(fields, outputs);
  return Buffer.concat(
    fields.flatMap((field) => {
      if (dead.has(field)) return [];
      if (field.number === graph.output) return outputs.includes(nameOf(field.content)) ? [field.whole] : [];
      const name = field.number === graph.input ? nameOf(field.content) : '';
      const fixed = inputs[name];
      return fixed ? bytesField(graph.input, describe(name, fixed)) : [field.whole];
    }),
  );
}

/** The nodes that none of the outputs needs: onnxruntime would keep them, and place them, CPU or not. */
function deadNodes(fields: Field[], outputs: string[]): Set<Field> {
  const nodes = fields.filter(({ number }) => number === graph.node).map((field) => ({ field, ...readNode(field) }));
  // A node with a graph of its own, as in an If, may read any value of this one: then nothing is surely dead.
  if (nodes.some(({ branches }) => branches)) return new Set();
  const needed = new Set(outputs);
  const dead = new Set<Field>();
  // ONNX lists nodes before those that read them.
  for (const { field, reads, gives } of nodes.reverse()) {
    if (gives.some((name) => name !== '' && needed.has(name))) for (const name of reads) needed.add(name);
    else dead.add(field);
  }
  return dead;
}

function readNode({ content }: Field) {
  const fields = fieldsOf(content);
  const texts = (wanted: number) => fields.filter(({ number }) => number === wanted).map(textOf);
  const attributes = fields.filter(({ number }) => number === node.attribute);
  const branches = attributes.some((each) =>
    fieldsOf(each.content).some(({ number }) => number === attribute.graph || number === attribute.graphs),
  );
  return { reads: texts(node.input), gives: texts(node.output), branches };
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
  return field ? textOf(field) : '';
}

function textOf({ content }: Field): string {
  return Buffer.from(content).toString('utf8');
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
