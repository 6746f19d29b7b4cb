import { PbfWriter } from 'pbf';

/** A node of a graph; what is computed first stands first. */
export interface OnnxNode {
  operator: string;
  inputs: string[];
  output: string;
  attributes?: Record<string, number | number[]>;
}

/** A constant of a graph. */
export interface OnnxConstant {
  name: string;
  dims: number[];
  values: Float32Array | BigInt64Array;
}

/** What goes in or comes out, float32; a name instead of a number is a free side. */
export interface OnnxValue {
  name: string;
  shape: (string | number)[];
}

export interface OnnxGraph {
  name: string;
  inputs: OnnxValue[];
  outputs: OnnxValue[];
  nodes: OnnxNode[];
  constants: OnnxConstant[];
}

/** As fixed-shape.ts: numbers of fields and types in onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto). */
const irVersion = 8;
const opset = 17;
const float32 = 1;
const int64 = 7;
const attributeTypes = { int: 2, ints: 7 };

/** @returns the bytes of an ONNX file of operator set 17: the same for the same graph */
export function writeOnnx(graph: OnnxGraph): Uint8Array {
  const writer = new PbfWriter();
  writer.writeVarintField(1, irVersion);
  writer.writeStringField(2, 'iqpir-restore');
  writer.writeMessage(7, writeGraph, graph);
  writer.writeMessage(8, (version: number, inner: PbfWriter) => inner.writeVarintField(2, version), opset);
  return writer.finish();
}

function writeGraph({ name, inputs, outputs, nodes, constants }: OnnxGraph, writer: PbfWriter): void {
  for (const node of nodes) writer.writeMessage(1, writeNode, node);
  writer.writeStringField(2, name);
  for (const constant of constants) writer.writeMessage(5, writeConstant, constant);
  for (const input of inputs) writer.writeMessage(11, writeValue, input);
  for (const output of outputs) writer.writeMessage(12, writeValue, output);
}

function writeNode({ operator, inputs, output, attributes = {} }: OnnxNode, writer: PbfWriter): void {
  for (const input of inputs) writer.writeStringField(1, input);
  writer.writeStringField(2, output);
  writer.writeStringField(3, output);
  writer.writeStringField(4, operator);
  for (const attribute of Object.entries(attributes)) writer.writeMessage(5, writeAttribute, attribute);
}

function writeAttribute([name, value]: [string, number | number[]], writer: PbfWriter): void {
  writer.writeStringField(1, name);
  if (typeof value === 'number') writer.writeVarintField(3, value);
  else for (const one of value) writer.writeVarintField(8, one);
  writer.writeVarintField(20, typeof value === 'number' ? attributeTypes.int : attributeTypes.ints);
}

function writeConstant({ name, dims, values }: OnnxConstant, writer: PbfWriter): void {
  for (const side of dims) writer.writeVarintField(1, side);
  writer.writeVarintField(2, values instanceof Float32Array ? float32 : int64);
  writer.writeStringField(8, name);
  writer.writeBytesField(9, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}

/** Name, and type -> tensor type -> element type and shape -> sides. */
function writeValue({ name, shape }: OnnxValue, writer: PbfWriter): void {
  writer.writeStringField(1, name);
  writer.writeMessage(
    2,
    (sides: OnnxValue['shape'], type: PbfWriter) => type.writeMessage(1, writeTensor, sides),
    shape,
  );
}

function writeTensor(shape: OnnxValue['shape'], writer: PbfWriter): void {
  writer.writeVarintField(1, float32);
  writer.writeMessage(2, writeShape, shape);
}

function writeShape(shape: OnnxValue['shape'], writer: PbfWriter): void {
  for (const side of shape) writer.writeMessage(1, writeSide, side);
}

function writeSide(side: string | number, writer: PbfWriter): void {
  if (typeof side === 'number') writer.writeVarintField(1, side);
  else writer.writeStringField(2, side);
}
