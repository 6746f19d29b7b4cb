import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { addStacks } from '../../infra/add-stacks.ts';
import { root } from './cli.ts';

/** An image that need not be built: what an image is made of has tests of its own. */
export const imageUri = `123456789012.dkr.ecr.eu-central-1.amazonaws.com/iqpir@sha256:${'a'.repeat(64)}`;

/** The app as `npx cdk synth -c ...` makes it, with cdk.json's context, but for its assets. */
export function makeApp(context: Record<string, unknown> = {}): App {
  const { context: own } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { context: object };
  return new App({ context: { ...own, 'aws:cdk:bundling-stacks': [], image: imageUri, ...context } });
}

/** The templates of both stacks. */
export function templatesOf(context: Record<string, unknown> = {}): { storage: Template; pipeline: Template } {
  const { storage, pipeline } = addStacks(makeApp(context));
  return {
    storage: storage ? Template.fromStack(storage) : Template.fromJSON({ Resources: {} }),
    pipeline: Template.fromStack(pipeline),
  };
}

export interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
}

/** Resources of a type by their logical ids. */
export function resourcesOf(template: Template, type: string): Record<string, Resource> {
  return template.findResources(type) as Record<string, Resource>;
}

/** The one resource of a type whose logical id says so. */
export function resourceNamed(template: Template, type: string, name: RegExp): Resource & { id: string } {
  const found = Object.entries(resourcesOf(template, type)).filter(([id]) => name.test(id));
  const [first] = found;
  if (found.length !== 1 || !first) {
    const all = Object.keys(resourcesOf(template, type)).join(', ');
    throw new Error(`Expected one ${type} named ${name} but found ${found.length}, of ${all}`);
  }
  return { id: first[0], ...first[1] };
}

/** The first of possibly several resources of a type that are alike. */
export function firstOf(template: Template, type: string): Resource {
  const [first] = Object.values(resourcesOf(template, type));
  if (!first) throw new Error(`Expected a resource of type ${type}`);
  return first;
}
